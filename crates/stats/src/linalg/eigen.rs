//! Eigenvalues and eigenvectors of small symmetric matrices.

/// Rotations of one eigenvalue seldom need more than two sweeps; this many means no number.
const SWEEPS_MAX: usize = 40;

/// Writes the eigenvalues and eigenvectors of a symmetric matrix, in no particular order.
///
/// `A = V diag(values) V'`, by Householder reduction to a tridiagonal matrix and implicit QR
/// steps with Wilkinson's shift. Errors are of the order of rounding times the norm of `A`.
/// Shapes: `a`: n x n, full, overwritten; `values`: n; `vectors`: n x n, column `k` belongs to
/// `values[k]`; `work`: 2 n.
/// Domain: entries whose squares neither overflow nor underflow. Entries that are not numbers
/// give eigenvalues that are not numbers.
///
/// # References
/// Golub and Van Loan (2013), Matrix Computations, algorithms 8.3.1 to 8.3.3.
pub fn symmetric(
    a: &mut [f64],
    n: usize,
    values: &mut [f64],
    vectors: &mut [f64],
    work: &mut [f64],
) {
    let (off, beta) = work[..2 * n].split_at_mut(n);
    tridiagonalise(a, n, values, off, beta);
    accumulate(a, n, beta, vectors);
    diagonalise(n, values, off, vectors);
}

/// Reduces `a` to tridiagonal form; reflector `k` stays in column `k` below the diagonal.
fn tridiagonalise(a: &mut [f64], n: usize, diag: &mut [f64], off: &mut [f64], beta: &mut [f64]) {
    for k in 0..n {
        diag[k] = a[k * n + k];
        beta[k] = 0.0;
        off[k] = 0.0;
        if k + 1 == n {
            break;
        }
        let (head, trailing) = a.split_at_mut((k + 1) * n);
        let v = &mut head[k * n + k + 1..];
        off[k] = v[0];
        let tail: f64 = v[1..].iter().map(|x| x * x).sum();
        if tail == 0.0 {
            continue;
        }
        let norm = (v[0] * v[0] + tail).sqrt();
        let alpha = if v[0] > 0.0 { -norm } else { norm };
        off[k] = alpha;
        v[0] -= alpha;
        beta[k] = 2.0 / (v[0] * v[0] + tail);
        reflect(trailing, n, k + 1, v, beta[k], &mut diag[k + 1..]);
    }
}

/// Applies the reflector `I - beta v v'` to the trailing block, from both sides.
fn reflect(trailing: &mut [f64], n: usize, first: usize, v: &[f64], beta: f64, w: &mut [f64]) {
    let size = v.len();
    for (j, w) in w.iter_mut().enumerate() {
        let column = &trailing[j * n + first..(j + 1) * n];
        *w = beta * column.iter().zip(v).map(|(a, v)| a * v).sum::<f64>();
    }
    let half = 0.5 * beta * w.iter().zip(v).map(|(w, v)| w * v).sum::<f64>();
    for (w, v) in w.iter_mut().zip(v) {
        *w -= half * v;
    }
    for j in 0..size {
        let column = &mut trailing[j * n + first..(j + 1) * n];
        for i in 0..size {
            column[i] -= v[i] * w[j] + w[i] * v[j];
        }
    }
}

/// Multiplies the reflectors out.
fn accumulate(a: &[f64], n: usize, beta: &[f64], vectors: &mut [f64]) {
    for j in 0..n {
        vectors[j * n..(j + 1) * n].fill(0.0);
        vectors[j * n + j] = 1.0;
    }
    for k in (0..n.saturating_sub(1)).rev() {
        if beta[k] == 0.0 {
            continue;
        }
        let v = &a[k * n + k + 1..(k + 1) * n];
        for j in k + 1..n {
            let column = &mut vectors[j * n + k + 1..(j + 1) * n];
            let c = beta[k] * column.iter().zip(v).map(|(q, v)| q * v).sum::<f64>();
            for (q, v) in column.iter_mut().zip(v) {
                *q -= c * v;
            }
        }
    }
}

/// Turns the tridiagonal matrix into a diagonal one, rotating the columns of `vectors` along.
fn diagonalise(n: usize, diag: &mut [f64], off: &mut [f64], vectors: &mut [f64]) {
    let norm = diag.iter().chain(off.iter()).fold(0.0_f64, |m, v| m.max(v.abs()));
    let floor = f64::EPSILON * f64::EPSILON * norm;
    let negligible = |diag: &[f64], off: &[f64], i: usize| {
        off[i].abs() <= 0.5 * f64::EPSILON * (diag[i].abs() + diag[i + 1].abs()) + floor
    };
    let mut high = n.saturating_sub(1);
    for _ in 0..SWEEPS_MAX * n {
        while high > 0 && negligible(diag, off, high - 1) {
            high -= 1;
        }
        if high == 0 {
            return;
        }
        let mut low = high - 1;
        while low > 0 && !negligible(diag, off, low - 1) {
            low -= 1;
        }
        sweep(n, low, high, diag, off, vectors);
    }
}

