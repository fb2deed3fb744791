//! Sums of multiples of rows: what the matrices of parts are made of.

use wide::f64x4;

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
    let (out4, out1) = out.as_chunks_mut::<4>();
    let row = |k: usize| rows[k * stride..k * stride + len].as_chunks::<4>();
    let mut k = 0;
    while k + 4 <= n {
        let w = [weight(k), weight(k + 1), weight(k + 2), weight(k + 3)];
        if w != [0.0; 4] {
            let ((a, a1), (b, b1), (c, c1), (d, d1)) = (row(k), row(k + 1), row(k + 2), row(k + 3));
            let v = w.map(f64x4::splat);
            for i in 0..out4.len() {
                let one = v[0] * f64x4::new(a[i]) + v[1] * f64x4::new(b[i]);
                let two = v[2] * f64x4::new(c[i]) + v[3] * f64x4::new(d[i]);
                out4[i] = (f64x4::new(out4[i]) + (one + two)).to_array();
            }
            for i in 0..out1.len() {
                out1[i] += (w[0] * a1[i] + w[1] * b1[i]) + (w[2] * c1[i] + w[3] * d1[i]);
            }
        }
        k += 4;
    }
    while k < n {
        let w = weight(k);
        if w != 0.0 {
            let (row, row1) = row(k);
            for (out, row) in out4.iter_mut().zip(row) {
                *out = (f64x4::new(*out) + f64x4::splat(w) * f64x4::new(*row)).to_array();
            }
            out1.iter_mut().zip(row1).for_each(|(o, r)| *o += w * r);
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
