//! First and second derivatives of a group's likelihood by `theta` and `gamma`.
//!
//! Cells have the vectors `u_i = (z_i, x_i)`. A point `v` that moves with the parameters moves the
//! linear predictors: `d eta_i / d psi_s = u_i'(e_s + alpha_s e_0)`, without `e_s` for `theta`,
//! which is parameter 0. So sums of `u_i` and `u_i u_i'` over the cells are all that is needed. The
//! mode moves by the implicit function theorem, the nodes with the mode and with `tau`.

use super::super::Setting;
use super::super::jet::Jet;
use super::Groups;
use crate::linalg::room;

/// Work space, `d` the number of parameters. Matrices are lower triangles by row.
#[derive(Debug, Default)]
pub(super) struct Work {
    d: usize,
    /// Scores: `sum s_i u_i`.
    score: Vec<f64>,
    /// Information: `sum w_i u_i u_i'`, `w` the observed one.
    info: Vec<f64>,
    /// `sum c'_i z_i^2 u_i`, `c` the information that the approximation uses.
    bent: Vec<f64>,
    /// `sum c''_i z_i^2 u_i u_i'`.
    bends: Vec<f64>,
    /// `sum l'''_i z_i u_i u_i'`.
    third: Vec<f64>,
    alpha: Vec<f64>,
    /// Derivatives of the mode.
    mode: Vec<f64>,
    mode2: Vec<f64>,
    /// Derivatives of `log tau`.
    log_tau: Vec<f64>,
    log_tau2: Vec<f64>,
    /// Derivatives of a node, and of `h` there.
    node: Vec<f64>,
    height: Vec<f64>,
    /// Sums over the nodes: of first derivatives of `h`, and of second ones with their squares.
    mean: Vec<f64>,
    mean2: Vec<f64>,
}

impl Work {
    pub fn begin(&mut self, d: usize) {
        self.d = d;
        let vectors = [
            &mut self.score,
            &mut self.bent,
            &mut self.alpha,
            &mut self.mode,
            &mut self.log_tau,
            &mut self.node,
            &mut self.height,
            &mut self.mean,
        ];
        vectors.into_iter().for_each(|v| {
            room(v, d);
        });
        let matrices = [
            &mut self.info,
            &mut self.bends,
            &mut self.third,
            &mut self.mode2,
            &mut self.log_tau2,
            &mut self.mean2,
        ];
        matrices.into_iter().for_each(|m| {
            room(m, d * d);
        });
    }

    /// `sum_i a_i d eta_i / d psi_p`, given `sum_i a_i u_i`.
    #[inline(always)]
    fn linear(&self, vector: &[f64], p: usize) -> f64 {
        let own = if p == 0 { 0.0 } else { vector[p] };
        own + self.alpha[p] * vector[0]
    }

    /// `sum_i a_i (d eta_i / d psi_p) (d eta_i / d psi_q)`, given `sum_i a_i u_i u_i'`; `p >= q`.
    #[inline(always)]
    fn quadratic(&self, matrix: &[f64], p: usize, q: usize) -> f64 {
        let d = self.d;
        let both = if q == 0 { 0.0 } else { matrix[p * d + q] };
        let of_p = if p == 0 { 0.0 } else { matrix[p * d] };
        let of_q = if q == 0 { 0.0 } else { matrix[q * d] };
        let (a, b) = (self.alpha[p], self.alpha[q]);
        both + a * of_q + b * of_p + a * b * matrix[0]
    }

    /// `sum_i a_i z_i d eta_i / d psi_p`, given `sum_i a_i u_i u_i'`.
    fn first_row(&self, matrix: &[f64], p: usize) -> f64 {
        let own = if p == 0 { 0.0 } else { matrix[p * self.d] };
        own + self.alpha[p] * matrix[0]
    }
}

/// One for `theta`.
fn of_theta(p: usize) -> f64 {
    f64::from(u8::from(p == 0))
}

impl Groups {
    /// Adds a group's derivatives, the second ones to the lower triangle.
    pub(super) fn differentiate_group(
        &mut self,
        s: &Setting,
        group: usize,
        theta: f64,
        first: &mut [f64],
        second: &mut [f64],
    ) {
        let (d, n) = (self.work.d, s.nodes.len());
        let mode = self.modes[group];
        let information = self.sums_at_mode(s, group, theta);
        let big_h = 1.0 + theta * theta * information;
        self.work.move_mode(theta, mode);
        self.work.move_tau(theta, information);
        self.work.mean[..d].fill(0.0);
        self.work.mean2[..d * d].fill(0.0);
        // The mode's node comes first: its sums are at hand.
        self.work.add_node(theta, mode, 0.0, self.parts[group * n + n / 2]);
        for (node, x) in s.nodes.at.iter().enumerate() {
            let share = self.parts[group * n + node];
            // Far out where the likelihood is nothing its derivatives may be no numbers.
            if 2 * node + 1 != n && share > 0.0 {
                let shift = x / big_h.sqrt();
                self.sums_at(s, group, theta, mode + shift);
                self.work.add_node(theta, mode + shift, shift, share);
            }
        }
        let w = &self.work;
        for p in 0..d {
            first[p] += w.log_tau[p] + w.mean[p];
            for q in 0..=p {
                let at = p * d + q;
                second[at] += w.log_tau2[at] + w.mean2[at] - w.mean[p] * w.mean[q];
            }
        }
    }

