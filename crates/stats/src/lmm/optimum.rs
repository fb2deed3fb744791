//! The lowest point of the profiled criterion, the boundary included.

use super::Method;
use super::basis::Basis;
use super::kernels::at;
use super::profile::{Order, Point, Profile, Work};
use super::within::{ROUNDING, Within};
use crate::Failure;

/// A slope below this share of its terms is rounding error.
const SLOPE_NOISE: f64 = 1e-13;
/// The scan multiplies `lambda` by this from point to point.
const SCAN_RATIO: f64 = 4.0;
/// The scan gives up at this `lambda` times the largest size.
const SCAN_LIMIT: f64 = 1e60;
/// Where nothing is left within groups, `lambda` times the largest size grows without end beyond.
const ENDLESS: f64 = 1e8;
/// Steps of the safeguarded Newton method; ten are many.
const STEPS_MAX: usize = 200;

/// What is known of the criterion before it is evaluated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlook {
    /// Groups minus predictors (REML) or groups (ML): the weight of the between-group variance.
    weight_between: f64,
    /// Where the scan may end: beyond, the slope stays positive.
    scan_end: f64,
    /// Between-group over within-group residual sum of squares.
    ratio: f64,
    /// Predictors do not vary within groups, and all groups have one size.
    closed_form: bool,
    /// Groups and predictors leave nothing within groups.
    none_left: bool,
}

impl Outlook {
    /// Judges a problem by its fit within groups; `n` is the number of observations.
    ///
    /// # Errors
    /// `ZeroStandardError` where the outcome does not vary within groups around the predictors:
    /// the criterion then has no lower bound as `theta` grows. `NoResidualDf` where the predictors
    /// leave no degree of freedom between groups (REML), or none within groups (ML, and REML for
    /// groups of one size): the criterion is then flat and any `theta` fits as well, or it has no
    /// lower bound.
    pub fn new(profile: &Profile, within: &Within, basis: &Basis, n: f64) -> Result<Self, Failure> {
        let p = profile.q - 1;
        let (r2_total, raw) = (basis.total[at(p, p)], basis.raw[p]);
        let n_groups: f64 = profile.members.iter().sum();
        let none_left = n - n_groups <= within.rank as f64;
        let fitted = r2_total.is_nan() || r2_total <= ROUNDING * raw;
        if fitted || !none_left && within.is_exact(basis) {
            return Err(Failure::ZeroStandardError);
        }
        let reml = profile.method == Method::Reml;
        let one_size = profile.size.len() == 1;
        let saturated = reml && n_groups <= (p - within.rank) as f64;
        if saturated || none_left && (one_size || !reml) {
            return Err(Failure::NoResidualDf);
        }
        let weight_between = if reml { n_groups - p as f64 } else { n_groups };
        let smallest = profile.size.iter().fold(f64::INFINITY, |a, &b| a.min(b));
        let spread = if none_left { 1e6 } else { within.between / within.r2 };
        Ok(Self {
            weight_between,
            scan_end: 8.0 * (1.0 + profile.nu / weight_between.max(1.0) * spread) / smallest,
            ratio: if none_left { 1.0 } else { (r2_total - within.r2).max(0.0) / within.r2 },
            closed_form: within.is_constant && one_size,
            none_left,
        })
    }
}

/// The lowest point over `lambda >= 0`; the work space then belongs to it.
///
/// A scan of the slope finds every interval that holds a minimum (the criterion may have several);
/// a Newton method that cannot leave the interval finds each, and values decide between them. At
/// `lambda = 0` the slope need only be no less than zero.
///
/// # Errors
/// `NotConverged` where the criterion still falls at the end of the scan, or rounding error hides
/// the minimum; `NoResidualDf` where nothing is left within groups, and the criterion falls until
/// the residual variance is zero.
pub(super) fn minimise(
    profile: &Profile,
    outlook: &Outlook,
    work: &mut Work,
) -> Result<Point, Failure> {
    if outlook.closed_form {
        return closed_form(profile, outlook, work);
    }
    let largest = profile.size.iter().fold(0.0_f64, |a, &b| a.max(b));
    let origin = profile.evaluate(0.0, Order::Slope, work).ok_or(Failure::NotConverged)?;
    let mut best = Best::default();
    if !falls(&origin) {
        best.offer(profile, 0.0, work)?;
    }
    let mut last = origin;
    let mut lambda = 0.25 / largest;
    while lambda * largest < SCAN_LIMIT {
        let Some(next) = profile.evaluate(lambda, Order::Slope, work) else { break };
        if falls(&last) && !falls(&next) {
            let minimum = newton(profile, outlook, last, next, work)?;
            best.offer(profile, minimum, work)?;
        }
        last = next;
        if lambda >= outlook.scan_end && !falls(&next) {
            break;
        }
        lambda *= SCAN_RATIO;
    }
    if falls(&last) {
        return Err(Failure::NotConverged);
    }
    let point = best.point(profile, work)?;
    if outlook.none_left && point.lambda * largest > ENDLESS {
        return Err(Failure::NoResidualDf);
    }
    Ok(point)
}

