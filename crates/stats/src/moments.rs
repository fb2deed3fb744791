//! Means and central moments of samples, computed in parts and merged.
//!
//! A part of a sample is read twice: once for its mean, once for the sums of powers around it.
//! Parts are merged by moving each to the common mean, which is exact in exact arithmetic and
//! subtracts no large numbers from one another:
//!
//! ```text
//! sum (x + s)^2 = M2 + n s^2
//! sum (x + s)^3 = M3 + 3 s M2 + n s^3
//! sum (x + s)^4 = M4 + 4 s M3 + 6 s^2 M2 + n s^4        where sum x = 0
//! ```
//!
//! The result depends on the order of merging in the last bits: merge in a fixed order.
//!
//! # References
//! Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", The American
//! Statistician 37:242 (two passes, and merging of second moments). Pébay 2008, "Formulas for
//! robust, one-pass parallel computation of covariances and arbitrary-order statistical moments",
//! Sandia report SAND2008-6212 (merging of higher and of joint moments).

/// Independent partial sums. They let the processor add side by side; their number is part of the
/// result's last bits.
const LANES: usize = 4;

/// Number, mean and sums of powers around the mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// Number of values.
    pub n: u64,
    /// Their mean, 0 where there are none.
    pub mean: f64,
    /// Sum of squares around the mean.
    pub m2: f64,
    /// Sum of third powers around the mean.
    pub m3: f64,
    /// Sum of fourth powers around the mean.
    pub m4: f64,
}

impl Moments {
    /// Moments of a sample.
    ///
    /// `mean = sum x / n`, `m_k = sum (x - mean)^k`. The mean is taken around the first value, so
    /// a constant sample has exactly its value as mean, and moments of exactly 0.
    ///
    /// `x`: any length; values whose powers overflow give moments that are not finite.
    ///
    /// # References
    /// Chan, Golub and LeVeque 1983, the two-pass algorithm.
    pub fn of(x: &[f64]) -> Self {
        let Some(&origin) = x.first() else { return Self::default() };
        let [sum] = sums(x, |v| [v - origin]);
        let mean = origin + sum / x.len() as f64;
        let [m2, m3, m4] = sums(x, |v| {
            let d = v - mean;
            let square = d * d;
            [square, square * d, square * square]
        });
        Self { n: x.len() as u64, mean, m2, m3, m4 }
    }

    /// Moments of two samples together, `other` after `self`.
    ///
    /// # References
    /// Pébay 2008.
    pub fn merge(&mut self, other: &Self) {
        if let Some(common) = Common::of(self.n, self.mean, other.n, other.mean) {
            let (a, b) = (self.around(common.shift_a), other.around(common.shift_b));
            *self = Self {
                n: common.n,
                mean: common.mean,
                m2: a[0] + b[0],
                m3: a[1] + b[1],
                m4: a[2] + b[2],
            };
        } else if self.n == 0 {
            *self = *other;
        }
    }

    /// Sums of powers around a point that lies `-s` from the mean.
    fn around(&self, s: f64) -> [f64; 3] {
        let (n, square) = (self.n as f64, s * s);
        [
            self.m2 + n * square,
            self.m3 + s * (3.0 * self.m2 + n * square),
            self.m4 + s * (4.0 * self.m3) + square * (6.0 * self.m2 + n * square),
        ]
    }

    /// Standard deviation `sqrt(m2 / (n - 1))`; none where `n < 2`.
    pub fn sd(&self) -> Option<f64> {
        (self.n >= 2).then(|| (self.m2 / (self.n - 1) as f64).sqrt())
    }

    /// Standard error of the mean, `sd / sqrt(n)`; none where `n < 2`.
    pub fn mean_error(&self) -> Option<f64> {
        Some(self.sd()? / (self.n as f64).sqrt())
    }
}

