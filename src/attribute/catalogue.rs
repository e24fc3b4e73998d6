//! The catalogue of root causes: one TOML file each becomes a cause with its evidence, conditions parsed and checked.

use std::path::{Path, PathBuf};

use polars::prelude::Expr;
use serde::Deserialize;
use toml::Spanned;

use super::builtin::RULES;
use super::facts::list::{FACTS, fact_index};
use super::model::{FactType, Role, Value};

/// Roles of those who can mend a cause, as in the contract.
const OWNERS: &[&str] = &[
    "merchant",
    "acquirer",
    "vendor",
    "issuer",
    "cardholder",
    "network",
    "switch",
];
/// Families of causes.
const FAMILIES: &[&str] = &[
    "CARD", "DEV", "USER", "FBK", "HW", "SW", "CFG", "LIM", "MER", "NET", "HOST", "ISS",
];
/// What an incident may be confined to.
const SCOPES: &[&str] = &[
    "card", "firmware", "fleet", "host", "issuer", "merchant", "site", "terminal",
];
/// Steps by name, in order.
const STEPS: &[&str] = &[
    "started",
    "polling",
    "activated",
    "ppse",
    "selected",
    "gpo",
    "read",
    "cryptogram",
    "outcome",
    "online_request",
    "online_response",
    "completed",
];

/// What is wrong with a rule file: file, line, piece of evidence, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}{}: {problem}", line.map(|line| format!(":{line}")).unwrap_or_default(), evidence.as_ref().map(|name| format!(": evidence `{name}`")).unwrap_or_default())]
pub struct RuleError {
    /// Path, or the built-in file's name.
    pub file: String,
    /// Line, where known.
    pub line: Option<usize>,
    /// Name of the piece of evidence, where it is one.
    pub evidence: Option<String>,
    /// What was expected and what was found.
    pub problem: String,
}

/// A condition over facts: SQL, parsed.
#[derive(Debug, Clone)]
pub struct Condition {
    /// As written.
    pub sql: String,
    /// As parsed.
    pub(super) expr: Expr,
    /// Facts that it names, by column.
    pub facts: Vec<u16>,
}

/// One piece of evidence of a cause.
#[derive(Debug, Clone)]
pub struct EvidenceRule {
    /// Its name in the file.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// Log-odds, signed.
    pub weight: f64,
    /// Sentence.
    pub text_en: String,
    /// Sentence.
    pub text_zh: String,
    /// When it holds.
    pub when: Condition,
}

/// Another cause that looks alike, and what tells the two apart.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookAlike {
    /// Its code.
    pub code: String,
    /// Sentence.
    pub told_apart_en: String,
    /// Sentence.
    pub told_apart_zh: String,
}

/// Facts that must, or must not, lead to a cause.
#[derive(Debug, Clone)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// The cause must come out best; else it must not.
    pub matches: bool,
    /// Facts by column; all others are NULL.
    pub facts: Vec<(u16, Value)>,
}

/// One root cause.
#[derive(Debug, Clone)]
pub struct Cause {
    /// `CARD_EXPIRED`.
    pub code: String,
    /// `CARD`.
    pub family: String,
    /// Name.
    pub name_en: String,
    /// Name.
    pub name_zh: String,
    /// What happens, and how it shows.
    pub explanation_en: String,
    /// Likewise.
    pub explanation_zh: String,
    /// What to do.
    pub remedy_en: String,
    /// What to do.
    pub remedy_zh: String,
    /// Who can mend it, first the one to call.
    pub owners: Vec<String>,
    /// Steps after which such an attempt stops, as numbers; empty: any.
    pub steps: Vec<i64>,
    /// Where the cause can be at all; NULL counts as yes.
    pub applies: Option<Condition>,
    /// Log-odds before any evidence.
    pub prior: f64,
    /// Plays a part, but cannot explain a failed tap.
    pub secondary: bool,
    /// What an incident of this cause may be confined to: `terminal`, `merchant`, `site`, `issuer`, `card`, `host`; empty: strikes one by one.
    pub scopes: Vec<String>,
    /// What looks alike.
    pub look_alikes: Vec<LookAlike>,
    /// For and against.
    pub evidence: Vec<EvidenceRule>,
    /// What must and must not match.
    pub examples: Vec<Example>,
    /// File it came from.
    pub file: String,
}

