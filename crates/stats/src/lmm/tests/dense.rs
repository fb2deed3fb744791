//! The slow, obvious twin: the whole covariance matrix, and numerical derivatives.

use super::super::{Df, Fit, Method, Scratch, fit};
use super::{Data, Kind, Random, close};

/// The model with its covariance matrix written out, rows that are one observation each.
struct Dense {
    n: usize,
    p: usize,
    /// Predictors and outcome by row.
    z: Vec<f64>,
    group: Vec<usize>,
    weight: Vec<f64>,
    method: Method,
}

/// What the dense model says at one relative standard deviation.
struct At {
    log_determinant: f64,
    r2: f64,
    beta: Vec<f64>,
    /// Inverse of `X' V^-1 X` by rows.
    inverse: Vec<f64>,
}

/// Lower Cholesky factor of a matrix of order `n` by rows.
fn cholesky(mut a: Vec<f64>, n: usize) -> Vec<f64> {
    for i in 0..n {
        for j in 0..=i {
            let s: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            let rest = a[i * n + j] - s;
            a[i * n + j] = if i == j { rest.sqrt() } else { rest / a[j * n + j] };
        }
    }
    a
}

/// Solves `L v = b` in place.
fn forward(l: &[f64], n: usize, v: &mut [f64]) {
    for i in 0..n {
        let s: f64 = (0..i).map(|k| l[i * n + k] * v[k]).sum();
        v[i] = (v[i] - s) / l[i * n + i];
    }
}

/// Solves `L' v = b` in place.
fn backward(l: &[f64], n: usize, v: &mut [f64]) {
    for i in (0..n).rev() {
        let s: f64 = (i + 1..n).map(|k| l[k * n + i] * v[k]).sum();
        v[i] = (v[i] - s) / l[i * n + i];
    }
}

fn log_diagonal(l: &[f64], n: usize) -> f64 {
    2.0 * (0..n).map(|i| l[i * n + i].ln()).sum::<f64>()
}

impl Dense {
    /// Leaves out rows of weight zero.
    fn new(data: &Data, method: Method) -> Self {
        let m = data.len();
        let all = match &data.kind {
            Kind::Single => vec![1.0; m],
            Kind::Weighted(w) => w.clone(),
            Kind::Collapsed { .. } => panic!("the dense twin takes expanded rows"),
        };
        let live: Vec<usize> = (0..m).filter(|&i| all[i] > 0.0).collect();
        let column = |i: usize, j: usize| if j < data.p() { data.x[j * m + i] } else { data.y[i] };
        let group = data.group_of_rows();
        Self {
            n: live.len(),
            p: data.p(),
            z: live.iter().flat_map(|&i| (0..=data.p()).map(move |j| column(i, j))).collect(),
            group: live.iter().map(|&i| group[i]).collect(),
            weight: live.iter().map(|&i| all[i]).collect(),
            method,
        }
    }