/// Moments of pairs of values, as far as errors of ratios and of paired differences need them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Joint {
    /// Moments of the first values.
    pub x: Moments,
    /// Moments of the second values.
    pub y: Moments,
    /// `sum (x - mean_x) (y - mean_y)`.
    pub xy: f64,
    /// `sum (x - mean_x) (y - mean_y)^2`.
    pub xyy: f64,
}

impl Joint {
    /// Moments of pairs `(x[i], y[i])`.
    ///
    /// `x`, `y`: equal lengths. Domain as [`Moments::of`].
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn of(x: &[f64], y: &[f64]) -> Self {
        assert_eq!(x.len(), y.len(), "pairs need two values each");
        let (mx, my) = (Moments::of(x), Moments::of(y));
        let [xy, xyy] = pair_sums(x, y, |a, b| {
            let (dx, dy) = (a - mx.mean, b - my.mean);
            [dx * dy, dx * dy * dy]
        });
        Self { x: mx, y: my, xy, xyy }
    }

    /// Moments of two samples together, `other` after `self`.
    ///
    /// With `sum x = sum y = 0`: `sum (x + s) (y + t) = xy + n s t` and
    /// `sum (x + s) (y + t)^2 = xyy + 2 t xy + s yy + n s t^2`.
    ///
    /// # References
    /// Pébay 2008.
    pub fn merge(&mut self, other: &Self) {
        let x = Common::of(self.x.n, self.x.mean, other.x.n, other.x.mean);
        let y = Common::of(self.y.n, self.y.mean, other.y.n, other.y.mean);
        let (Some(x), Some(y)) = (x, y) else {
            if self.x.n == 0 {
                *self = *other;
            }
            return;
        };
        let (a, b) = (self.around(x.shift_a, y.shift_a), other.around(x.shift_b, y.shift_b));
        (self.xy, self.xyy) = (a[0] + b[0], a[1] + b[1]);
        self.x.merge(&other.x);
        self.y.merge(&other.y);
    }

    /// Joint sums around a point that lies `(-s, -t)` from the means.
    fn around(&self, s: f64, t: f64) -> [f64; 2] {
        let n = self.x.n as f64;
        let xy = self.xy + n * s * t;
        let xyy = self.xyy + 2.0 * t * self.xy + s * (self.y.m2 + n * t * t);
        [xy, xyy]
    }
}

/// Sums of products around the means of two numbers, up to the fourth order: what the errors of
/// functions of their means and variances need. Their own moments are kept beside them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Products {
    /// `sum dx dy`, where `dx = x - mean_x` and `dy = y - mean_y`.
    pub xy: f64,
    /// `sum dx^2 dy`.
    pub xxy: f64,
    /// `sum dx dy^2`.
    pub xyy: f64,
    /// `sum dx^2 dy^2`.
    pub xxyy: f64,
}

impl Products {
    /// Products of pairs `(x[i], y[i])` with these means.
    ///
    /// `x`, `y`: equal lengths. Domain as [`Moments::of`].
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn of(x: &[f64], y: &[f64], (mean_x, mean_y): (f64, f64)) -> Self {
        assert_eq!(x.len(), y.len(), "pairs need two values each");
        let [xy, xxy, xyy, xxyy] = pair_sums(x, y, |a, b| {
            let (dx, dy) = (a - mean_x, b - mean_y);
            let both = dx * dy;
            [both, both * dx, both * dy, both * both]
        });
        Self { xy, xxy, xyy, xxyy }
    }

