//! Rounds a table of expectations at random, so that its sums are rounded too.

use rand::RngExt;
use rand_distr::StandardUniform;
use rand_pcg::Pcg64Dxsm;

use super::complete::HAIR;

/// A walk through a table from a fraction to the next, along columns and rows in turn.
#[derive(Debug, Default)]
pub(super) struct Path {
    rows: Vec<usize>,
    columns: Vec<usize>,
}

/// Controlled rounding: each number of the table becomes itself rounded down or up, with its own
/// value as its mean, and the same holds of the sum of each column. The sums of rows must be
/// whole: they stay as they are.
///
/// `table`: rows of `k` numbers, and one more row of room for what makes the columns whole. While
/// there are fractions, a circle of them is found that turns at right angles; its numbers are
/// raised and lowered in turn, by one of the two amounts that make some number whole, drawn so
/// that the mean does not move.
///
/// # References
/// Cox (1987), Journal of the American Statistical Association 82:520.
pub(super) fn round(table: &mut [f64], k: usize, path: &mut Path, rng: &mut Pcg64Dxsm) {
    let last = table.len() - k;
    for c in 0..k {
        let sum: f64 = table[c..last].iter().step_by(k).sum();
        table[last + c] = sum.ceil() - sum;
    }
    table.iter_mut().for_each(snap);
    let mut from = 0;
    while let Some(at) = table[from..].iter().position(|x| x.fract() != 0.0) {
        from += at;
        match circle(table, k, from, path) {
            Some(circle) => shift(table, k, path, circle, rng),
            // A lone fraction in a whole sum is rounding.
            None => table[from] = table[from].round(),
        }
    }
}

/// Makes a number whole that is whole but for rounding.
fn snap(x: &mut f64) {
    if (*x - x.round()).abs() < HAIR {
        *x = x.round();
    }
}

/// Walks from a fraction until a row or a column comes up again. The circle is the part of the
/// path behind that: its cells are `(rows[i], columns[i])` and `(rows[i], columns[i + 1])`, where
/// the column after the last is the first.
fn circle(table: &[f64], k: usize, from: usize, path: &mut Path) -> Option<std::ops::Range<usize>> {
    let n_rows = table.len() / k;
    path.rows.clear();
    path.columns.clear();
    path.columns.push(from % k);
    loop {
        let column = path.columns[path.columns.len() - 1];
        let last = path.rows.last().copied();
        let is_next = |r: &usize| Some(*r) != last && table[r * k + column].fract() != 0.0;
        let row = (0..n_rows).find(is_next)?;
        let seen = path.rows.iter().position(|r| *r == row);
        path.rows.push(row);
        if let Some(first) = seen {
            return Some(first + 1..path.rows.len());
        }
        let is_next = |c: &usize| *c != column && table[row * k + c].fract() != 0.0;
        let next = (0..k).find(is_next)?;
        if let Some(first) = path.columns.iter().position(|c| *c == next) {
            return Some(first..path.rows.len());
        }
        path.columns.push(next);
    }
}

/// Raises and lowers the numbers of a circle in turn.
fn shift(
    table: &mut [f64],
    k: usize,
    path: &Path,
    circle: std::ops::Range<usize>,
    rng: &mut Pcg64Dxsm,
) {
    let cells = |i: usize| {
        let next = if i + 1 < circle.end { i + 1 } else { circle.start };
        (path.rows[i] * k + path.columns[i], path.rows[i] * k + path.columns[next])
    };
    let (mut up, mut down) = (1.0_f64, 1.0_f64);
    for i in circle.clone() {
        let (a, b) = cells(i);
        let (a, b) = (table[a].fract(), table[b].fract());
        up = up.min(1.0 - a).min(b);
        down = down.min(a).min(1.0 - b);
    }
    let u: f64 = rng.sample(StandardUniform);
    let by = if u * (up + down) < down { up } else { -down };
    for i in circle.clone() {
        let (a, b) = cells(i);
        table[a] += by;
        table[b] -= by;
        snap(&mut table[a]);
        snap(&mut table[b]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::random::generator;

    /// Every rounded table has numbers next to the expectations, whole row sums, and columns
    /// next to theirs; the means are the expectations.
    #[test]
    fn numbers_rows_and_columns_are_rounded() {
        let wanted = [1.5, 0.9, 0.6, 0.5, 0.3, 0.2, 2.0, 1.2, 0.8, 0.25, 0.5, 0.25];
        let (k, n) = (3, 20_000);
        let mut path = Path::default();
        let mut rng = generator(5, 0, 0);
        let mut sums = [0.0; 12];
        for _ in 0..n {
            let mut table = wanted.to_vec();
            table.extend([0.0; 3]);
            round(&mut table, k, &mut path, &mut rng);
            for (x, w) in table.iter().zip(wanted) {
                assert!(x.fract() == 0.0 && (x - w).abs() < 1.0, "{table:?}");
            }
            for row in 0..4 {
                let of = |t: &[f64]| t[row * k..][..k].iter().sum::<f64>();
                assert!((of(&table) - of(&wanted)).abs() < 1e-9, "{table:?}");
            }
            for c in 0..k {
                let of = |t: &[f64]| t[c..12].iter().step_by(k).sum::<f64>();
                assert!((of(&table) - of(&wanted)).abs() < 1.0, "{table:?}");
            }
            sums.iter_mut().zip(&table).for_each(|(s, x)| *s += x);
        }
        for (sum, w) in sums.iter().zip(wanted) {
            let f = w - w.floor();
            let room = 5.0 * (f * (1.0 - f) / f64::from(n)).sqrt() + 1e-9;
            assert!((sum / f64::from(n) - w).abs() <= room, "{sums:?}");
        }
    }
}
