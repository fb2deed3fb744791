//! lme4's times on the same data, from R where it is installed.

use std::path::Path;
use std::process::Command;

/// What R says of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Timed {
    /// Seconds of each fit, by a processor.
    pub seconds: Vec<f64>,
    /// The criterion, or the log-likelihood, at the optimum.
    pub criterion: f64,
}

/// Fits a linear mixed model by `lmer` to a CSV file again and again.
///
/// # Errors
/// Why there are no times: R or lme4 is not installed, or the model can not be fitted.
pub fn lmer(data: &Path, formula: &str, fits: usize) -> Result<Timed, String> {
    run("lme4.R", data, &[formula, &fits.to_string()])
}

/// Fits a logistic mixed model by `glmer`; as [`lmer`].
///
/// # Errors
/// As for [`lmer`].
pub fn glmer(data: &Path, formula: &str, nodes: usize, fits: usize) -> Result<Timed, String> {
    run("glmer.R", data, &[formula, &nodes.to_string(), &fits.to_string()])
}

/// Runs a script that is beside this crate.
fn run(script: &str, data: &Path, arguments: &[&str]) -> Result<Timed, String> {
    let mut command = Command::new("Rscript");
    command.env("OPENBLAS_NUM_THREADS", "1");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script)).arg(data).args(arguments);
    let output = command.output().map_err(|e| format!("R is not there: {e}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_string());
    }
    parse(&String::from_utf8_lossy(&output.stdout)).ok_or_else(|| "R's words are strange".into())
}

/// The first number is the criterion, the others are times.
fn parse(text: &str) -> Option<Timed> {
    let numbers: Option<Vec<f64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
    let (criterion, seconds) = numbers?.split_first().map(|(c, s)| (*c, s.to_vec()))?;
    (!seconds.is_empty()).then_some(Timed { seconds, criterion })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_r_are_read() {
        let timed = Timed { seconds: vec![0.5, 0.25], criterion: 10.0 };
        assert_eq!(parse("10\n0.5 0.25\n"), Some(timed));
        assert_eq!(parse("10\n"), None);
        assert_eq!(parse("Error"), None);
    }
}