    fn at(&self, theta: f64) -> At {
        let (n, p) = (self.n, self.p);
        let mut v = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..n {
                let together = f64::from(u8::from(self.group[i] == self.group[j]));
                v[i * n + j] = theta * theta * together;
            }
            v[i * n + i] += 1.0 / self.weight[i];
        }
        let l = cholesky(v, n);
        let columns: Vec<Vec<f64>> = (0..=p)
            .map(|j| {
                let mut c: Vec<f64> = (0..n).map(|i| self.z[i * (p + 1) + j]).collect();
                forward(&l, n, &mut c);
                c
            })
            .collect();
        let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(x, y)| x * y).sum() };
        let a: Vec<f64> = (0..p * p).map(|t| dot(&columns[t / p], &columns[t % p])).collect();
        let r = cholesky(a, p);
        let solve = |mut v: Vec<f64>| {
            forward(&r, p, &mut v);
            backward(&r, p, &mut v);
            v
        };
        let beta = solve((0..p).map(|j| dot(&columns[j], &columns[p])).collect());
        let residual: Vec<f64> = (0..n)
            .map(|i| columns[p][i] - (0..p).map(|j| columns[j][i] * beta[j]).sum::<f64>())
            .collect();
        let unit = |j: usize| (0..p).map(|k| f64::from(u8::from(j == k))).collect();
        let reml = if self.method == Method::Reml { log_diagonal(&r, p) } else { 0.0 };
        At {
            log_determinant: log_diagonal(&l, n) + reml,
            r2: dot(&residual, &residual),
            beta,
            inverse: (0..p).flat_map(|j| solve(unit(j))).collect(),
        }
    }

    fn nu(&self) -> f64 {
        match self.method {
            Method::Reml => (self.n - self.p) as f64,
            Method::Ml => self.n as f64,
        }
    }

    /// Criterion with the best `sigma`.
    fn profiled(&self, theta: f64) -> f64 {
        let (at, nu) = (self.at(theta), self.nu());
        at.log_determinant + nu * (1.0 + (2.0 * std::f64::consts::PI * at.r2 / nu).ln())
    }

    /// Criterion at any `(theta, sigma)`, as lmerTest differentiates it.
    fn deviance(&self, theta: f64, sigma: f64) -> f64 {
        let at = self.at(theta);
        let variance = sigma * sigma;
        let turn = 2.0 * std::f64::consts::PI;
        at.log_determinant + self.nu() * (turn * variance).ln() + at.r2 / variance
    }

    /// Satterthwaite's degrees of freedom by differences of the fourth order.
    fn satterthwaite(&self, theta: f64, sigma: f64, j: usize) -> f64 {
        let (h, k) = (2e-3 * theta, 2e-3 * sigma);
        let d = |a: f64, b: f64| self.deviance(theta + a * h, sigma + b * k);
        let slope =
            |f: &dyn Fn(f64) -> f64| (f(-2.0) - 8.0 * f(-1.0) + 8.0 * f(1.0) - f(2.0)) / 12.0;
        let bend = |f: &dyn Fn(f64) -> f64| {
            (16.0 * (f(1.0) + f(-1.0)) - (f(2.0) + f(-2.0)) - 30.0 * f(0.0)) / 12.0
        };
        let tt = bend(&|a| d(a, 0.0)) / (h * h);
        let ss = bend(&|b| d(0.0, b)) / (k * k);
        let ts = slope(&|a| slope(&|b| d(a, b))) / (h * k);
        let v = |a: f64, b: f64| {
            (sigma + b * k).powi(2) * self.at(theta + a * h).inverse[j * self.p + j]
        };
        let (gt, gs) = (slope(&|a| v(a, 0.0)) / h, slope(&|b| v(0.0, b)) / k);
        let determinant = tt * ss - ts * ts;
        let quadratic = (ss * gt * gt - 2.0 * ts * gt * gs + tt * gs * gs) / determinant;
        v(0.0, 0.0).powi(2) / quadratic
    }

    /// Compares a fit at its own `theta`, and looks for a better one.
    fn compare(&self, what: &str, fit: &Fit) {
        let p = self.p;
        let at = self.at(fit.theta());
        let variance = at.r2 / self.nu();
        close(&format!("{what} sigma"), fit.sigma(), variance.sqrt(), 1e-9);
        let criterion = self.profiled(fit.theta());
        assert!((fit.criterion() - criterion).abs() < 1e-9 * (1.0 + criterion.abs()), "{what}");
        let mut vcov = vec![0.0; p * p];
        fit.vcov(&mut vcov);
        for j in 0..p {
            let error = (variance * at.inverse[j * p + j]).sqrt();
            assert!((fit.beta()[j] - at.beta[j]).abs() < 1e-9 * error, "{what} beta {j}");
            for k in 0..p {
                let other = (variance * at.inverse[k * p + k]).sqrt();
                let difference = (vcov[j * p + k] - variance * at.inverse[j * p + k]).abs();
                assert!(difference < 1e-9 * error * other, "{what} vcov {j} {k}: {difference:e}");
            }
            let ours = fit.coefficient(j, Df::Satterthwaite).expect("estimable");
            close(&format!("{what} error {j}"), ours.std_error, error, 1e-9);
            if fit.is_boundary() {
                assert_eq!(ours.df, self.nu(), "{what}");
            } else if fit.theta() > 0.05 {
                let df = self.satterthwaite(fit.theta(), fit.sigma(), j);
                close(&format!("{what} df {j}"), ours.df, df, 1e-5);
            }
        }
        for step in -7..=7 {
            let theta = f64::from(step).exp2();
            let other = self.profiled(theta);
            assert!(criterion <= other + 1e-9, "{what}: theta {} not {theta}", fit.theta());
        }
        assert!(criterion <= self.profiled(0.0) + 1e-9, "{what}: theta is {}, not 0", fit.theta());
    }
}

