//! Known truth: what simulation says of the estimates.

use super::*;

/// Quadrature recovers coefficients and standard deviation, and its errors cover.
#[test]
fn estimates_centre_on_the_truth() {
    let mut r = Random(31);
    let mut scratch = Scratch::default();
    for family in [Family::Logit, Family::Poisson] {
        let (sims, sd) = (400, 0.8);
        let (mut sums, mut covered) = ([0.0; 4], [0.0; 3]);
        let mut squares = [0.0; 4];
        let mut fits = 0.0;
        for _ in 0..sims {
            let data = sample(Shape::Intercept, family, [600, 60, 2], sd, &mut r);
            let fit = data.fit(&quadrature(9), &mut scratch).expect("a fit");
            let truth = [-0.9, 0.6, 0.5];
            for j in 0..3 {
                let c = fit.coefficient(j, &mut Vec::new()).expect("a coefficient");
                let off = c.estimate - truth[j];
                sums[j] += off;
                squares[j] += off * off;
                covered[j] += f64::from(u8::from(off.abs() < 1.96 * c.std_error));
            }
            let off = fit.theta(&data.structure)[0] - sd;
            sums[3] += off;
            squares[3] += off * off;
            fits += 1.0;
        }
        for j in 0..4 {
            let (mean, square) = (sums[j] / fits, squares[j] / fits);
            let error = ((square - mean * mean) / fits).sqrt();
            // Maximum likelihood's own bias is of the order of one in sixty groups.
            assert!(mean.abs() < 4.0 * error + 0.02, "{family:?} {j} {mean} {error}");
        }
        for c in covered {
            let share = c / fits;
            assert!((0.91..=0.98).contains(&share), "{family:?} {share}");
        }
    }
}
