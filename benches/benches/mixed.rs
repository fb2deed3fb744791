//! Mixed models beside lme4, on the same data in the same run.
//!
//! `cargo bench -p trialrun-benches --bench mixed`; a number after `--` is the number of rounds.
//! A round of ours is a hundred fits; R, which starts once a model, fits eleven times. Times are
//! those of the processor, where the system tells.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use trialrun_benches::crossing::{self, Columns, csv, intercept};
use trialrun_benches::{clock, lme4, machine};
use trialrun_stats::lmm::Method;
use trialrun_stats::lmm::mixed::{self, Data, Df, Scratch, Structure};

/// Fits of a round.
const FITS: usize = 100;
/// Fits by R.
const FITS_OF_R: usize = 11;

/// A model and its data: `y ~ z`, groups `g` and `h`, slopes of `x`.
struct Case {
    name: &'static str,
    formula: &'static str,
    structure: Structure,
    columns: Columns,
}

fn columns(a: usize, b: usize) -> Columns {
    crossing::columns(a, b, |place, normal| {
        let (z, x) = (f64::from(u8::from(normal() > 0.0)), normal());
        let [own, slope] = place.own;
        [1.0 + 0.5 * z + own + slope * x + place.other + normal(), z, x]
    })
}

/// Seconds of one fit in each round, and the criterion.
fn ours(case: &Case, rounds: usize) -> (Vec<f64>, f64) {
    let n = case.columns[0].len();
    let mut x = vec![1.0; n];
    x.extend(&case.columns[1]);
    let columns: [&[f64]; 3] = [&case.columns[2], &case.columns[3], &case.columns[4]];
    let y = &case.columns[0];
    let data = Data { x: &x, y, weights: None, offset: None, columns: &columns };
    let (mut scratch, mut buffer, mut criterion) = (Scratch::default(), Vec::new(), 0.0);
    let mut fit_often = || {
        for _ in 0..FITS {
            let fit = mixed::fit(&data, &case.structure, Method::Reml, &mut scratch);
            let mut fit = fit.expect("a fit");
            criterion = fit.criterion();
            let one = fit.coefficient(1, Df::Satterthwaite, &mut buffer);
            std::hint::black_box(one.expect("a coefficient"));
        }
    };
    fit_often();
    let mut time = || match clock::busy() {
        None => clock::interleaved(1, [&mut fit_often])[0][0],
        Some(start) => {
            fit_often();
            clock::busy().map_or(f64::NAN, |end| end - start)
        }
    };
    let times = (0..rounds).map(|_| time() / FITS as f64).collect();
    (times, criterion)
}

fn main() {
    let rounds = clock::rounds(11);
    println!("mixed models: us a fit, medians (least); ratio of the least times; {rounds} rounds");
    print!("{}", machine::describe());
    let slope = crossing::slope(1, 0);
    let one = |name, formula, factors, columns| Case {
        name,
        formula,
        structure: Structure { factors },
        columns,
    };
    let crossed = "y ~ z + (1 | g) + (1 | h)";
    let both = || vec![intercept(1), intercept(2)];
    let cases = [
        one("slopes, 50 groups of 20", "y ~ z + (1 + x | g)", vec![slope], columns(50, 20)),
        one("crossed 30 by 30", crossed, both(), columns(30, 30)),
        one("crossed 300 by 30", crossed, both(), columns(300, 30)),
    ];
    let folder = std::env::temp_dir();
    for case in &cases {
        let (mut times, criterion) = ours(case, rounds);
        let data = folder.join(format!("trialrun-mixed-{}.csv", std::process::id()));
        std::fs::write(&data, csv(&case.columns)).expect("a place for the data");
        let theirs = lme4::lmer(&data, case.formula, FITS_OF_R);
        let _ = std::fs::remove_file(&data);
        // Before and after R, as the machine has other things to do.
        times.extend(ours(case, rounds).0);
        let us = |times: &[f64]| {
            format!("{:.1} ({:.1})", 1e6 * clock::median(times), 1e6 * clock::least(times))
        };
        print!("{:<28} {:>18}", case.name, us(&times));
        match theirs {
            Ok(r) => {
                let ratio = clock::least(&r.seconds) / clock::least(&times);
                println!("   lmer {:>22}   ratio {ratio:.0}", us(&r.seconds));
                let gain = r.criterion - criterion;
                assert!((-1e-7..1e-3).contains(&gain), "lmer's criterion is {gain} above ours");
            }
            Err(why) => println!("   lmer skipped: {why}"),
        }
    }
}