    /// Products of two samples together, `other` after `self`; each comes with the moments of its
    /// own two numbers, from before they are merged.
    ///
    /// With `sum x = sum y = 0`:
    /// ```text
    /// sum (x + s)^2 (y + t)   = xxy + 2 s xy + t xx + n s^2 t
    /// sum (x + s)^2 (y + t)^2 = xxyy + 2 t xxy + 2 s xyy + 4 s t xy + t^2 xx + s^2 yy + n s^2 t^2
    /// ```
    ///
    /// # References
    /// Pébay 2008.
    pub fn merge(
        &mut self,
        (x, y): (&Moments, &Moments),
        other: &Self,
        (other_x, other_y): (&Moments, &Moments),
    ) {
        let to_x = Common::of(x.n, x.mean, other_x.n, other_x.mean);
        let to_y = Common::of(y.n, y.mean, other_y.n, other_y.mean);
        let (Some(to_x), Some(to_y)) = (to_x, to_y) else {
            if x.n == 0 {
                *self = *other;
            }
            return;
        };
        let a = self.around((x, y), to_x.shift_a, to_y.shift_a);
        let b = other.around((other_x, other_y), to_x.shift_b, to_y.shift_b);
        *self =
            Self { xy: a.xy + b.xy, xxy: a.xxy + b.xxy, xyy: a.xyy + b.xyy, xxyy: a.xxyy + b.xxyy };
    }

    /// The products around a point that lies `(-s, -t)` from the means.
    fn around(&self, (x, y): (&Moments, &Moments), s: f64, t: f64) -> Self {
        let (n, xx, yy) = (x.n as f64, x.m2, y.m2);
        Self {
            xy: self.xy + n * s * t,
            xxy: self.xxy + 2.0 * s * self.xy + t * (xx + n * s * s),
            xyy: self.xyy + 2.0 * t * self.xy + s * (yy + n * t * t),
            xxyy: self.xxyy
                + 2.0 * (t * self.xxy + s * self.xyy)
                + 4.0 * s * t * self.xy
                + t * t * xx
                + s * s * (yy + n * t * t),
        }
    }
}

/// Where two samples meet: their common mean, and how far each has to move to it.
struct Common {
    n: u64,
    mean: f64,
    shift_a: f64,
    shift_b: f64,
}

impl Common {
    /// None where one of the samples is empty.
    fn of(n_a: u64, mean_a: f64, n_b: u64, mean_b: f64) -> Option<Self> {
        if n_a == 0 || n_b == 0 {
            return None;
        }
        let n = n_a + n_b;
        let (distance, share) = (mean_b - mean_a, n_b as f64 / n as f64);
        let shift_a = -distance * share;
        let shift_b = distance * (n_a as f64 / n as f64);
        Some(Self { n, mean: mean_a + distance * share, shift_a, shift_b })
    }
}

/// Sums of `K` functions of the values, in `LANES` partial sums each.
#[inline(always)]
fn sums<const K: usize>(x: &[f64], term: impl Fn(f64) -> [f64; K]) -> [f64; K] {
    let mut partial = [[0.0; LANES]; K];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            let terms = term(chunk[lane]);
            for k in 0..K {
                partial[k][lane] += terms[k];
            }
        }
    }
    for (lane, &value) in rest.iter().enumerate() {
        let terms = term(value);
        for k in 0..K {
            partial[k][lane] += terms[k];
        }
    }
    partial.map(|[a, b, c, d]| (a + b) + (c + d))
}

