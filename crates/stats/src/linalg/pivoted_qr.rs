//! Which columns of a matrix are independent, by Householder QR with column pivoting.
//!
//! Indicators that add up to the constant tie: after the constant their remaining norms are equal
//! but for rounding, which then decides what is dropped. To drop what estimatr drops, the order
//! of every sum here is that of Eigen 3.3 with packets of two numbers.

/// A column of which less than this share is left by the columns before it is a combination.
const OWN_SHARE_MIN: f64 = 1e-12;

/// Marks the columns that a column-pivoted QR keeps; returns their number.
///
/// At each step the column with the largest remaining norm comes next, the first of equals. A
/// column is dropped where its remaining norm is at most `eps * min(n, p)` times the largest
/// pivot, as in Eigen and so in estimatr, or at most 1e-12 of its own norm. The second rule makes
/// the answer for exact combinations sure: their remainder is rounding error, which may end up on
/// either side of the first bound.
/// Shapes: `a`: m x p by column, overwritten; `norms`: 3 p; `order`, `kept`: p. `n` is the number
/// of rows of the full matrix, of which `a` may be a condensed form.
/// Returns `None` where a sum of squares is not finite.
///
/// # References
/// Businger and Golub (1965), Numerische Mathematik 7:269; Drmac and Bujanovic (2008), LAPACK
/// Working Note 176 (updates of the norms).
pub fn independent_columns(
    a: &mut [f64],
    m: usize,
    n: f64,
    norms: &mut [f64],
    order: &mut [usize],
    kept: &mut [bool],
) -> Option<usize> {
    let p = kept.len();
    let (own, rest) = norms[..3 * p].split_at_mut(p);
    let (direct, updated) = rest.split_at_mut(p);
    for j in 0..p {
        own[j] = norm(&a[j * m..(j + 1) * m]);
        direct[j] = own[j];
        updated[j] = own[j];
        order[j] = j;
        if !own[j].is_finite() {
            return None;
        }
    }
    kept.fill(false);
    let size = m.min(p);
    let largest = own.iter().fold(0.0_f64, |x, y| x.max(*y));
    let vanishing = (largest * f64::EPSILON).powi(2) / m as f64;
    let mut nonzero = size;
    let mut pivot_max = 0.0_f64;
    for k in 0..size {
        let mut best = k;
        for j in k + 1..p {
            if updated[j] > updated[best] {
                best = j;
            }
        }
        if nonzero == size && updated[best] * updated[best] < vanishing * (m - k) as f64 {
            nonzero = k;
        }
        if best != k {
            let (left, right) = a.split_at_mut(best * m);
            left[k * m..(k + 1) * m].swap_with_slice(&mut right[..m]);
            order.swap(k, best);
            updated.swap(k, best);
            direct.swap(k, best);
        }
        pivot_max = pivot_max.max(reflect(a, m, p, k).abs());
        downdate(a, m, k, direct, updated);
    }
    let threshold = pivot_max * f64::EPSILON * n.min(p as f64);
    let pivot = |k: usize| a[k * m + k].abs();
    let rank = (0..nonzero).filter(|k| pivot(*k) > threshold).count();
    for k in 0..rank {
        kept[order[k]] = pivot(k) > OWN_SHARE_MIN * own[order[k]];
    }
    Some(kept.iter().filter(|k| **k).count())
}

/// Makes column `k` zero below its diagonal, applies the reflector to the columns after it, and
/// returns the new diagonal entry.
fn reflect(a: &mut [f64], m: usize, p: usize, k: usize) -> f64 {
    let (left, right) = a.split_at_mut((k + 1) * m);
    let (head, essential) = left[k * m + k..].split_at_mut(1);
    let (c, tail) = (head[0], sum_squares(essential));
    if tail <= f64::MIN_POSITIVE {
        essential.fill(0.0);
        return c;
    }
    let length = (c * c + tail).sqrt();
    let beta = if c >= 0.0 { -length } else { length };
    for v in &mut *essential {
        *v /= c - beta;
    }
    let tau = (beta - c) / beta;
    head[0] = beta;
    let start = first_aligned(k, m, p);
    for column in right.chunks_exact_mut(m) {
        let (head, bottom) = column[k..].split_at_mut(1);
        let inner = product(bottom, essential, start) + head[0];
        head[0] -= tau * inner;
        for (x, v) in bottom.iter_mut().zip(&*essential) {
            *x -= inner * (tau * v);
        }
    }
    beta
}

/// Where the packets of the product with reflector `k` begin; none where all is done singly.
///
/// A packet begins at an even place of the matrix. Products are done singly where no packet fits,
/// or where a single column is left and the reflector begins at an odd place.
fn first_aligned(k: usize, m: usize, p: usize) -> Option<usize> {
    let (depth, columns) = (m - k - 1, p - k - 1);
    let vector = (k * m + k + 1) % 2;
    let matrix = ((k + 1) * m + k + 1) % 2;
    (matrix < depth && vector < columns).then(|| vector.min(depth))
}