/// Whether the criterion falls at a point, beyond rounding error.
fn falls(point: &Point) -> bool {
    point.slope < -SLOPE_NOISE * point.slope_scale
}

/// The lowest of the minima found so far.
#[derive(Debug, Default)]
struct Best {
    first: Option<f64>,
    /// The lowest with its value, once a second minimum made values needed.
    valued: Option<(f64, f64)>,
}

impl Best {
    fn offer(&mut self, profile: &Profile, lambda: f64, work: &mut Work) -> Result<(), Failure> {
        let Some(first) = self.first else {
            self.first = Some(lambda);
            return Ok(());
        };
        let mut value = |lambda| {
            let point = profile.evaluate(lambda, Order::Slope, work).ok_or(Failure::NotConverged);
            point.map(|point| profile.value(&point, work))
        };
        let (best, best_value) = match self.valued {
            Some(valued) => valued,
            None => (first, value(first)?),
        };
        let new_value = value(lambda)?;
        let better = new_value < best_value;
        self.valued = Some(if better { (lambda, new_value) } else { (best, best_value) });
        Ok(())
    }

    fn point(&self, profile: &Profile, work: &mut Work) -> Result<Point, Failure> {
        let lambda = self.valued.map(|(lambda, _)| lambda).or(self.first);
        lambda
            .and_then(|lambda| profile.evaluate(lambda, Order::Curvature, work))
            .ok_or(Failure::NotConverged)
    }
}

/// The minimum where predictors are constant within groups of one size.
///
/// There `r2 = w + k b` and `log det A = p log k` plus a constant, so that with `a` groups less
/// predictors the slope is zero at `k = a w / (b (nu - a))` and nowhere else.
fn closed_form(profile: &Profile, outlook: &Outlook, work: &mut Work) -> Result<Point, Failure> {
    let a = outlook.weight_between;
    let inverse_k = outlook.ratio * (profile.nu - a) / a;
    let lambda = if inverse_k > 1.0 { (inverse_k - 1.0) / profile.size[0] } else { 0.0 };
    profile.evaluate(lambda, Order::Curvature, work).ok_or(Failure::NotConverged)
}

/// The root of the slope between a point where the criterion falls and one where it does not.
///
/// Newton steps are taken on `slope (1 + lambda s) (1 + lambda s + ratio)`, with `s` the mean
/// size: in balanced data with predictors constant within groups that is a straight line, and
/// elsewhere close to one.
fn newton(
    profile: &Profile,
    outlook: &Outlook,
    mut low: Point,
    mut high: Point,
    work: &mut Work,
) -> Result<f64, Failure> {
    let weight: f64 = profile.size.iter().zip(profile.members).map(|(s, k)| s * k).sum();
    let s = weight / profile.members.iter().sum::<f64>();
    let ratio = outlook.ratio;
    let straight = |p: &Point| p.slope * (1.0 + p.lambda * s) * (1.0 + p.lambda * s + ratio);
    let share = straight(&low) / (straight(&low) - straight(&high));
    let mut lambda = inside(low.lambda + share * (high.lambda - low.lambda), &low, &high);
    let mut last = false;
    for _ in 0..STEPS_MAX {
        let point =
            profile.evaluate(lambda, Order::Curvature, work).ok_or(Failure::NotConverged)?;
        if last || point.slope.abs() <= 1e-15 * point.slope_scale {
            return Ok(lambda);
        }
        if point.slope < 0.0 {
            low = point;
        } else {
            high = point;
        }
        let l = 1.0 + lambda * s;
        let derivative = point.curvature + point.slope * (s / l + s / (l + ratio));
        let next = inside(lambda - point.slope / derivative, &low, &high);
        // The error after a step is of the order of the step squared.
        last = (next - lambda).abs() <= 1e-9 * next
            || high.lambda - low.lambda <= 4.0 * f64::EPSILON * high.lambda;
        lambda = next;
    }
    Err(Failure::NotConverged)
}

/// `lambda` where it lies strictly between the ends, else a point well between them.
fn inside(lambda: f64, low: &Point, high: &Point) -> f64 {
    if lambda > low.lambda && lambda < high.lambda {
        lambda
    } else if low.lambda > 0.0 {
        (low.lambda * high.lambda).sqrt()
    } else {
        0.25 * high.lambda
    }
}
