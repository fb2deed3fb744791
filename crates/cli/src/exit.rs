//! Exit codes, and failures that lead to them.

use std::process::ExitCode;

/// How a command that did its work ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or every expectation is met: 0.
    Done,
    /// An expectation is not met, or declared probabilities are not those that happen: 1.
    NotMet,
    /// The simulations allowed did not suffice: 3.
    Undecided,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::NotMet => Self::from(1),
            Exit::Undecided => Self::from(3),
        }
    }
}

/// Why a command could not do its work: the input or the usage is wrong.
#[derive(Debug)]
pub struct Failed {
    message: Option<String>,
}

impl Failed {
    /// A failure with a message that is still to be shown.
    pub fn input(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()) }
    }

    /// A failure whose message the user has seen.
    pub fn shown() -> Self {
        Self { message: None }
    }

    /// The message that is still to be shown.
    #[cfg(test)]
    pub fn message(&self) -> String {
        self.message.clone().unwrap_or_default()
    }

    /// Shows the message, and gives the exit code: 2, the input or the usage is wrong.
    pub fn report(self) -> ExitCode {
        if let Some(message) = self.message {
            let bold = anstyle::Style::new().bold();
            let red = bold.fg_color(Some(anstyle::AnsiColor::Red.into()));
            anstream::eprintln!("{red}error{red:#}{bold}: {message}{bold:#}");
        }
        ExitCode::from(2)
    }
}

impl From<trialrun_frame::FrameError> for Failed {
    fn from(error: trialrun_frame::FrameError) -> Self {
        Self::input(error.to_string())
    }
}