/// Groups of random sizes, some empty, predictors of both levels from a few values, so that rows
/// of a group may be alike.
fn random_design(random: &mut Random) -> Data {
    let n_groups = 3 + random.below(8);
    let p = random.below(5);
    let theta = [0.0, 0.3, 1.0, 4.0][random.below(4)];
    let equal = (random.below(3) == 0).then(|| 2 + random.below(4));
    let mut groups = vec![0];
    let (mut columns, mut y) = (vec![Vec::new(); p], Vec::new());
    let at_group_level: Vec<bool> = (0..p).map(|_| random.below(2) == 0).collect();
    for g in 0..n_groups {
        let size = equal.unwrap_or_else(|| if g < 2 { 3 } else { random.below(7) });
        let effect = theta * random.normal();
        let own: Vec<f64> = (0..p).map(|_| random.below(5) as f64 - 1.5).collect();
        for _ in 0..size {
            let mut mean = 0.0;
            for (j, column) in columns.iter_mut().enumerate() {
                let value = match j {
                    0 => 1.0,
                    _ if at_group_level[j] => own[j],
                    _ => random.below(3) as f64,
                };
                column.push(value);
                mean += 0.3 * value;
            }
            y.push(mean + effect + random.normal());
        }
        groups.push(y.len() as u32);
    }
    Data { x: columns.concat(), y, groups, kind: Kind::Single }
}

/// Rows of a group that share their predictors become one.
fn collapse(data: &Data) -> Data {
    let (m, p) = (data.len(), data.p());
    let mut groups = vec![0];
    // Of each new row: the old rows.
    let mut members: Vec<Vec<usize>> = Vec::new();
    for ends in data.groups.windows(2) {
        let first = members.len();
        for i in ends[0] as usize..ends[1] as usize {
            let same = |k: usize| (0..p).all(|j| data.x[j * m + k] == data.x[j * m + i]);
            match members[first..].iter().position(|list| same(list[0])) {
                Some(at) => members[first + at].push(i),
                None => members.push(vec![i]),
            }
        }
        groups.push(members.len() as u32);
    }
    let mean = |list: &Vec<usize>| list.iter().map(|&i| data.y[i]).sum::<f64>() / list.len() as f64;
    let y: Vec<f64> = members.iter().map(mean).collect();
    let squares = |(list, mean): (&Vec<usize>, &f64)| {
        list.iter().map(|&i| (data.y[i] - mean) * (data.y[i] - mean)).sum()
    };
    let within = members.iter().zip(&y).map(squares).collect();
    let count = members.iter().map(|list| list.len() as f64).collect();
    let x = (0..p).flat_map(|j| members.iter().map(move |list| data.x[j * m + list[0]])).collect();
    Data { x, y, groups, kind: Kind::Collapsed { count, within } }
}

