//! Exit codes, and failures that lead to them.

use std::process::ExitCode;

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