/// The inner product in Eigen's order.
fn product(x: &[f64], v: &[f64], start: Option<usize>) -> f64 {
    let start_single = start.unwrap_or(0);
    let end = start.map_or(0, |s| s + (x.len() - s) / 2 * 2);
    let mut sum = 0.0;
    for i in 0..start_single {
        sum += x[i] * v[i];
    }
    if end > start_single {
        let mut pair = [0.0; 2];
        for i in (start_single..end).step_by(2) {
            pair[0] += x[i] * v[i];
            pair[1] += x[i + 1] * v[i + 1];
        }
        sum += pair[0] + pair[1];
    }
    for i in end..x.len() {
        sum += x[i] * v[i];
    }
    sum
}

/// Takes row `k` out of the remaining norms, or recomputes them where digits are lost.
fn downdate(a: &[f64], m: usize, k: usize, direct: &mut [f64], updated: &mut [f64]) {
    for j in k + 1..updated.len() {
        if updated[j] == 0.0 {
            continue;
        }
        let share = a[j * m + k].abs() / updated[j];
        let left = ((1.0 + share) * (1.0 - share)).max(0.0);
        let ratio = updated[j] / direct[j];
        if left * (ratio * ratio) <= f64::EPSILON.sqrt() {
            direct[j] = norm(&a[j * m + k + 1..(j + 1) * m]);
            updated[j] = direct[j];
        } else {
            updated[j] *= left.sqrt();
        }
    }
}

/// The Euclidean norm.
fn norm(a: &[f64]) -> f64 {
    sum_squares(a).sqrt()
}

/// The sum of squares in Eigen's order: two pairs at a time, then a pair, then what is left.
fn sum_squares(a: &[f64]) -> f64 {
    let (pairs, rest) = a.as_chunks::<2>();
    let mut sums = pairs.iter().map(|p| [p[0] * p[0], p[1] * p[1]]);
    let add = |x: [f64; 2], y: [f64; 2]| [x[0] + y[0], x[1] + y[1]];
    let mut total = sums.next().unwrap_or([0.0; 2]);
    if let Some(mut second) = sums.next() {
        for _ in 0..(pairs.len() - 2) / 2 {
            total = add(total, sums.next().unwrap_or([0.0; 2]));
            second = add(second, sums.next().unwrap_or([0.0; 2]));
        }
        total = add(total, second);
        total = sums.next().map_or(total, |last| add(total, last));
    }
    rest.iter().fold(total[0] + total[1], |s, v| s + v * v)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(columns: &[Vec<f64>]) -> Vec<bool> {
        let (m, p) = (columns[0].len(), columns.len());
        let mut kept = vec![false; p];
        let rank = independent_columns(
            &mut columns.concat(),
            m,
            m as f64,
            &mut vec![0.0; 3 * p],
            &mut vec![0; p],
            &mut kept,
        );
        assert_eq!(rank, Some(kept.iter().filter(|k| **k).count()));
        kept
    }

    #[test]
    fn the_smaller_of_dependent_columns_is_dropped() {
        let n = 30;
        let one = vec![1.0; n];
        let x: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).sin()).collect();
        let z: Vec<f64> = (0..n).map(|i| (i as f64 * 1.9).cos()).collect();
        let combination: Vec<f64> = x.iter().zip(&z).map(|(x, z)| x - 2.0 * z).collect();
        assert_eq!(
            kept(&[one.clone(), x.clone(), z.clone(), combination.clone()]),
            [true, true, false, true]
        );
        let tiny: Vec<f64> = x.iter().map(|x| x * 1e-9).collect();
        assert_eq!(kept(&[one.clone(), tiny, z.clone(), x.clone()]), [true, false, true, true]);
        assert_eq!(kept(&[vec![0.0; n], x.clone()]), [false, true]);
        // A tie goes to the first, and more columns than rows to the longest.
        let dummy: Vec<f64> = (0..n).map(|i| (i % 2) as f64).collect();
        let other: Vec<f64> = dummy.iter().map(|d| 1.0 - d).collect();
        assert_eq!(kept(&[one, other, dummy]), [true, true, false]);
        assert_eq!(kept(&[vec![1.0], vec![3.0], vec![2.0]]), [false, true, false]);
    }

    #[test]
    fn scales_do_not_make_columns_dependent() {
        let n = 25;
        for scale in [1e-6, 1.0, 1e6] {
            let x: Vec<f64> = (0..n).map(|i| scale * (i as f64 * 0.7).sin()).collect();
            let z: Vec<f64> = (0..n).map(|i| (i as f64 * 1.9).cos() / scale).collect();
            assert_eq!(kept(&[vec![1.0; n], x, z]), [true; 3]);
        }
    }

    #[test]
    fn overflow_is_told() {
        for bad in [1e200, f64::NAN, f64::INFINITY] {
            let (mut norms, mut order, mut kept) = ([0.0; 3], [0], [false]);
            let rank = independent_columns(&mut [bad], 1, 1.0, &mut norms, &mut order, &mut kept);
            assert_eq!(rank, None);
        }
    }
}
