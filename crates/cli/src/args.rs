//! The command line: commands, options and their help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Gives a study a trial run before it is run.
#[derive(Parser)]
#[command(
    name = "trialrun",
    version,
    about = "Gives a study a trial run before it is run",
    long_about = "Trialrun simulates a declared research design tens of thousands of times and \
                  reports how its estimators behave: bias, RMSE, power, coverage, each with its \
                  Monte Carlo error.",
    after_help = "Example:\n  trialrun new cluster-rct > my.ron\n  trialrun diagnose my.ron",
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// When to use colour; NO_COLOR is respected.
    #[arg(long, global = true, value_enum, default_value_t = When::Auto)]
    pub color: When,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On terminals.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// List the gallery of designs, or print one to start from.
    #[command(after_help = "Examples:\n  trialrun new\n  trialrun new cluster-rct > my.ron")]
    New(NewArgs),
    /// Explain a design in words, or print the manual of a step, an estimator or a diagnosand.
    #[command(after_help = "Examples:\n  trialrun explain my.ron\n  trialrun explain LmRobust\n  \
                      trialrun explain functions")]
    Explain(ExplainArgs),
    /// Print rows of one simulated data set.
    #[command(after_help = "Examples:\n  trialrun draw my.ron -n 20\n  \
                      trialrun draw my.ron --level class --sim 7\n  \
                      trialrun draw my.ron --out data.parquet")]
    Draw(DrawArgs),
    /// Run one simulation step by step, and show estimands and estimates.
    #[command(after_help = "Examples:\n  trialrun run my.ron\n  trialrun run my.ron --sim 31337")]
    Run(RunArgs),
    /// Apply the design's estimators to real data.
    #[command(
        after_help = "Examples:\n  trialrun estimate my.ron --data real.csv --format json\n  \
                      trialrun estimate my.ron --data real.csv --random-effects"
    )]
    Estimate(EstimateArgs),
    /// Simulate the design many times, and report bias, RMSE, power, coverage and more.
    #[command(after_help = "Examples:\n  trialrun diagnose my.ron\n  \
                      trialrun diagnose my.ron --sims 5000 --set classes=20\n  \
                      trialrun diagnose my.ron --format json --simulations sims.parquet")]
    Diagnose(DiagnoseArgs),
    /// Compare the declared probabilities of assignments and samples with those that happen.
    #[command(after_help = "Examples:\n  trialrun audit my.ron\n  \
                      trialrun audit my.ron --sims 100000 --format json\n\n\
                      Exit code 1: they disagree, with a p-value below 0.0001.")]
    Audit(AuditArgs),
    /// Decide whether designs are what their files expect, and whether they have drifted.
    #[command(
        long_about = "Simulates each design until its expectations are decided: met, not met, or \
                      undecided with the simulations allowed. The probability of any wrong verdict \
                      is at most the error rate. With a baseline, also tests whether diagnosands \
                      have drifted. `trialrun explain check` and `trialrun explain baseline` have \
                      the details.\n\nExit codes: 0 all met, 1 one is not met or has drifted, 2 \
                      wrong input, 3 one is undecided.",
        after_help = "Examples:\n  trialrun check designs/\n  \
                      trialrun check my.ron --max-sims 50000\n  \
                      trialrun check designs/ --update\n  \
                      trialrun check designs/ --baseline reports/baseline.json --junit out.xml \
                      --github"
    )]
    Check(CheckArgs),
}

/// The design, and what replaces its own settings.
#[derive(Args)]
pub struct DesignArgs {
    /// The design file.
    pub design: PathBuf,
    /// Give a parameter another value; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_setting)]
    pub set: Vec<(String, f64)>,
    /// Values that a simulation may hold.
    #[arg(long, value_name = "N", default_value_t = 50_000_000)]
    pub max_values: usize,
}

