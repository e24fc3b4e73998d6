//! What a record's text carries: hex APDUs, NCI, ZVT, nexo, ISO 8583 in XML or as lists, callback URIs, key-values, vendor codes, exceptions, wording. One file a kind.
//!
//! Each kind declares literal anchors; one pass over raw bytes finds the lines that hold any, and only those are read further.
//! Chinese anchors are wanted in UTF-8 and in GBK: [`anchors`] gives them as text, the caller encodes them.

pub mod apdu;
pub mod codes;
pub mod exception;
pub mod iso_list;
pub mod iso_xml;
pub mod json;
pub mod key_value;
pub mod nci;
pub mod nexo;
pub mod reference;
pub mod structure;
pub mod uri;
pub mod wording;
pub mod zvt;

/// One kind of content.
#[derive(Debug, Clone, Copy)]
pub struct ContentKind {
    /// Short name.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// Literal strings one of which stands in every line worth looking at (ASCII letters in either case).
    pub anchors: &'static [&'static str],
}

/// Every kind of content; wording and codes bring their anchors from tables.
pub const KINDS: &[ContentKind] = &[
    apdu::KIND,
    codes::KIND,
    exception::KIND,
    iso_list::KIND,
    iso_xml::KIND,
    key_value::KIND,
    nci::KIND,
    nexo::KIND,
    uri::KIND,
    wording::KIND,
    zvt::KIND,
];

/// What is built once and used for every line.
pub struct Readers {
    /// Direction words of APDU lines.
    pub apdu: apdu::Labels,
    /// Labels of key-values.
    pub keys: key_value::Labels,
    /// What vendors say.
    pub wording: wording::Wording,
    /// What vendors' numbers mean.
    pub codes: codes::Codes,
}

impl Readers {
    /// Builds all finders from the tables.
    ///
    /// # Errors
    /// Where a table does not make an automaton, which a test excludes.
    pub fn new() -> Result<Self, aho_corasick::BuildError> {
        Self::with_wording(&[])
    }

    /// As [`Self::new`], with further rows for the table of wording.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_wording(rows: &[String]) -> Result<Self, aho_corasick::BuildError> {
        Ok(Self {
            apdu: apdu::Labels::new()?,
            keys: key_value::Labels::new()?,
            wording: wording::Wording::with(rows)?,
            codes: codes::Codes::new(),
        })
    }
}

/// Every anchor of what only payments have, once: the kinds' own, and those of the tables.
#[must_use]
pub fn anchors(readers: &Readers) -> Vec<String> {
    tidy(
        KINDS
            .iter()
            .flat_map(|kind| kind.anchors.iter().map(|a| a.to_lowercase()))
            .chain(readers.wording.anchors(true))
            .chain(key_value::anchors())
            .collect(),
    )
}

/// Anchors of general computing (`connection refused`, `reboot`): only looked for where payments are near.
#[must_use]
pub fn general_anchors(readers: &Readers) -> Vec<String> {
    tidy(
        readers
            .wording
            .anchors(false)
            .chain(exception::GENERAL_ANCHORS.iter().map(|a| a.to_lowercase()))
            .chain(SIGNAL_STRENGTH.iter().map(ToString::to_string))
            .chain(structure::anchors())
            .collect(),
    )
}

/// Labels of a radio level: a number, not a phrase, says whether it is weak.
const SIGNAL_STRENGTH: &[&str] = &["rssi", "信号强度", "signal strength"];

fn tidy(mut all: Vec<String>) -> Vec<String> {
    all.sort();
    all.dedup();
    // What begins with another anchor is found by that one.
    let mut kept: Vec<String> = Vec::with_capacity(all.len());
    for anchor in all {
        if !kept
            .last()
            .is_some_and(|last| anchor.starts_with(last.as_str()))
        {
            kept.push(anchor);
        }
    }
    kept
}