/// All root causes that a run knows.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    causes: Vec<Cause>,
    hash: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    code: Spanned<String>,
    family: Spanned<String>,
    name_en: String,
    name_zh: String,
    explanation_en: String,
    explanation_zh: String,
    remedy_en: String,
    remedy_zh: String,
    owners: Spanned<Vec<String>>,
    #[serde(default)]
    steps: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    applies: Option<Spanned<String>>,
    #[serde(default)]
    prior: f64,
    #[serde(default)]
    secondary: bool,
    #[serde(default)]
    scopes: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    look_alikes: Vec<LookAlike>,
    evidence: Vec<FileEvidence>,
    #[serde(default)]
    example: Vec<FileExample>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEvidence {
    name: String,
    role: Spanned<String>,
    #[serde(default)]
    weight: Option<f64>,
    when: Spanned<String>,
    text_en: String,
    text_zh: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileExample {
    name: String,
    matches: bool,
    facts: Spanned<toml::Table>,
}

impl Cause {
    /// Tries each condition by itself on a row of NULLs.
    pub(super) fn check_types(&self) -> Result<(), RuleError> {
        let named = self
            .applies
            .iter()
            .map(|when| ("applies", when))
            .chain(self.evidence.iter().map(|e| (e.name.as_str(), &e.when)));
        for (name, when) in named {
            if let Err(error) = super::evaluate::try_one(when) {
                return Err(RuleError {
                    file: self.file.clone(),
                    line: None,
                    evidence: Some(name.to_owned()),
                    problem: format!("`{}` cannot be evaluated: {error}", when.sql),
                });
            }
        }
        Ok(())
    }
}

impl Catalogue {
    /// The built-in causes, extended and overridden by users' own folders (files `*.toml`, in name order).
    ///
    /// # Errors
    /// When a folder cannot be read or a rule file is wrong; the first fault found.
    pub fn load(folders: &[PathBuf]) -> Result<Self, RuleError> {
        let mut catalogue = Self::default();
        let mut hasher = blake3::Hasher::new();
        for (name, text) in RULES {
            hasher.update(text.as_bytes());
            catalogue.put(parse(&format!("rules/{name}"), text)?);
        }
        for folder in folders {
            for path in rule_files(folder)? {
                let text = read(&path)?;
                hasher.update(text.as_bytes());
                catalogue.put(parse(&path.display().to_string(), &text)?);
            }
        }
        catalogue.causes.sort_by(|a, b| a.code.cmp(&b.code));
        catalogue.hash = hasher.finalize().to_hex().to_string();
        catalogue.check_look_alikes()?;
        catalogue.check_types()?;
        Ok(catalogue)
    }

    /// All causes, by code.
    #[must_use]
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }

    /// The cause with that code.
    #[must_use]
    pub fn get(&self, code: &str) -> Option<&Cause> {
        let at = self
            .causes
            .binary_search_by(|cause| cause.code.as_str().cmp(code))
            .ok()?;
        self.causes.get(at)
    }

    /// BLAKE3 of all rule files used, hex.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    fn put(&mut self, cause: Cause) {
        match self.causes.iter_mut().find(|old| old.code == cause.code) {
            Some(old) => *old = cause,
            None => self.causes.push(cause),
        }
    }

    /// Tries all conditions on a row of NULLs: a condition that does not fit the facts' types fails here, not in a run.
    fn check_types(&self) -> Result<(), RuleError> {
        let row = super::PackedRow::new(&super::model::FactRow::default());
        let one = super::FactTable::from_iter([row]);
        if super::evaluate::evaluate(self, &one, &[0]).is_ok() {
            return Ok(());
        }
        self.causes.iter().try_for_each(Cause::check_types)
    }

    fn check_look_alikes(&self) -> Result<(), RuleError> {
        for cause in &self.causes {
            for other in &cause.look_alikes {
                if self.get(&other.code).is_none() {
                    return Err(RuleError {
                        file: cause.file.clone(),
                        line: None,
                        evidence: None,
                        problem: format!(
                            "look-alike `{}` is no cause of the catalogue",
                            other.code
                        ),
                    });
                }
            }
        }
        Ok(())
    }
}