/// Where a result goes.
#[derive(Args)]
pub struct OutputArgs {
    /// The form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write the result to a file instead of stdout.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// The form of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For documents.
    Markdown,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

/// Arguments of `new`.
#[derive(Args)]
pub struct NewArgs {
    /// The design to print; without it, the gallery is listed.
    pub name: Option<String>,
    /// Write the design to a file, which must not exist yet.
    #[arg(long, value_name = "FILE", requires = "name")]
    pub out: Option<PathBuf>,
}

/// Arguments of `explain`.
#[derive(Args)]
pub struct ExplainArgs {
    /// A design file, or the name of a step, an estimator or a diagnosand, or `functions`.
    pub subject: PathBuf,
    /// Give a parameter another value; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_setting)]
    pub set: Vec<(String, f64)>,
    /// The form of the result: text or markdown.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Which simulation.
#[derive(Args)]
pub struct SimArgs {
    /// The number of the simulation, from 1.
    #[arg(long, value_name = "K", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub sim: u64,
    /// The seed; the design's own if it is left out.
    #[arg(long)]
    pub seed: Option<u64>,
}

/// Arguments of `draw`.
#[derive(Args)]
pub struct DrawArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub design: DesignArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub sim: SimArgs,
    /// How many rows to print.
    #[arg(short = 'n', long, default_value_t = 10)]
    pub rows: usize,
    /// The level whose units are the rows; the deepest if it is left out.
    #[arg(long)]
    pub level: Option<String>,
    /// The form of the rows on stdout.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write all rows to a file: .csv, .tsv, .parquet or .arrow.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Arguments of `run`.
#[derive(Args)]
pub struct RunArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub design: DesignArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub sim: SimArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
}

/// Arguments of `estimate`.
#[derive(Args)]
pub struct EstimateArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub design: DesignArgs,
    /// The data: .csv, .tsv, .parquet or .arrow, a row a unit of the deepest level.
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Level of the tests; intervals have level 1 - alpha.
    #[arg(long, value_parser = parse_alpha)]
    pub alpha: Option<f64>,
    /// Report the random effects of each group as well (lme4's `ranef` and `coef`): conditional
    /// modes of `Lmer` and `Glmer`, their standard deviations given the data, and the group's
    /// coefficients. As csv they are the table.
    #[arg(long, visible_alias = "ranef")]
    pub random_effects: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
}

/// Arguments of `audit`.
#[derive(Args)]
pub struct AuditArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub design: DesignArgs,
    /// Number of simulations.
    #[arg(long, default_value_t = 20_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub sims: u64,
    /// The seed; the design's own if it is left out.
    #[arg(long)]
    pub seed: Option<u64>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
}

/// Arguments of `diagnose`.
#[derive(Args)]
pub struct DiagnoseArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub design: DesignArgs,
    /// Number of simulations; the design's own if it is left out.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub sims: Option<u64>,
    /// The seed; the design's own if it is left out.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Level of the tests; intervals have level 1 - alpha.
    #[arg(long, value_parser = parse_alpha)]
    pub alpha: Option<f64>,
    /// Number of threads; all processors if it is left out. The result does not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Simulate until Monte Carlo errors are this small, for every estimator:
    /// coverage=0.003,bias=0.001.
    #[arg(long, value_name = "NAME=ERROR,...", value_delimiter = ',', value_parser = parse_target)]
    #[arg(conflicts_with = "sims")]
    pub precision: Vec<(String, f64)>,
    /// With --precision: most simulations.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, requires = "precision")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub max_sims: u64,
    /// Write one row a simulation and estimator to a file: .csv, .parquet or .arrow.
    #[arg(long, value_name = "FILE")]
    pub simulations: Option<PathBuf>,
    /// Show no progress.
    #[arg(long)]
    pub quiet: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
}

/// Arguments of `check`.
#[derive(Args)]
pub struct CheckArgs {
    /// Design files, and folders that have some.
    #[arg(required = true, value_name = "DESIGNS")]
    pub designs: Vec<PathBuf>,
    /// Most simulations of a design; what is open then is undecided.
    #[arg(long, value_name = "N", default_value_t = trialrun_report::MAX_SIMS)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub max_sims: u64,
    /// Probability of any wrong verdict, all expectations together.
    #[arg(long, value_name = "P", default_value_t = 0.001, value_parser = parse_alpha)]
    pub error_rate: f64,
    /// The seed; the designs' own if it is left out.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Test whether diagnosands have drifted from this baseline.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write the baseline (reports/baseline.json, or --baseline) instead of testing against it.
    #[arg(long)]
    pub update: bool,
    /// With --update: simulations of each design; the designs' own if it is left out.
    #[arg(long, value_name = "N", requires = "update")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub sims: Option<u64>,
    /// Write the result as JUnit XML to a file.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Mark lines of the designs with GitHub annotations, and write the step summary.
    #[arg(long)]
    pub github: bool,
    /// The form of the result.
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub format: CheckFormat,
    /// Write the result to a file instead of stdout.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Number of threads; all processors if it is left out. The result does not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Show no progress.
    #[arg(long)]
    pub quiet: bool,
    /// Values that a simulation may hold.
    #[arg(long, value_name = "N", default_value_t = 50_000_000)]
    pub max_values: usize,
}

/// The form of a check's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people.
    Text,
    /// For documents.
    Markdown,
    /// For programs.
    Json,
}

fn parse_target(text: &str) -> Result<(String, f64), String> {
    let (name, error) = parse_setting(text)
        .map_err(|_| "write it as NAME=ERROR, as in coverage=0.003".to_string())?;
    if error > 0.0 { Ok((name, error)) } else { Err("an error is above 0".to_string()) }
}

fn parse_setting(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "write it as NAME=VALUE, as in classes=20".to_string())?;
    match value.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((name.trim().to_string(), number)),
        _ => Err(format!("`{value}` is not a number")),
    }
}

fn parse_alpha(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(alpha) if alpha > 0.0 && alpha < 1.0 => Ok(alpha),
        _ => Err("it must lie between 0 and 1".to_string()),
    }
}
