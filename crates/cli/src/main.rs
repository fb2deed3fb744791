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
use exit::Exit;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.color {
        When::Auto => {}
        When::Always => anstream::ColorChoice::write_global(anstream::ColorChoice::Always),
        When::Never => anstream::ColorChoice::write_global(anstream::ColorChoice::Never),
    }
    let done = |()| Exit::Done;
    let result = match &cli.command {
        Command::New(args) => commands::new::run(args).map(done),
        Command::Explain(args) => commands::explain::run(args).map(done),
        Command::Draw(args) => commands::draw::run(args).map(done),
        Command::Run(args) => commands::run::run(args).map(done),
        Command::Estimate(args) => commands::estimate::run(args).map(done),
        Command::Diagnose(args) => commands::diagnose::run(args),
        Command::Audit(args) => commands::audit::run(args).map(|agrees| match agrees {
            true => Exit::Done,
            false => Exit::NotMet,
        }),
        Command::Check(args) => commands::check::run(args),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failed) => failed.report(),
    }
}
