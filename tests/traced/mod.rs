//! Runs the library over one file and tells its card dialogue in a few letters.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

pub mod air;

use std::path::Path;

use tapscope::attribute::{Catalogue, FACTS, Value};
use tapscope::event::{CommandKind, Exchange, Payload};
use tapscope::plan::Plan;
use tapscope::{Analysis, Observer};

struct Quiet;

impl Observer for Quiet {
    fn total(&self, _: u64) {}
    fn advance(&self, _: u64) {}
    fn stage(&self, _: &str) {}
}

/// A terminal's log whose clock runs on by what each line waits for.
#[derive(Default)]
pub struct TerminalLog {
    pub text: String,
    millis: u32,
}

impl TerminalLog {
    pub fn line(&mut self, tag: &str, what: &str, wait: u32) {
        self.millis += wait;
        let (second, milli) = (self.millis / 1000, self.millis % 1000);
        self.text.push_str(&format!(
            "11-22 10:00:{second:02}.{milli:03}  4503  4511 D {tag:<8}: {what}\n"
        ));
    }

    /// A command and its answer as the reader's driver writes them.
    pub fn exchange(&mut self, command: &str, answer: &str, wait: u32) {
        self.line("Reader", &format!("send: {command}"), 5);
        self.line("Reader", &format!("recv: {answer}"), wait);
    }
}

/// Analyses files.
pub fn analysis(paths: &[&Path], catalogue: &Catalogue) -> Analysis {
    let plan = Plan {
        inputs: paths.iter().map(|path| path.to_path_buf()).collect(),
        ..Plan::default()
    };
    tapscope::analyze(&plan, catalogue, &Quiet).expect("files that are there")
}

fn letter(kind: CommandKind) -> char {
    match kind {
        CommandKind::SelectPpse => 'P',
        CommandKind::SelectPse => 'S',
        CommandKind::SelectAid => 'A',
        CommandKind::GetProcessingOptions => 'G',
        CommandKind::ReadRecord => 'R',
        CommandKind::GenerateAc => 'C',
        CommandKind::ComputeCryptographicChecksum => 'K',
        CommandKind::ExchangeRelayResistanceData => 'X',
        CommandKind::GetData => 'D',
        CommandKind::Verify => 'V',
        CommandKind::ExternalAuthenticate => 'E',
        CommandKind::InternalAuthenticate => 'I',
        CommandKind::GetChallenge => 'H',
        _ => 'O',
    }
}

/// Exchanges in the order of the source.
pub fn exchanges(analysis: &Analysis) -> Vec<Exchange> {
    let mut all: Vec<_> = analysis
        .correlated
        .events
        .iter()
        .filter_map(|event| match event.payload {
            Payload::Apdu(exchange) => Some((event.source, event.place, *exchange)),
            _ => None,
        })
        .collect();
    all.sort_by_key(|(source, place, _)| (*source, *place));
    all.into_iter().map(|(.., exchange)| exchange).collect()
}

/// A letter for each command; behind it its status word where that is not 9000, `!` for no answer, `?` where the source does not
/// show it; `*3` for three alike.
pub fn sequence(analysis: &Analysis) -> String {
    let mut runs: Vec<(String, usize)> = Vec::new();
    for exchange in exchanges(analysis) {
        let mut word = letter(exchange.command).to_string();
        match (exchange.sw, exchange.answered) {
            (Some(0x9000), _) => {}
            (Some(sw), _) => word.push_str(&format!("{sw:04X}")),
            (None, Some(false)) => word.push('!'),
            (None, _) => word.push('?'),
        }
        match runs.last_mut() {
            Some((last, count)) if *last == word => *count += 1,
            _ => runs.push((word, 1)),
        }
    }
    let words: Vec<String> = runs
        .into_iter()
        .map(|(word, count)| match count {
            1 => word,
            n => format!("{word}*{n}"),
        })
        .collect();
    words.join(" ")
}

/// A fact of an attempt as text; `NULL` where it is none.
pub fn fact(analysis: &Analysis, attempt: usize, name: &str) -> String {
    let column = FACTS
        .iter()
        .position(|fact| fact.name == name)
        .unwrap_or_else(|| panic!("no fact {name}"));
    match &analysis.attributed.facts.get(attempt).values[column] {
        None => "NULL".to_owned(),
        Some(Value::Bool(value)) => value.to_string(),
        Some(Value::Int(value)) => value.to_string(),
        Some(Value::Float(value)) => value.to_string(),
        Some(Value::Text(value)) => value.to_string(),
    }
}
