//! The same results from dense matrices of the order of the observations.

use super::*;

pub(super) type Matrix = Vec<Vec<f64>>;

pub(super) fn multiply(a: &Matrix, b: &Matrix) -> Matrix {
    let dot = |row: &[f64], j: usize| row.iter().zip(b).map(|(x, r)| x * r[j]).sum();
    a.iter().map(|row| (0..b[0].len()).map(|j| dot(row, j)).collect()).collect()
}

pub(super) fn transpose(a: &Matrix) -> Matrix {
    (0..a[0].len()).map(|j| a.iter().map(|row| row[j]).collect()).collect()
}

/// Gauss-Jordan elimination with pivots on the diagonal, for positive definite matrices.
pub(super) fn inverse(a: &Matrix) -> Matrix {
    let n = a.len();
    let mut a = a.clone();
    for k in 0..n {
        let pivot = a[k][k];
        a[k][k] = 1.0;
        a[k].iter_mut().for_each(|v| *v /= pivot);
        for i in (0..n).filter(|i| *i != k) {
            let f = a[i][k];
            a[i][k] = 0.0;
            for j in 0..n {
                a[i][j] -= f * a[k][j];
            }
        }
    }
    a
}

/// The pseudo-inverse of the symmetric root, by Jacobi rotations.
pub(super) fn inverse_root(a: &Matrix) -> Matrix {
    let n = a.len();
    let mut a = a.clone();
    let mut v: Matrix = (0..n).map(|i| (0..n).map(|j| f64::from(i == j)).collect()).collect();
    for _ in 0..60 {
        for p in 0..n {
            for q in p + 1..n {
                if a[p][q].abs() < 1e-300 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for i in 0..n {
                    let (x, y) = (a[i][p], a[i][q]);
                    (a[i][p], a[i][q]) = (c * x - s * y, s * x + c * y);
                }
                for i in 0..n {
                    let (x, y) = (a[p][i], a[q][i]);
                    (a[p][i], a[q][i]) = (c * x - s * y, s * x + c * y);
                    let (x, y) = (v[i][p], v[i][q]);
                    (v[i][p], v[i][q]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
    }
    let f = |l: f64| if l > 1e-12 { 1.0 / l.sqrt() } else { 0.0 };
    let entry = |i: usize, j: usize| (0..n).map(|k| v[i][k] * f(a[k][k]) * v[j][k]).sum();
    (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect()
}

/// Everything from the hat matrix, for one observation a row.
struct Twin {
    beta: Vec<f64>,
    vcov: Matrix,
    df: Vec<f64>,
}

fn twin(d: &Design, variance: Variance) -> Twin {
    let (n, p) = (d.y.len(), d.columns.len());
    let x = transpose(&d.columns);
    let w = d.weight.clone().unwrap_or_else(|| vec![1.0; n]);
    let wx: Matrix = x.iter().zip(&w).map(|(row, w)| row.iter().map(|v| v * w).collect()).collect();
    let m = inverse(&multiply(&transpose(&wx), &x));
    let y: Matrix = d.y.iter().map(|v| vec![*v]).collect();
    let beta = multiply(&m, &multiply(&transpose(&wx), &y));
    let hat = multiply(&multiply(&x, &m), &transpose(&wx));
    let mut gap = hat.clone();
    for i in 0..n {
        for j in 0..n {
            gap[i][j] = f64::from(i == j) - hat[i][j];
        }
    }
    let e: Vec<f64> = multiply(&gap, &y).concat();
    let residual_df = (n - p) as f64;
    let clusters = d.groups.len().max(1) as f64 - 1.0;
    let mut df = vec![if variance.is_clustered() { clusters - 1.0 } else { residual_df }; p];
    let meat = match variance {
        Variance::Classical => {
            let s2 = (0..n).map(|i| w[i] * e[i] * e[i]).sum::<f64>() / residual_df;
            multiply(&transpose(&wx), &x)
                .iter()
                .map(|r| r.iter().map(|v| v * s2).collect())
                .collect()
        }
        Variance::Hc0 | Variance::Hc1 | Variance::Hc2 | Variance::Hc3 => {
            let factor = |i: usize| match variance {
                Variance::Hc1 => n as f64 / residual_df,
                Variance::Hc2 => 1.0 / gap[i][i],
                Variance::Hc3 => 1.0 / (gap[i][i] * gap[i][i]),
                _ => 1.0,
            };
            outer_sum((0..n).map(|i| {
                let f = e[i] * factor(i).sqrt();
                wx[i].iter().map(|v| v * f).collect()
            }))
        }
        Variance::Cr0 | Variance::Stata => {
            let f = (clusters / (clusters - 1.0) * (n as f64 - 1.0) / residual_df).sqrt();
            let f = if variance == Variance::Cr0 { 1.0 } else { f };
            outer_sum(d.groups.windows(2).map(|g| {
                (0..p)
                    .map(|j| {
                        f * (g[0]..g[1]).map(|i| wx[i as usize][j] * e[i as usize]).sum::<f64>()
                    })
                    .collect()
            }))
        }
        Variance::Cr2 => cr2(d, &wx, &m, &gap, &e, &mut df),
    };
    let vcov = multiply(&multiply(&m, &meat), &m);
    Twin { beta: beta.concat(), vcov, df }
}

fn outer_sum(vectors: impl Iterator<Item = Vec<f64>>) -> Matrix {
    let mut out = Matrix::new();
    for v in vectors {
        out.resize(v.len(), vec![0.0; v.len()]);
        for (row, a) in out.iter_mut().zip(&v) {
            for (o, b) in row.iter_mut().zip(&v) {
                *o += a * b;
            }
        }
    }
    out
}

/// Rows of `X_g' W_g A_g`, `A_g` from `[(I - H)(I - H)']_gg`.
pub(super) fn adjusted(d: &Design, wx: &Matrix, gap: &Matrix) -> Matrix {
    let (n, p) = (d.y.len(), d.columns.len());
    let full = multiply(gap, &transpose(gap));
    let mut awx = vec![vec![0.0; p]; n];
    for g in d.groups.windows(2).map(|g| g[0] as usize..g[1] as usize) {
        let b: Matrix = g.clone().map(|i| full[i][g.clone()].to_vec()).collect();
        if !b.is_empty() {
            let a = inverse_root(&b);
            awx[g.clone()].clone_from_slice(&multiply(&a, &wx[g.clone()].to_vec()));
        }
    }
    awx
}

/// Meat and df of CR2, from all of the matrix `P`.
fn cr2(d: &Design, wx: &Matrix, m: &Matrix, gap: &Matrix, e: &[f64], df: &mut [f64]) -> Matrix {
    let (n, p) = (d.y.len(), d.columns.len());
    let awx = adjusted(d, wx, gap);
    for l in 0..p {
        let v: Vec<f64> =
            awx.iter().map(|row| row.iter().zip(m).map(|(a, m)| a * m[l]).sum()).collect();
        let vectors: Matrix = d
            .groups
            .windows(2)
            .map(|g| {
                let sum = |i: usize| (g[0]..g[1]).map(|j| gap[j as usize][i] * v[j as usize]).sum();
                (0..n).map(sum).collect()
            })
            .collect();
        let matrix = multiply(&vectors, &transpose(&vectors));
        let trace: f64 = (0..matrix.len()).map(|g| matrix[g][g]).sum();
        df[l] = trace * trace / matrix.iter().flatten().map(|v| v * v).sum::<f64>();
    }
    outer_sum(d.groups.windows(2).map(|g| {
        (0..p).map(|j| (g[0]..g[1]).map(|i| awx[i as usize][j] * e[i as usize]).sum()).collect()
    }))
}

/// Compares the fit of `d` with the twin of `dense`.
fn compare(d: &Design, dense: &Design, variance: Variance, tolerance: f64, what: &str) {
    let fit = d.fit(variance).unwrap();
    let twin = twin(dense, variance);
    let p = d.columns.len();
    for j in 0..p {
        let se = twin.vcov[j][j].sqrt();
        close(fit.beta[j], twin.beta[j], se, tolerance, &format!("{what} beta {j}"));
        close(fit.std_error[j], se, 0.0, tolerance, &format!("{what} se {j}"));
        close(fit.df[j], twin.df[j], 0.0, tolerance, &format!("{what} df {j}"));
        for l in 0..p {
            let scale = se * twin.vcov[l][l].sqrt();
            let ours = fit.vcov[j * p + l];
            close(ours, twin.vcov[j][l], scale, tolerance, &format!("{what} vcov {j} {l}"));
        }
    }
}

#[test]
fn random_designs_agree_with_the_hat_matrix() {
    let mut r = Lcg(20);
    for kind in [Kind::Single, Kind::Weighted, Kind::WeightedByCluster, Kind::Collapsed] {
        for round in 0..30 {
            let p = 1 + round % 6;
            let d = random_design(&mut r, kind, 6 + round % 5, p);
            let dense = d.expand();
            if dense.y.len() < p + 4 {
                continue;
            }
            for variance in ALL {
                // HC2 and HC3 of a near-saturated row lose digits in the twin's 1 - h.
                let what = format!("{kind:?} {round} {variance:?}");
                compare(&d, &dense, variance, 1e-9, &what);
            }
        }
    }
}

#[test]
fn designs_without_intercept_agree_with_the_hat_matrix() {
    let mut r = Lcg(3);
    for kind in [Kind::Single, Kind::Weighted, Kind::Collapsed] {
        for round in 0..10 {
            let mut d = random_design(&mut r, kind, 8, 4);
            d.columns.remove(0);
            let dense = d.expand();
            for variance in ALL {
                compare(&d, &dense, variance, 1e-9, &format!("{kind:?} {round} {variance:?}"));
            }
        }
    }
}

#[test]
fn singleton_clusters_give_hc2_and_a_df_of_their_own() {
    let mut r = Lcg(4);
    for kind in [Kind::Single, Kind::Weighted] {
        let mut d = random_design(&mut r, kind, 9, 3);
        d.groups = (0..=d.y.len() as u32).collect();
        compare(&d, &d, Variance::Cr2, 1e-9, "singletons");
        if kind == Kind::Single {
            let (cr2, hc2) = (d.fit(Variance::Cr2).unwrap(), d.fit(Variance::Hc2).unwrap());
            for j in 0..3 {
                close(cr2.std_error[j], hc2.std_error[j], 0.0, 1e-12, "singletons");
                assert!(cr2.df[j] < hc2.df[j]);
            }
        }
    }
}

#[test]
fn singular_clusters_agree_with_the_pseudo_inverse() {
    // A covariate that lives in one cluster alone makes I - H singular there.
    let mut r = Lcg(5);
    for kind in [Kind::Single, Kind::Weighted, Kind::Collapsed] {
        for p in [2, 3, 4] {
            let mut d = random_design(&mut r, kind, 7, p);
            let rows = d.groups[3] as usize..d.groups[4] as usize;
            let mut only = vec![0.0; d.y.len()];
            only[rows].fill(1.0);
            d.columns.push(only);
            compare(&d, &d.expand(), Variance::Cr2, 1e-7, &format!("{kind:?} {p}"));
        }
    }
}

#[test]
fn leverages_near_one_keep_their_digits() {
    // One treated cluster, and ever less treatment elsewhere: 1 - h falls to 1e-8 in it.
    let mut r = Lcg(12);
    for kind in [Kind::Single, Kind::Weighted] {
        let d = random_design(&mut r, kind, 8, 1);
        for power in 1..=4 {
            let mut near = d.clone();
            let little = 10_f64.powi(-power);
            let treated = d.groups[1] as usize;
            let dose = |i: usize| if i < treated { 1.0 } else { little * (i as f64).sin() };
            near.columns.push((0..d.y.len()).map(dose).collect());
            let tolerance = 1e-14 * 10_f64.powi(2 * power).max(1e3);
            compare(&near, &near, Variance::Cr2, tolerance, &format!("{kind:?} {power}"));
        }
    }
}
