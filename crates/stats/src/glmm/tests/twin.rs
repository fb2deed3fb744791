//! A plain twin: the likelihood integrated by brute force, row by row, without collapsed rows,
//! orthonormal predictors, modes or derivatives.

use super::*;

/// The log-likelihood of one random intercept, by Simpson's rule on a fine grid.
fn integrated(data: &Sample, beta: &[f64], sd: f64) -> f64 {
    let (n, m) = (2001, data.y.len());
    let (low, high) = (-9.0, 9.0);
    let step = (high - low) / (n - 1) as f64;
    let groups = data.columns[0].iter().fold(0.0_f64, |most, g| most.max(*g)) as usize + 1;
    let mut total = 0.0;
    for group in 0..groups {
        let rows: Vec<usize> = (0..m).filter(|i| data.columns[0][*i] == group as f64).collect();
        let mut sum = 0.0;
        for k in 0..n {
            let v = low + step * k as f64;
            let mut log = -0.5 * v * v;
            for &i in &rows {
                let fixed: f64 = beta.iter().enumerate().map(|(j, b)| b * data.x[j * m + i]).sum();
                let eta = fixed + sd * v + data.offset.as_ref().map_or(0.0, |o| o[i]);
                let trials = data.trials.as_ref().map_or(1.0, |t| t[i]);
                log -= trials * data.family.loss(eta, data.y[i] / trials, 0.0);
            }
            let weight = if k == 0 || k == n - 1 { 1.0 } else { [2.0, 4.0][k % 2] };
            sum += weight * log.exp();
        }
        total += (sum * step / 3.0 / (2.0 * std::f64::consts::PI).sqrt()).ln();
    }
    total
}

/// With many nodes the fit is the maximum of the integral: its value is the integral's, and no
/// neighbour is higher; errors are those of the integral's curvature.
#[test]
fn quadrature_is_the_integral() {
    let mut r = Random(21);
    for family in FAMILIES {
        let mut data = sample(Shape::Intercept, family, [84, 12, 4], 0.9, &mut r);
        data.offset = Some((0..84).map(|_| 0.3 * r.normal()).collect());
        if family == Family::Cloglog {
            let trials: Vec<f64> = (0..84).map(|_| 1.0 + r.below(3) as f64).collect();
            data.y.iter_mut().zip(&trials).for_each(|(y, t)| *y *= *t);
            data.trials = Some(trials);
        }
        let (coefficients, theta, log_likelihood) = data.results(&quadrature(99));
        let beta: Vec<f64> = coefficients.iter().map(|c| c[0]).collect();
        let at = |beta: &[f64], sd: f64| integrated(&data, beta, sd);
        let most = at(&beta, theta[0]);
        // Without the constants, which do not depend on the parameters.
        let choose = |i: usize| match (&data.trials, family) {
            (Some(t), _) => glm::log_choose(t[i], data.y[i]),
            (None, Family::Poisson) => -crate::special::gamma::ln_gamma(data.y[i] + 1.0),
            _ => 0.0,
        };
        let constant: f64 = (0..84).map(choose).sum();
        close(&format!("{family:?}"), log_likelihood, most + constant, 1e-9);
        let h = 1e-3;
        let mut hessian = [[0.0; 4]; 4];
        let moved = |p: usize, q: usize, a: f64, b: f64| {
            let mut psi = [beta[0], beta[1], beta[2], theta[0]];
            psi[p] += a * h;
            psi[q] += b * h;
            at(&psi[..3], psi[3])
        };
        for p in 0..4 {
            let slope = (moved(p, p, 0.5, 0.0) - moved(p, p, -0.5, 0.0)) / h;
            assert!(slope.abs() < 2e-4, "{family:?} {p} {slope}");
            for q in 0..4 {
                let corners =
                    moved(p, q, 1.0, 1.0) - moved(p, q, 1.0, -1.0) - moved(p, q, -1.0, 1.0)
                        + moved(p, q, -1.0, -1.0);
                hessian[p][q] = -corners / (4.0 * h * h);
            }
        }
        let mut factor: Vec<f64> = hessian.concat();
        assert!(crate::linalg::cholesky::factor(&mut factor, 4, 1e-14));
        for (j, coefficient) in coefficients.iter().enumerate() {
            let mut unit = [0.0; 4];
            unit[j] = 1.0;
            crate::linalg::cholesky::solve(&factor, 4, &mut unit);
            close("error", coefficient[1], unit[j].sqrt(), 1e-4);
        }
    }
}

