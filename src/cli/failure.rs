//! Why a command could not do its job, and what the user can do about it.

/// Why a command could not do its job.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Exit code.
    pub exit: u8,
    /// Stable name for programs: `usage`, `failed`, `interrupted`, `broken_pipe`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to try next.
    pub hint: Option<String>,
}

impl Failure {
    /// Wrong usage.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: 2,
            code: "usage",
            message: message.into(),
            hint: None,
        }
    }

    /// It could not be done.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self {
            exit: 1,
            code: "failed",
            ..Self::usage(message)
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.code == "broken_pipe"
    }
}

impl From<crate::report::Error> for Failure {
    fn from(error: crate::report::Error) -> Self {
        let failure = if matches!(error, crate::report::Error::Interrupted) {
            Self {
                exit: 130,
                code: "interrupted",
                ..Self::failed("interrupted; nothing was written")
            }
        } else {
            Self::failed(error.to_string())
        };
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self {
                code: "broken_pipe",
                ..Self::failed("")
            };
        }
        Self::failed(format!("cannot write the result: {error}"))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::from(std::io::Error::from(error))
    }
}