/// One implicit QR step on rows `low..=high`.
fn sweep(
    n: usize,
    low: usize,
    high: usize,
    diag: &mut [f64],
    off: &mut [f64],
    vectors: &mut [f64],
) {
    let e = off[high - 1];
    let delta = 0.5 * (diag[high - 1] - diag[high]);
    let root = (delta * delta + e * e).sqrt();
    let shift = diag[high] - e * e / (delta + if delta < 0.0 { -root } else { root });
    let (mut x, mut z) = (diag[low] - shift, off[low]);
    for k in low..high {
        let r = (x * x + z * z).sqrt();
        let (c, s) = if r > 0.0 { (x / r, z / r) } else { (1.0, 0.0) };
        if k > low {
            off[k - 1] = r;
        }
        let (p, q, t) = (diag[k], diag[k + 1], off[k]);
        diag[k] = c * c * p + 2.0 * c * s * t + s * s * q;
        diag[k + 1] = s * s * p - 2.0 * c * s * t + c * c * q;
        off[k] = c * s * (q - p) + (c * c - s * s) * t;
        if k + 1 < high {
            x = off[k];
            z = s * off[k + 1];
            off[k + 1] *= c;
        }
        let (left, right) = vectors.split_at_mut((k + 1) * n);
        for (a, b) in left[k * n..].iter_mut().zip(&mut right[..n]) {
            (*a, *b) = (c * *a + s * *b, c * *b - s * *a);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest error of `A V = V diag` and `V'V = I`.
    fn error(a: &[f64], n: usize) -> f64 {
        let (mut values, mut vectors, mut work) =
            (vec![0.0; n], vec![0.0; n * n], vec![0.0; 2 * n]);
        symmetric(&mut a.to_vec(), n, &mut values, &mut vectors, &mut work);
        let mut worst = 0.0_f64;
        for k in 0..n {
            let v = &vectors[k * n..(k + 1) * n];
            for i in 0..n {
                let av: f64 = (0..n).map(|j| a[j * n + i] * v[j]).sum();
                worst = worst.max((av - values[k] * v[i]).abs());
                let other = &vectors[i * n..(i + 1) * n];
                let inner: f64 = v.iter().zip(other).map(|(a, b)| a * b).sum();
                worst = worst.max((inner - f64::from(i == k)).abs());
            }
        }
        worst
    }

    #[test]
    fn random_and_structured_matrices_are_taken_apart() {
        let mut state = 1_u64;
        let mut random = move || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        for n in 1..=12 {
            for kind in 0..40 {
                let mut a = vec![0.0; n * n];
                for i in 0..n {
                    for j in 0..=i {
                        let x = match kind {
                            0 => 0.0,
                            1 => f64::from(i == j),
                            2 => 1.0,
                            3 => f64::from(i.abs_diff(j) == 1),
                            4 => random() * 1e-200,
                            5 => f64::from(i == 0 || j == 0) * random(),
                            _ => random(),
                        };
                        a[i * n + j] = x;
                        a[j * n + i] = x;
                    }
                }
                assert!(error(&a, n) < 2e-14, "n {n} kind {kind}: {}", error(&a, n));
            }
        }
    }

    #[test]
    fn not_a_number_ends() {
        let (mut values, mut vectors, mut work) = ([0.0; 3], [0.0; 9], [0.0; 6]);
        symmetric(&mut [f64::NAN; 9], 3, &mut values, &mut vectors, &mut work);
        assert!(values.iter().any(|v| v.is_nan()));
    }

    /// faer, whose bits depend on the processor, gives the same eigenvalues.
    #[test]
    fn eigenvalues_are_those_of_faer() {
        let mut state = 7_u64;
        let mut random = move || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        for n in 2..=20 {
            let mut a = vec![0.0; n * n];
            for i in 0..n {
                for j in 0..=i {
                    let value = random();
                    (a[i * n + j], a[j * n + i]) = (value, value);
                }
            }
            let (mut values, mut vectors, mut work) =
                (vec![0.0; n], vec![0.0; n * n], vec![0.0; 2 * n]);
            symmetric(&mut a.clone(), n, &mut values, &mut vectors, &mut work);
            values.sort_by(f64::total_cmp);
            let theirs = faer::Mat::from_fn(n, n, |i, j| a[i * n + j])
                .self_adjoint_eigenvalues(faer::Side::Lower)
                .expect("eigenvalues");
            for (ours, theirs) in values.iter().zip(theirs) {
                assert!((ours - theirs).abs() < 1e-13 * n as f64, "{n}: {ours} {theirs}");
            }
        }
    }
}
