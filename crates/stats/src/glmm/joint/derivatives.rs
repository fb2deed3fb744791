//! First and second derivatives of a component's likelihood by `theta` and `gamma`.
//!
//! With `F(v, psi) = h - log|H| / 2` and `g = dh/dv = 0` at the mode, the second derivatives of `F`
//! along the mode's path need none of the mode itself: it enters as `a'g` with `a = J^-1 dF/dv`,
//! `J = -dg/dv`. So everything follows from how `psi` moves the linear predictors (`E_s`), the
//! rows `t` (one entry for an element of `theta`, none for `gamma`) and, by `J v_s = dg/dpsi_s`,
//! the mode.

use super::super::Setting;
use super::super::jet::Jet;
use super::{Components, Part, add_square, identity};
use crate::linalg::vector::dot;
use crate::linalg::{cholesky, room};

/// Work space; `p` is the number of parameters, `q` the columns of the largest component.
#[derive(Debug, Default)]
pub(super) struct Work {
    p: usize,
    /// Factor of `J`.
    j: Vec<f64>,
    /// `H`, then its factor.
    h: Vec<f64>,
    /// `H^-1`.
    inverse: Vec<f64>,
    /// `H^-1 dH/dpsi_s`, a matrix for each parameter.
    moved: Vec<f64>,
    /// `dH/dpsi_s` of one parameter.
    turn: Vec<f64>,
    /// `dv/dpsi_s`, a row for each parameter.
    mode: Vec<f64>,
    /// `a`.
    adjoint: Vec<f64>,
    /// Of each cell of the component.
    cells: Vec<Cell>,
    /// For each cell and parameter, how the parameter moves the linear predictor.
    along: Vec<f64>,
    /// For each cell and effect, `H^-1 t` at the effect's column.
    solved: Vec<f64>,
    /// Where the parameters enter, elements of `theta` only.
    entries: Vec<Entry>,
}

/// Where an element of `theta` enters: it makes `t` at effect `to` grow by `z` of effect `from`.
#[derive(Clone, Copy, Debug)]
struct Entry {
    from: usize,
    to: usize,
}

/// What is needed of a cell at the mode: derivatives times the weight.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    jet: Jet,
    /// `t'H^-1 t`.
    leverage: f64,
    /// `a't`.
    pull: f64,
}

impl Work {
    pub fn begin(&mut self, s: &Setting, q: usize) {
        let layout = s.layout;
        let most = layout.starts.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0);
        self.p = s.parameters.len() + layout.k;
        for matrix in [&mut self.j, &mut self.h, &mut self.inverse, &mut self.turn] {
            room(matrix, q * q);
        }
        room(&mut self.moved, self.p * q * q);
        room(&mut self.mode, self.p * q);
        room(&mut self.adjoint, q);
        room(&mut self.cells, most);
        room(&mut self.along, most * self.p);
        room(&mut self.solved, most * layout.e);
        let mut firsts = [0; super::super::FACTORS_MAX];
        let mut first = 0;
        for (own, effects) in firsts.iter_mut().zip(&s.parameters.effects) {
            *own = first;
            first += effects;
        }
        self.entries.clear();
        self.entries.extend(s.parameters.list.iter().map(|element| {
            let first = firsts[element.factor];
            Entry { from: first + element.row, to: first + element.column }
        }));
    }
}

impl Components {
    /// Adds a component's derivatives, the second ones to the lower triangle.
    pub(super) fn differentiate_part(
        &mut self,
        s: &Setting,
        part: &Part,
        first: &mut [f64],
        second: &mut [f64],
    ) {
        let mut work = std::mem::take(&mut self.work);
        self.read_cells(s, part, &mut work);
        self.find_adjoint(s, part, &mut work);
        for p in 0..work.p {
            first[p] += self.move_by(s, part, p, &mut work);
        }
        for p in 0..work.p {
            for r in 0..=p {
                second[p * work.p + r] += self.second(s, part, p, r, &work);
            }
        }
        self.work = work;
    }

