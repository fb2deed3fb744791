//! The command line of Trialrun: the only crate that prints, reads files or knows the time.

mod args;
mod commands;
mod exit;
mod gallery;
mod load;
mod output;
mod progress;

use std::process::ExitCode;

use args::{Cli, Command, When};
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.color {
        When::Auto => {}
        When::Always => anstream::ColorChoice::write_global(anstream::ColorChoice::Always),
        When::Never => anstream::ColorChoice::write_global(anstream::ColorChoice::Never),
    }
    let result = match &cli.command {
        Command::New(args) => commands::new::run(args),
        Command::Explain(args) => commands::explain::run(args),
        Command::Draw(args) => commands::draw::run(args),
        Command::Run(args) => commands::run::run(args),
        Command::Estimate(args) => commands::estimate::run(args),
        Command::Diagnose(args) => commands::diagnose::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.report(),
    }
}