/// As [`sums`], of functions of pairs.
#[inline(always)]
fn pair_sums<const K: usize>(
    x: &[f64],
    y: &[f64],
    term: impl Fn(f64, f64) -> [f64; K],
) -> [f64; K] {
    let mut partial = [[0.0; LANES]; K];
    for (xs, ys) in x.chunks(LANES).zip(y.chunks(LANES)) {
        for (lane, (&a, &b)) in xs.iter().zip(ys).enumerate() {
            let terms = term(a, b);
            for k in 0..K {
                partial[k][lane] += terms[k];
            }
        }
    }
    partial.map(|[a, b, c, d]| (a + b) + (c + d))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without a pattern, skewed, for a seed.
    fn numbers(n: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..n).map(|_| 10.0 + 3.0 * next() * next() - next()).collect()
    }

    /// The definitions, summed plainly.
    fn plain(x: &[f64]) -> Moments {
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let m = |k| x.iter().map(|v| (v - mean).powi(k)).sum();
        Moments { n: x.len() as u64, mean, m2: m(2), m3: m(3), m4: m(4) }
    }

    fn plain_joint(x: &[f64], y: &[f64]) -> Joint {
        let (mx, my) = (plain(x), plain(y));
        let pairs = || x.iter().zip(y).map(|(a, b)| (a - mx.mean, b - my.mean));
        let xy = pairs().map(|(a, b)| a * b).sum();
        let xyy = pairs().map(|(a, b)| a * b * b).sum();
        Joint { x: mx, y: my, xy, xyy }
    }

    /// Agreement to 1e-12 of the scale `sum |x - mean|^k`.
    fn assert_close(a: &Moments, b: &Moments) {
        assert_eq!(a.n, b.n);
        let (n, sd) = (b.n as f64, (b.m2 / b.n as f64).sqrt());
        assert!((a.mean - b.mean).abs() <= 1e-14 * b.mean.abs(), "{a:?} {b:?}");
        for (k, p, q) in [(2, a.m2, b.m2), (3, a.m3, b.m3), (4, a.m4, b.m4)] {
            assert!((p - q).abs() <= 1e-12 * n * sd.powi(k), "{k}: {a:?} {b:?}");
        }
    }

    fn assert_joint_close(a: &Joint, b: &Joint) {
        assert_close(&a.x, &b.x);
        assert_close(&a.y, &b.y);
        let n = b.x.n as f64;
        let (sx, sy) = ((b.x.m2 / n).sqrt(), (b.y.m2 / n).sqrt());
        assert!((a.xy - b.xy).abs() <= 1e-12 * n * sx * sy, "{a:?} {b:?}");
        assert!((a.xyy - b.xyy).abs() <= 1e-12 * n * sx * sy * sy, "{a:?} {b:?}");
    }

    #[test]
    fn known_numbers() {
        let m = Moments::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        let expected = Moments { n: 8, mean: 5.0, m2: 32.0, m3: 42.0, m4: 356.0 };
        assert_eq!(m, expected);
        assert_eq!(m.sd(), Some((32.0f64 / 7.0).sqrt()));
        assert_eq!(m.mean_error(), Some((32.0f64 / 7.0).sqrt() / 8.0f64.sqrt()));
        let j = Joint::of(&[1.0, 2.0, 6.0], &[1.0, 0.0, 5.0]);
        // Deviations -2, -1, 3 and -1, -2, 3.
        assert_eq!((j.xy, j.xyy), (2.0 + 2.0 + 9.0, -2.0 - 4.0 + 27.0));
    }

    #[test]
    fn one_pass_equals_the_plain_formulas() {
        for n in [1, 2, 3, 4, 5, 7, 8, 255, 256, 1001] {
            let (x, y) = (numbers(n, 1), numbers(n, 2));
            assert_close(&Moments::of(&x), &plain(&x));
            assert_joint_close(&Joint::of(&x, &y), &plain_joint(&x, &y));
        }
    }

    #[test]
    fn parts_merge_to_the_whole() {
        let (x, y) = (numbers(2000, 3), numbers(2000, 4));
        for cut in [0, 1, 2, 256, 1999, 2000] {
            let mut m = Moments::of(&x[..cut]);
            m.merge(&Moments::of(&x[cut..]));
            assert_close(&m, &plain(&x));
            let mut j = Joint::of(&x[..cut], &y[..cut]);
            j.merge(&Joint::of(&x[cut..], &y[cut..]));
            assert_joint_close(&j, &plain_joint(&x, &y));
        }
        let (mut m, mut j) = (Moments::default(), Joint::default());
        for (a, b) in x.chunks(256).zip(y.chunks(256)) {
            m.merge(&Moments::of(a));
            j.merge(&Joint::of(a, b));
        }
        assert_close(&m, &plain(&x));
        assert_joint_close(&j, &plain_joint(&x, &y));
        assert_eq!(m, j.x);
    }

    #[test]
    fn parts_with_means_far_apart_merge_exactly() {
        // Whole numbers: nothing rounds, so shifted formulas with a wrong term would show.
        let (x, y) = ([1.0, 3.0, 1000.0, 1004.0, 992.0, 1000.0], [9.0, 1.0, 5.0, 7.0, 2.0, 0.0]);
        let mut j = Joint::of(&x[..2], &y[..2]);
        j.merge(&Joint::of(&x[2..], &y[2..]));
        assert_joint_close(&j, &plain_joint(&x, &y));
    }

    #[test]
    fn products_merge_to_those_of_the_whole() {
        let plain = |x: &[f64], y: &[f64]| {
            let (mx, my) = (plain(x).mean, plain(y).mean);
            let sum = |p: i32, q: i32| -> f64 {
                x.iter().zip(y).map(|(a, b)| (a - mx).powi(p) * (b - my).powi(q)).sum()
            };
            [sum(1, 1), sum(2, 1), sum(1, 2), sum(2, 2)]
        };
        let far = [1.0, 3.0, 1000.0, 1004.0, 992.0, 1000.0];
        let near = [9.0, 1.0, 5.0, 7.0, 2.0, 0.0];
        let samples = [(numbers(2000, 3), numbers(2000, 4), 256), (far.to_vec(), near.to_vec(), 2)];
        for (x, y, size) in samples {
            let (mut mx, mut my) = (Moments::default(), Moments::default());
            let mut all = Products::default();
            for (a, b) in x.chunks(size).zip(y.chunks(size)) {
                let (ma, mb) = (Moments::of(a), Moments::of(b));
                let new = Products::of(a, b, (ma.mean, mb.mean));
                all.merge((&mx, &my), &new, (&ma, &mb));
                mx.merge(&ma);
                my.merge(&mb);
            }
            let found = [all.xy, all.xxy, all.xyy, all.xxyy];
            let n = x.len() as f64;
            let (sx, sy) = ((mx.m2 / n).sqrt(), (my.m2 / n).sqrt());
            let scales = [sx * sy, sx * sx * sy, sx * sy * sy, sx * sx * sy * sy];
            for ((a, b), scale) in found.iter().zip(plain(&x, &y)).zip(scales) {
                assert!((a - b).abs() <= 1e-12 * n * scale, "{found:?}");
            }
            // The products of a number with itself are its own moments.
            let own = Products::of(&x, &x, (Moments::of(&x).mean, Moments::of(&x).mean));
            assert!((own.xxyy / Moments::of(&x).m4 - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_large_mean_costs_no_digits() {
        let small: Vec<f64> = numbers(512, 5).iter().map(|v| (v * 1024.0).round()).collect();
        let large: Vec<f64> = small.iter().map(|v| v + 1e12).collect();
        let (a, b) = (Moments::of(&small), Moments::of(&large));
        assert!((a.m2 / b.m2 - 1.0).abs() < 1e-13);
        // A mean near 1e12 is rounded to 1e-4, which enters the fourth moment linearly.
        assert!((a.m4 / b.m4 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_constant_has_no_spread_at_all() {
        let x = [0.1; 1000];
        let mut m = Moments::of(&x[..257]);
        m.merge(&Moments::of(&x[257..]));
        assert_eq!(m, Moments { n: 1000, mean: 0.1, ..Moments::default() });
    }

    #[test]
    fn nothing_and_one_value_have_no_errors() {
        let none = Moments::of(&[]);
        assert_eq!(none, Moments::default());
        assert_eq!((none.sd(), none.mean_error()), (None, None));
        let one = Moments::of(&[7.0]);
        assert_eq!((one.mean, one.sd(), one.mean_error()), (7.0, None, None));
        let mut both = Joint::default();
        both.merge(&Joint::default());
        assert_eq!(both, Joint::default());
        both.merge(&Joint::of(&[1.0, 2.0], &[3.0, 5.0]));
        assert_eq!(both, Joint::of(&[1.0, 2.0], &[3.0, 5.0]));
    }
}