    /// All sums at the mode; returns the information on the effect.
    fn sums_at_mode(&mut self, s: &Setting, group: usize, theta: f64) -> f64 {
        let (layout, v, w) = (s.layout, self.modes[group], &mut self.work);
        let d = w.d;
        w.score[..d].fill(0.0);
        w.bent[..d].fill(0.0);
        w.info[..d * d].fill(0.0);
        w.bends[..d * d].fill(0.0);
        w.third[..d * d].fill(0.0);
        let mut information = 0.0;
        for i in layout.starts[group]..layout.starts[group + 1] {
            let (u, n) = (layout.row(i), layout.w[i]);
            let z = u[0];
            let jet = Jet::at(s.family, s.curvature, self.fixed[i] + theta * z * v, layout.y[i]);
            information += n * jet.bent * z * z;
            let (score, info, bent) = (n * jet.score, n * jet.weight, n * jet.bent_slope * z * z);
            let (third, bends) = (n * jet.third * z, n * jet.bent_bend * z * z);
            for p in 0..d {
                w.score[p] += score * u[p];
                w.bent[p] += bent * u[p];
                for q in 0..=p {
                    let uu = u[p] * u[q];
                    w.info[p * d + q] += info * uu;
                    w.third[p * d + q] += third * uu;
                    w.bends[p * d + q] += bends * uu;
                }
            }
        }
        information
    }

    /// Scores and information at another point.
    fn sums_at(&mut self, s: &Setting, group: usize, theta: f64, v: f64) {
        let (layout, w) = (s.layout, &mut self.work);
        let d = w.d;
        w.score[..d].fill(0.0);
        w.info[..d * d].fill(0.0);
        for i in layout.starts[group]..layout.starts[group + 1] {
            let (u, n) = (layout.row(i), layout.w[i]);
            let pull = s.family.pull(self.fixed[i] + theta * u[0] * v, layout.y[i], 0.0);
            let (score, info) = (n * pull.score, n * pull.weight);
            for p in 0..d {
                w.score[p] += score * u[p];
                for q in 0..=p {
                    w.info[p * d + q] += info * u[p] * u[q];
                }
            }
        }
    }
}

impl Work {
    /// Derivatives of the mode `v`, from `theta sum s_i z_i = v`.
    fn move_mode(&mut self, theta: f64, v: f64) {
        let d = self.d;
        let j = 1.0 + theta * theta * self.info[0];
        for p in 0..d {
            let pull = if p == 0 {
                self.score[0] - theta * v * self.info[0]
            } else {
                -theta * self.info[p * d]
            };
            self.mode[p] = pull / j;
            self.alpha[p] = theta * self.mode[p] + of_theta(p) * v;
        }
        for p in 0..d {
            for q in 0..=p {
                let turn = of_theta(p) * self.mode[q] + of_theta(q) * self.mode[p];
                let bent = self.quadratic(&self.third, p, q) - self.info[0] * turn;
                let own = of_theta(p) * self.first_row(&self.info, q)
                    + of_theta(q) * self.first_row(&self.info, p);
                self.mode2[p * d + q] = (theta * bent - own) / j;
            }
        }
    }

    /// Derivatives of `log tau = -log(1 + theta^2 information) / 2`.
    fn move_tau(&mut self, theta: f64, information: f64) {
        let d = self.d;
        let big_h = 1.0 + theta * theta * information;
        for p in 0..d {
            let moved = theta * theta * self.linear(&self.bent, p);
            self.log_tau[p] = -0.5 * (2.0 * theta * of_theta(p) * information + moved) / big_h;
        }
        for p in 0..d {
            for q in 0..=p {
                let at = p * d + q;
                let turn = of_theta(p) * self.mode[q] + of_theta(q) * self.mode[p];
                let moved = self.quadratic(&self.bends, p, q)
                    + self.bent[0] * (turn + theta * self.mode2[at]);
                let crossed = of_theta(p) * self.linear(&self.bent, q)
                    + of_theta(q) * self.linear(&self.bent, p);
                let second = 2.0 * of_theta(p) * of_theta(q) * information
                    + 2.0 * theta * crossed
                    + theta * theta * moved;
                let square = 2.0 * self.log_tau[p] * self.log_tau[q];
                self.log_tau2[at] = -0.5 * second / big_h + square;
            }
        }
    }

    /// Adds the derivatives of `h` at the node `v`, `shift` away from the mode, times its share.
    fn add_node(&mut self, theta: f64, v: f64, shift: f64, share: f64) {
        let d = self.d;
        for p in 0..d {
            self.node[p] = self.mode[p] + shift * self.log_tau[p];
            self.alpha[p] = theta * self.node[p] + of_theta(p) * v;
        }
        for p in 0..d {
            self.height[p] = self.linear(&self.score, p) - v * self.node[p];
            self.mean[p] += share * self.height[p];
        }
        for p in 0..d {
            for q in 0..=p {
                let at = p * d + q;
                let spread = self.log_tau2[at] + self.log_tau[p] * self.log_tau[q];
                let node2 = self.mode2[at] + shift * spread;
                let turn = of_theta(p) * self.node[q] + of_theta(q) * self.node[p];
                let second = self.score[0] * (turn + theta * node2)
                    - self.quadratic(&self.info, p, q)
                    - self.node[p] * self.node[q]
                    - v * node2;
                self.mean2[at] += share * (second + self.height[p] * self.height[q]);
            }
        }
    }
}