/// Rule files of a folder, in name order.
pub(super) fn rule_files(folder: &Path) -> Result<Vec<PathBuf>, RuleError> {
    let problem = |error: std::io::Error| RuleError {
        file: folder.display().to_string(),
        line: None,
        evidence: None,
        problem: format!("cannot be read: {error}"),
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        if path.extension().is_some_and(|ext| ext == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A rule file's text.
pub(super) fn read(path: &Path) -> Result<String, RuleError> {
    std::fs::read_to_string(path).map_err(|error| RuleError {
        file: path.display().to_string(),
        line: None,
        evidence: None,
        problem: format!("cannot be read: {error}"),
    })
}

/// Where errors lie.
struct Place<'a> {
    file: &'a str,
    text: &'a str,
}

impl Place<'_> {
    fn error(&self, at: Option<usize>, evidence: Option<&str>, problem: String) -> RuleError {
        let line = at
            .and_then(|at| self.text.get(..at))
            .map(|before| before.bytes().filter(|byte| *byte == b'\n').count() + 1);
        RuleError {
            file: self.file.to_owned(),
            line,
            evidence: evidence.map(str::to_owned),
            problem,
        }
    }
}

/// Parses and checks one rule file.
pub(super) fn parse(file: &str, text: &str) -> Result<Cause, RuleError> {
    let place = Place { file, text };
    let raw: File = toml::from_str(text).map_err(|error| {
        place.error(
            error.span().map(|span| span.start),
            None,
            error.message().to_owned(),
        )
    })?;
    let code = raw.code.get_ref().clone();
    let wanted = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if code.is_empty() || !code.bytes().all(wanted) {
        return Err(place.error(
            Some(raw.code.span().start),
            None,
            format!("expected a code of capital letters, digits and `_`, found `{code}`"),
        ));
    }
    one_of(
        &place,
        "family",
        raw.family.span().start,
        raw.family.get_ref(),
        FAMILIES,
    )?;
    for owner in raw.owners.get_ref() {
        one_of(&place, "owner", raw.owners.span().start, owner, OWNERS)?;
    }
    let mut steps = Vec::new();
    if let Some(names) = &raw.steps {
        for name in names.get_ref() {
            let at = one_of(&place, "step", names.span().start, name, STEPS)?;
            steps.push(i64::try_from(at).unwrap_or_default());
        }
    }
    let mut scopes = Vec::new();
    if let Some(names) = raw.scopes {
        for name in names.get_ref() {
            one_of(&place, "scope", names.span().start, name, SCOPES)?;
        }
        scopes = names.into_inner();
    }
    let applies = raw
        .applies
        .as_ref()
        .map(|sql| condition(&place, None, sql))
        .transpose()?;
    let mut evidence = Vec::new();
    for piece in raw.evidence {
        evidence.push(evidence_rule(&place, piece)?);
    }
    if !evidence.iter().any(|piece| piece.weight > 0.0) {
        return Err(place.error(None, None, "no evidence speaks for the cause".to_owned()));
    }
    let examples = raw
        .example
        .into_iter()
        .map(|example| example_of(&place, example))
        .collect::<Result<_, _>>()?;
    Ok(Cause {
        code,
        family: raw.family.into_inner(),
        name_en: raw.name_en,
        name_zh: raw.name_zh,
        explanation_en: raw.explanation_en,
        explanation_zh: raw.explanation_zh,
        remedy_en: raw.remedy_en,
        remedy_zh: raw.remedy_zh,
        owners: raw.owners.into_inner(),
        steps,
        applies,
        prior: raw.prior,
        secondary: raw.secondary,
        scopes,
        look_alikes: raw.look_alikes,
        evidence,
        examples,
        file: file.to_owned(),
    })
}

fn one_of(
    place: &Place<'_>,
    what: &str,
    at: usize,
    found: &str,
    allowed: &[&str],
) -> Result<usize, RuleError> {
    allowed
        .iter()
        .position(|name| *name == found)
        .ok_or_else(|| {
            place.error(
                Some(at),
                None,
                format!(
                    "expected a {what} out of {}, found `{found}`",
                    allowed.join(", ")
                ),
            )
        })
}

fn evidence_rule(place: &Place<'_>, piece: FileEvidence) -> Result<EvidenceRule, RuleError> {
    let (role, sign) = match piece.role.get_ref().as_str() {
        "decisive" => (Role::Decisive, 1.0),
        "supporting" => (Role::Supporting, 1.0),
        "refuting" => (Role::Refuting, -1.0),
        other => {
            return Err(place.error(
                Some(piece.role.span().start),
                Some(&piece.name),
                format!("expected role decisive, supporting or refuting, found `{other}`"),
            ));
        }
    };
    let weight = piece
        .weight
        .unwrap_or_else(|| super::tuning::default_weight(role))
        .abs();
    let when = condition(place, Some(&piece.name), &piece.when)?;
    Ok(EvidenceRule {
        name: piece.name,
        role,
        weight: sign * weight,
        text_en: piece.text_en,
        text_zh: piece.text_zh,
        when,
    })
}

/// Brackets within brackets of a condition: the SQL parser's work doubles with each level.
const DEEPEST: usize = 12;

/// What the SQL parser would spend itself on: deep brackets, subscripts, and names of many parts, which it reads again at each of them.
///
/// Texts in single quotes may hold anything; whatever else could hide from this what the parser sees (other quotes, comments, escapes) no
/// condition needs.
fn costly(sql: &str) -> Option<String> {
    let (mut now, mut most, mut quoted, mut before) = (0_usize, 0, false, b' ');
    let named = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    for byte in sql.bytes() {
        let last = std::mem::replace(&mut before, byte);
        match (byte, last) {
            (b'\'', _) => quoted = !quoted,
            (b'\\', _) => return Some("no \\ here".into()),
            _ if quoted => {}
            (b'"' | b'`' | b'$' | b'#', _) | (b'-', b'-') | (b'*', b'/') => {
                return Some("texts stand in single quotes, and there are no comments".into());
            }
            (b'[', _) => return Some("a fact is no list: no [ ] here".into()),
            (b'.', last) if named(last) => {
                return Some("a fact has no parts: no dot at a name".into());
            }
            (byte, b'.') if named(byte) => {
                return Some("a fact has no parts: no dot at a name".into());
            }
            (b'(', _) => now += 1,
            (b')', _) => now = now.saturating_sub(1),
            _ => {}
        }
        most = most.max(now);
    }
    (most > DEEPEST).then(|| format!("brackets nest more than {DEEPEST} deep"))
}

fn condition(
    place: &Place<'_>,
    evidence: Option<&str>,
    sql: &Spanned<String>,
) -> Result<Condition, RuleError> {
    let at = Some(sql.span().start);
    if let Some(fault) = costly(sql.get_ref()) {
        return Err(place.error(at, evidence, format!("not a condition: {fault}")));
    }
    let expr = polars::sql::sql_expr(sql.get_ref())
        .map_err(|error| place.error(at, evidence, format!("not a condition: {error}")))?;
    let mut facts = Vec::new();
    for name in expr.clone().meta().root_names() {
        let Some(index) = fact_index(&name) else {
            return Err(place.error(at, evidence, unknown_fact(&name)));
        };
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        if !facts.contains(&index) {
            facts.push(index);
        }
    }
    if facts.is_empty() {
        return Err(place.error(at, evidence, "the condition names no fact".to_owned()));
    }
    facts.sort_unstable();
    Ok(Condition {
        sql: sql.get_ref().clone(),
        expr,
        facts,
    })
}

fn unknown_fact(name: &str) -> String {
    match nearest(name, FACTS.iter().map(|fact| fact.name)) {
        Some(near) => format!("unknown fact `{name}`; did you mean `{near}`?"),
        None => format!("unknown fact `{name}`"),
    }
}

/// The name that was probably meant: the one with the fewest edits, where these are few.
pub fn nearest<'a>(asked: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (asked.chars().count() / 2).clamp(2, 4);
    names
        .into_iter()
        .map(|name| (strsim::levenshtein(asked, name), name))
        .filter(|(edits, _)| *edits <= most)
        .min()
        .map(|(_, name)| name)
}

fn example_of(place: &Place<'_>, example: FileExample) -> Result<Example, RuleError> {
    let at = Some(example.facts.span().start);
    let mut facts = Vec::new();
    for (name, value) in example.facts.get_ref() {
        let Some(index) = fact_index(name) else {
            return Err(place.error(at, Some(&example.name), unknown_fact(name)));
        };
        let ty = FACTS.get(index).map(|fact| fact.ty);
        let value = match (ty, value) {
            (Some(FactType::Bool), toml::Value::Boolean(yes)) => Value::Bool(*yes),
            (Some(FactType::Int), toml::Value::Integer(number)) => Value::Int(*number),
            (Some(FactType::Float), toml::Value::Float(number)) => Value::Float(*number),
            (Some(FactType::Text), toml::Value::String(text)) => Value::Text(text.as_str().into()),
            _ => {
                return Err(place.error(
                    at,
                    Some(&example.name),
                    format!("fact `{name}` takes another type than `{value}`"),
                ));
            }
        };
        facts.push((u16::try_from(index).unwrap_or(u16::MAX), value));
    }
    Ok(Example {
        name: example.name,
        matches: example.matches,
        facts,
    })
}