    /// Rows `t` of a cell, and the columns of their entries.
    fn row<'a>(&'a self, s: &Setting<'a>, i: usize) -> (&'a [f64], &'a [u32]) {
        let e = s.layout.e;
        (&self.turned[i * e..(i + 1) * e], &s.layout.column[i * e..(i + 1) * e])
    }

    /// Derivatives of each cell, the factor of `J`, and `H^-1`.
    fn read_cells(&self, s: &Setting, part: &Part, work: &mut Work) {
        let (q, e) = (part.q, s.layout.e);
        let v = &self.modes[part.start..part.start + q];
        identity(&mut work.j, q);
        identity(&mut work.h, q);
        for (own, i) in part.cells.clone().enumerate() {
            let (t, columns) = self.row(s, i);
            let n = s.layout.w[i];
            let jet = Jet::at(s.family, s.curvature, self.eta(s, i, v), s.layout.y[i]).times(n);
            add_square(&mut work.j, q, columns, t, jet.weight);
            add_square(&mut work.h, q, columns, t, jet.bent);
            work.cells[own] = Cell { jet, ..Cell::default() };
        }
        // Both are at least the identity.
        cholesky::factor(&mut work.j[..q * q], q, cholesky::ROUNDING);
        cholesky::factor(&mut work.h[..q * q], q, cholesky::ROUNDING);
        cholesky::invert(&work.h, q, &mut work.inverse[..q * q]);
        for (own, i) in part.cells.clone().enumerate() {
            let (t, columns) = self.row(s, i);
            let solved = &mut work.solved[own * e..(own + 1) * e];
            for (out, row) in solved.iter_mut().zip(columns) {
                let row = &work.inverse[*row as usize * q..];
                *out = t.iter().zip(columns).map(|(t, c)| t * row[*c as usize]).sum();
            }
            work.cells[own].leverage = dot(solved, t);
        }
    }

    fn find_adjoint(&self, s: &Setting, part: &Part, work: &mut Work) {
        let q = part.q;
        work.adjoint[..q].fill(0.0);
        for (own, i) in part.cells.clone().enumerate() {
            let (t, columns) = self.row(s, i);
            let cell = &work.cells[own];
            let bent = -0.5 * cell.jet.bent_slope * cell.leverage;
            for (t, column) in t.iter().zip(columns) {
                work.adjoint[*column as usize] += bent * t;
            }
        }
        cholesky::solve(&work.j, q, &mut work.adjoint[..q]);
        for (own, i) in part.cells.clone().enumerate() {
            let (t, columns) = self.row(s, i);
            let pull = t.iter().zip(columns).map(|(t, c)| t * work.adjoint[*c as usize]);
            work.cells[own].pull = pull.sum();
        }
    }

    /// How parameter `p` moves mode, linear predictors and `H`; returns the first derivative.
    fn move_by(&self, s: &Setting, part: &Part, p: usize, work: &mut Work) -> f64 {
        let (q, e, width) = (part.q, s.layout.e, work.p);
        let v = &self.modes[part.start..part.start + q];
        let entry = work.entries.get(p).copied();
        let mode = &mut work.mode[p * q..(p + 1) * q];
        mode.fill(0.0);
        let mut first = 0.0;
        for (own, i) in part.cells.clone().enumerate() {
            let (t, columns) = self.row(s, i);
            let (u, jet) = (s.layout.row(i), &work.cells[own].jet);
            let direct = match entry {
                Some(Entry { from, to }) => {
                    let column = columns[to] as usize;
                    mode[column] += jet.score * u[from];
                    u[from] * v[column]
                }
                None => u[e + p - work.entries.len()],
            };
            first += jet.score * direct;
            for (t, column) in t.iter().zip(columns) {
                mode[*column as usize] -= jet.weight * direct * t;
            }
            work.along[own * width + p] = direct;
        }
        cholesky::solve(&work.j, q, mode);
        work.turn[..q * q].fill(0.0);
        for (own, i) in part.cells.clone().enumerate() {
            let (t, columns) = self.row(s, i);
            let jet = &work.cells[own].jet;
            let along = &mut work.along[own * width + p];
            *along += t.iter().zip(columns).map(|(t, c)| t * mode[*c as usize]).sum::<f64>();
            add_square(&mut work.turn, q, columns, t, jet.bent_slope * *along);
            if let Some(Entry { from, to }) = entry {
                let (at, z) = (columns[to] as usize, jet.bent * s.layout.row(i)[from]);
                for (t, column) in t.iter().zip(columns) {
                    let (row, column) = (at.max(*column as usize), at.min(*column as usize));
                    let twice = if row == column { 2.0 } else { 1.0 };
                    work.turn[row * q + column] += twice * z * t;
                }
            }
        }
        for row in 0..q {
            for column in row + 1..q {
                work.turn[row * q + column] = work.turn[column * q + row];
            }
        }
        let moved = &mut work.moved[p * q * q..(p + 1) * q * q];
        let mut trace = 0.0;
        for row in 0..q {
            let inverse = &work.inverse[row * q..(row + 1) * q];
            for column in 0..q {
                // Both are symmetric: rows for columns.
                moved[row * q + column] = dot(inverse, &work.turn[column * q..(column + 1) * q]);
            }
            trace += moved[row * q + row];
        }
        first - 0.5 * trace
    }

    /// The second derivative by parameters `p` and `r`.
    fn second(&self, s: &Setting, part: &Part, p: usize, r: usize, work: &Work) -> f64 {
        let (q, e, width) = (part.q, s.layout.e, work.p);
        let [mode_p, mode_r] = [p, r].map(|p| &work.mode[p * q..(p + 1) * q]);
        let entries = [p, r].map(|p| work.entries.get(p).copied());
        let mut total = -dot(mode_p, mode_r);
        let mut trace = 0.0;
        for (own, i) in part.cells.clone().enumerate() {
            let (_, columns) = self.row(s, i);
            let u = s.layout.row(i);
            let Cell { jet, leverage, pull } = work.cells[own];
            let [along_p, along_r] = [p, r].map(|p| work.along[own * width + p]);
            // Of each parameter's change of `t`: its entry, and the column of that.
            let [at_p, at_r] = entries
                .map(|entry| entry.map(|Entry { from, to }| (u[from], to, columns[to] as usize)));
            let with = |at: Option<(f64, usize, usize)>, vector: &[f64]| {
                at.map_or(0.0, |(z, _, column)| z * vector[column])
            };
            let solved = |at: Option<(f64, usize, usize)>| {
                at.map_or(0.0, |(z, to, _)| z * work.solved[own * e + to])
            };
            let turn = with(at_p, mode_r) + with(at_r, mode_p);
            let both = along_p * along_r;
            total += jet.score * turn - jet.weight * both;
            total += (jet.third * both - jet.weight * turn) * pull;
            let crossed = along_p * with(at_r, &work.adjoint) + along_r * with(at_p, &work.adjoint);
            total -= jet.weight * crossed;
            trace += (jet.bent_bend * both + jet.bent_slope * turn) * leverage;
            trace += 2.0 * jet.bent_slope * (along_p * solved(at_r) + along_r * solved(at_p));
            if let (Some((z, _, row)), Some((y, _, column))) = (at_p, at_r) {
                trace += 2.0 * jet.bent * z * y * work.inverse[row * q + column];
            }
        }
        let [moved_p, moved_r] = [p, r].map(|p| &work.moved[p * q * q..(p + 1) * q * q]);
        for row in 0..q {
            for column in 0..q {
                trace -= moved_p[row * q + column] * moved_r[column * q + row];
            }
        }
        total - 0.5 * trace
    }
}
