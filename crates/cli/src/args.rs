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
    #[command(after_help = "Example:\n  trialrun estimate my.ron --data real.csv --format json")]
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
