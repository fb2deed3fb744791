//! Sums of multiples of rows: what the matrices of parts are made of.

/// `out += sum_k weight(k) row_k`, `k < n`, where row `k` begins at `rows[k * stride]` and is as
/// long as `out`. Rows of weight zero cost little; four are added at a time.
#[inline]
pub fn add_rows(
    out: &mut [f64],
    rows: &[f64],
    stride: usize,
    n: usize,
    weight: impl Fn(usize) -> f64,
) {
    let len = out.len();
    let mut k = 0;
    while k + 4 <= n {
        let w = [weight(k), weight(k + 1), weight(k + 2), weight(k + 3)];
        if w != [0.0; 4] {
            let row = |i: usize| &rows[(k + i) * stride..(k + i) * stride + len];
            let (a, b, c, d) = (row(0), row(1), row(2), row(3));
            for i in 0..len {
                out[i] += (w[0] * a[i] + w[1] * b[i]) + (w[2] * c[i] + w[3] * d[i]);
            }
        }
        k += 4;
    }
    while k < n {
        let w = weight(k);
        if w != 0.0 {
            let row = &rows[k * stride..k * stride + len];
            out.iter_mut().zip(row).for_each(|(o, r)| *o += w * r);
        }
        k += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::add_rows;

    #[test]
    fn rows_add_up() {
        let rows: Vec<f64> = (0..30).map(f64::from).collect();
        for n in 0..=6 {
            for skipped in [usize::MAX, 0, 4] {
                let weight = |k: usize| if k == skipped { 0.0 } else { k as f64 - 1.5 };
                let mut out = [1.0, 2.0, 3.0];
                add_rows(&mut out, &rows[1..], 5, n, weight);
                for (i, out) in out.iter().enumerate() {
                    let sum: f64 = (0..n).map(|k| weight(k) * rows[1 + k * 5 + i]).sum();
                    assert_eq!(*out, 1.0 + i as f64 + sum);
                }
            }
        }
    }
}
