//! Times measured side by side, so that whatever else the machine does hits all of them.

use std::time::Instant;

/// The number of rounds: the one given on the command line, or `usual`. A bench that is run as a
/// test, without the `--bench` that `cargo bench` adds, does one.
pub fn rounds(usual: usize) -> usize {
    let mut args = std::env::args().skip(1);
    let given = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    if args.any(|arg| arg == "--bench") { given.unwrap_or(usual) } else { 1 }
}

/// Times each job in turn, over and over; the first round warms up and does not count.
///
/// Gives the times of each job in seconds, round by round.
pub fn interleaved<const K: usize>(
    rounds: usize,
    mut jobs: [&mut dyn FnMut(); K],
) -> [Vec<f64>; K] {
    let mut times = [const { Vec::new() }; K];
    for round in 0..=rounds {
        for (job, times) in jobs.iter_mut().zip(&mut times) {
            let start = Instant::now();
            job();
            let time = start.elapsed().as_secs_f64();
            if round > 0 {
                times.push(time);
            }
        }
    }
    times
}

/// Seconds that this thread has had a processor, where the system tells: what a job costs however
/// many others there are.
pub fn busy() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(1e-9 * nanoseconds)
}

/// The median; NaN of nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    match n {
        0 => f64::NAN,
        _ => 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]),
    }
}

/// The least value; infinite of nothing.
pub fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The median of the ratios of two jobs' times in the same round.
pub fn ratio(above: &[f64], below: &[f64]) -> f64 {
    let ratios: Vec<f64> = above.iter().zip(below).map(|(a, b)| a / b).collect();
    median(&ratios)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_take_turns() {
        use std::cell::RefCell;
        let order = RefCell::new(String::new());
        let mut a = || order.borrow_mut().push('a');
        let mut b = || order.borrow_mut().push('b');
        let times = interleaved(2, [&mut a, &mut b]);
        assert_eq!(times.map(|t| t.len()), [2, 2]);
        assert_eq!(order.into_inner(), "ababab");
    }

    #[test]
    fn medians_and_ratios() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(least(&[4.0, 1.0, 2.0]), 1.0);
        assert_eq!(ratio(&[2.0, 9.0, 8.0], &[1.0, 3.0, 4.0]), 2.0);
    }
}