/// Adds a collapsed row of no observations to each group, its values not to be read.
fn with_empty_rows(data: &Data) -> Data {
    let (m, p) = (data.len(), data.p());
    let Kind::Collapsed { count, within } = &data.kind else { panic!("collapsed rows") };
    let widen = |column: &[f64], filler: f64| -> Vec<f64> {
        let ends = data.groups.windows(2);
        let group = |e: &[u32]| [&[filler], &column[e[0] as usize..e[1] as usize]].concat();
        ends.flat_map(group).collect()
    };
    let columns = (0..p).flat_map(|j| widen(&data.x[j * m..(j + 1) * m], f64::NAN));
    Data {
        x: columns.collect(),
        y: widen(&data.y, f64::NAN),
        groups: data.groups.iter().enumerate().map(|(g, &r)| r + g as u32).collect(),
        kind: Kind::Collapsed { count: widen(count, 0.0), within: widen(within, f64::NAN) },
    }
}

#[track_caller]
fn assert_same(what: &str, a: &Fit, b: &Fit) {
    const TOLERANCE: f64 = 1e-11;
    assert_eq!((a.n_obs(), a.n_groups()), (b.n_obs(), b.n_groups()), "{what}");
    assert_eq!((a.kept(), a.is_boundary()), (b.kept(), b.is_boundary()), "{what}");
    close(&format!("{what} sigma"), a.sigma(), b.sigma(), TOLERANCE);
    // The criterion is flat in lambda to first order where lambda is near zero.
    let (ours, theirs) = (a.theta() * a.theta(), b.theta() * b.theta());
    assert!((ours - theirs).abs() <= TOLERANCE * (0.01 + ours), "{what} lambda {ours} {theirs}");
    assert!((a.criterion() - b.criterion()).abs() < TOLERANCE * (1.0 + a.criterion().abs()));
    for j in 0..a.kept().len() {
        let (one, two) = (a.coefficient(j, Df::Satterthwaite), b.coefficient(j, Df::Satterthwaite));
        let (Ok(one), Ok(two)) = (one, two) else {
            assert_eq!(one, two, "{what}");
            continue;
        };
        let difference = (one.estimate - two.estimate).abs();
        assert!(difference <= TOLERANCE * one.std_error.max(one.estimate.abs()), "{what}");
        close(&format!("{what} error {j}"), one.std_error, two.std_error, TOLERANCE);
        close(&format!("{what} df {j}"), one.df, two.df, 10.0 * TOLERANCE);
    }
}

#[test]
fn random_designs_agree_with_the_dense_twin() {
    let mut random = Random(1);
    let (mut ours, mut other) = (Scratch::default(), Scratch::default());
    let mut counts = [0; 4];
    for round in 0..240 {
        let mut data = random_design(&mut random);
        let method = if round % 2 == 0 { Method::Reml } else { Method::Ml };
        if round % 4 >= 2 {
            let zero = random.below(12);
            let weight = |i: usize, r: &mut Random| if i == zero { 0.0 } else { 0.2 + r.uniform() };
            data.kind = Kind::Weighted((0..data.len()).map(|i| weight(i, &mut random)).collect());
        }
        let what = format!("round {round}");
        let Ok(fitted) = fit(&data.rows(), method, &mut ours) else {
            counts[0] += 1;
            continue;
        };
        if fitted.rank() < data.p() {
            counts[1] += 1;
            continue;
        }
        counts[if fitted.is_boundary() { 2 } else { 3 }] += 1;
        Dense::new(&data, method).compare(&what, &fitted);
        if let Kind::Single = data.kind {
            let short = collapse(&data);
            let collapsed = fit(&short.rows(), method, &mut other).expect("the same model");
            assert_same(&what, &fitted, &collapsed);
            let padded = with_empty_rows(&short);
            let padded = fit(&padded.rows(), method, &mut other).expect("the same model");
            assert_same(&what, &fitted, &padded);
        }
    }
    let [failed, dropped, boundary, interior] = counts;
    assert!(failed < 24 && dropped < 48, "{counts:?}");
    assert!(boundary > 24 && interior > 100, "{counts:?}");
}