/// Laplace's approximation of crossed groups, dense and by plain Newton steps on all effects at
/// once, at the fit's parameters and around them.
#[test]
fn laplace_is_that_of_the_dense_formula() {
    let mut r = Random(22);
    for shape in [Shape::Crossed, Shape::Nested, Shape::Slope] {
        for family in FAMILIES {
            let data = sample(shape, family, [70, 7, 70], 0.7, &mut r);
            let Ok(fit) = data.fit(&laplace(), &mut Scratch::default()).map(|fit| {
                (fit.beta(), fit.theta(&data.structure), data.with(|d| fit.log_likelihood(d)))
            }) else {
                panic!("{shape:?} {family:?} has no fit")
            };
            let (beta, theta, log_likelihood) = fit;
            let constant: f64 = match family {
                Family::Poisson => {
                    data.y.iter().map(|y| -crate::special::gamma::ln_gamma(y + 1.0)).sum()
                }
                _ => 0.0,
            };
            let most = dense(&data, shape, &beta, &theta);
            close("log-likelihood", log_likelihood.unwrap(), most + constant, 1e-9);
            for p in 0..beta.len() + theta.len() {
                for by in [-0.01, 0.01] {
                    let (mut beta, mut theta) = (beta.clone(), theta.clone());
                    if p < beta.len() {
                        beta[p] += by;
                    } else {
                        theta[p - 3] += by;
                    }
                    assert!(dense(&data, shape, &beta, &theta) < most, "{shape:?} {family:?} {p}");
                }
            }
        }
    }
}

/// Laplace's approximation with all effects in one vector.
fn dense(data: &Sample, shape: Shape, beta: &[f64], theta: &[f64]) -> f64 {
    let m = data.y.len();
    let [a, b, x] = [0, 1, 2].map(|c| &data.columns[c]);
    let q = 40;
    // Row i of Z Lambda.
    let row = |i: usize| {
        let mut t = vec![0.0; q];
        let (a, b) = (a[i] as usize, b[i] as usize);
        match shape {
            Shape::Slope => {
                t[2 * a] = theta[0] + theta[1] * x[i];
                t[2 * a + 1] = theta[2] * x[i];
            }
            Shape::Nested => (t[a], t[20 + b]) = (theta[0], theta[1]),
            _ => (t[20 + b], t[a]) = (theta[0], theta[1]),
        }
        t
    };
    let rows: Vec<Vec<f64>> = (0..m).map(row).collect();
    let fixed: Vec<f64> =
        (0..m).map(|i| (0..3).map(|j| beta[j] * data.x[j * m + i]).sum()).collect();
    let mut v = vec![0.0; q];
    let mut bend = Vec::new();
    for _ in 0..60 {
        let mut slope: Vec<f64> = v.iter().map(|v| -v).collect();
        bend = (0..q * q).map(|at| f64::from(u8::from(at / q == at % q))).collect();
        for (i, t) in rows.iter().enumerate() {
            let eta = fixed[i] + t.iter().zip(&v).map(|(t, v)| t * v).sum::<f64>();
            let pull = data.family.pull(eta, data.y[i], 0.0);
            for r in 0..q {
                slope[r] += pull.score * t[r];
                for c in 0..q {
                    bend[r * q + c] += pull.weight * t[r] * t[c];
                }
            }
        }
        assert!(crate::linalg::cholesky::factor(&mut bend, q, 1e-14));
        crate::linalg::cholesky::solve(&bend, q, &mut slope);
        v.iter_mut().zip(&slope).for_each(|(v, s)| *v += s);
    }
    let mut height = -0.5 * v.iter().map(|v| v * v).sum::<f64>();
    for (i, t) in rows.iter().enumerate() {
        let eta = fixed[i] + t.iter().zip(&v).map(|(t, v)| t * v).sum::<f64>();
        height -= data.family.loss(eta, data.y[i], 0.0);
    }
    height - 0.5 * crate::linalg::cholesky::log_determinant(&bend, q)
}
