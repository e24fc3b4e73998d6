//! Reads an output folder back: finds transactions and tells the story of one.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Error;
use super::catalogue::CauseText;
use super::overview::Summary;
use super::parquet::{TableReader, read_frame};
use super::row::Micros;
use super::schema::{EventRow, EvidenceRow, IncidentRow, IssueRow, Keys, SourceRow, Transaction};

/// A folder that `analyze` wrote.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

/// One transaction with all that is known of it.
#[derive(Debug, Clone, Serialize)]
pub struct Story {
    /// The attempt.
    pub transaction: Transaction,
    /// Its events, in time order.
    pub events: Vec<EventRow>,
    /// Evidence for and against.
    pub evidence: Vec<EvidenceRow>,
    /// The incident that it is part of.
    pub incident: Option<IncidentRow>,
    /// The other attempts of the sale.
    pub sale: Vec<Transaction>,
    /// What is said of the causes that are named.
    pub causes: Vec<CauseText>,
}

impl Folder {
    /// Opens a folder.
    ///
    /// # Errors
    /// When it is none of ours, or of another version.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let manifest = path.join("manifest.json");
        let text = match std::fs::read_to_string(&manifest) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::NotAnalysed(path.to_owned()));
            }
            Err(e) => return Err(Error::file(&manifest, e)),
        };
        let manifest: serde_json::Value = serde_json::from_str(&text)
            .map_err(|e| Error::file(&manifest, std::io::Error::other(e)))?;
        let version = manifest["schema_version"].as_u64().unwrap_or_default();
        if version != u64::from(super::SCHEMA_VERSION) {
            return Err(Error::Version {
                path: path.to_owned(),
                found: version,
                expected: super::SCHEMA_VERSION,
            });
        }
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was given to `analyze`, as it was given.
    ///
    /// # Errors
    /// When `manifest.json` cannot be read.
    pub fn inputs(&self) -> Result<Vec<String>, Error> {
        let path = self.path.join("manifest.json");
        let text = std::fs::read_to_string(&path).map_err(|e| Error::file(&path, e))?;
        let manifest: serde_json::Value = serde_json::from_str(&text)
            .map_err(|e| Error::file(&path, std::io::Error::other(e)))?;
        let inputs = manifest["options"]["inputs"].as_array();
        Ok(inputs
            .into_iter()
            .flatten()
            .filter_map(|input| input.as_str().map(str::to_owned))
            .collect())
    }

    /// The figures of the run.
    ///
    /// # Errors
    /// When `summary.json` cannot be read.
    pub fn summary(&self) -> Result<Summary, Error> {
        let path = self.path.join("summary.json");
        let text = std::fs::read_to_string(&path).map_err(|e| Error::file(&path, e))?;
        serde_json::from_str(&text).map_err(|e| Error::file(&path, std::io::Error::other(e)))
    }

    pub(super) fn transactions(&self) -> Result<TableReader<Transaction>, Error> {
        TableReader::open(&self.path.join("transactions.parquet"))
    }

    /// All failed attempts, in the order of the table.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn failed(&self) -> Result<Vec<Transaction>, Error> {
        let mut failed = Vec::new();
        for batch in self.transactions()? {
            failed.extend(batch?.into_iter().filter(|transaction| transaction.failed));
        }
        Ok(failed)
    }

    pub(super) fn incidents(&self) -> Result<Vec<IncidentRow>, Error> {
        all(&self.path.join("incidents.parquet"))
    }

    /// Its input streams.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn sources(&self) -> Result<Vec<SourceRow>, Error> {
        all(&self.path.join("sources.parquet"))
    }

    pub(super) fn issues(&self) -> Result<Vec<IssueRow>, Error> {
        all(&self.path.join("issues.parquet"))
    }

    /// Transactions that fit, at most `limit` of them, and how many there are in all.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn find(
        &self,
        selector: &Selector,
        limit: usize,
    ) -> Result<(Vec<Transaction>, u64), Error> {
        let path = self.path.join("transactions.parquet");
        let mut rows = Vec::new();
        let mut count = 0_u64;
        let mut row = 0;
        for batch in TableReader::<Keys>::open(&path)? {
            for keys in batch? {
                if selector.fits(&keys) {
                    count += 1;
                    if rows.len() < limit {
                        rows.push(row);
                    }
                }
                row += 1;
            }
        }
        let table = self.transactions()?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            found.extend(table.slice(row, 1)?);
        }
        Ok((found, count))
    }

    /// All that is known of one transaction.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub fn story(&self, transaction: Transaction) -> Result<Story, Error> {
        let id = transaction.tx_id.as_str();
        let events = self.rows_of("events.parquet", id)?;
        let evidence: Vec<EvidenceRow> = self.rows_of("evidence.parquet", id)?;
        let incident = match &transaction.incident_id {
            Some(id) => self
                .incidents()?
                .into_iter()
                .find(|incident| incident.incident_id == *id),
            None => None,
        };
        let selector = Selector {
            sale: Some(transaction.sale_id.to_string()),
            ..Selector::default()
        };
        let (mut sale, _) = self.find(&selector, 100)?;
        sale.retain(|other| other.tx_id != transaction.tx_id);
        let texts = self.summary()?.texts;
        let mut causes: Vec<CauseText> = Vec::new();
        let named = transaction.cause.iter().chain(&transaction.contributing);
        let named = named.chain(transaction.alternatives.iter().map(|a| &a.cause));
        for code in named.chain(evidence.iter().map(|e| &e.cause)) {
            if !causes.iter().any(|known| known.code == *code)
                && let Some(text) = texts.get(code.as_str())
            {
                causes.push(text.clone());
            }
        }
        Ok(Story {
            transaction,
            events,
            evidence,
            incident,
            sale,
            causes,
        })
    }

    /// Rows of one attempt: they stand together in the tables.
    fn rows_of<T: super::row::Table>(&self, name: &str, tx_id: &str) -> Result<Vec<T>, Error> {
        let path = self.path.join(name);
        let ids = read_frame(&path, Some(vec!["tx_id".to_owned()]))?;
        let column = ids
            .column("tx_id")
            .and_then(|column| column.str().cloned())
            .map_err(|e| Error::table(&path, &e))?;
        let Some(start) = column.iter().position(|id| id == Some(tx_id)) else {
            return Ok(Vec::new());
        };
        let length = column
            .iter()
            .skip(start)
            .take_while(|id| *id == Some(tx_id))
            .count();
        TableReader::open(&path)?.slice(start, length)
    }
}

fn all<T: super::row::Table>(path: &Path) -> Result<Vec<T>, Error> {
    let mut rows = Vec::new();
    for batch in TableReader::open(path)? {
        rows.extend(batch?);
    }
    Ok(rows)
}

/// Which transactions are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    tx_id: Option<String>,
    sale: Option<String>,
    stan: Option<String>,
    rrn: Option<String>,
    terminal: Option<String>,
    amount: Option<i64>,
    last4: Option<String>,
    merchant: Option<String>,
    interface: Option<String>,
    cause: Option<String>,
    at: Option<At>,
}

/// A stretch of time as written: a day, a minute, a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Between two instants.
    Between(i64, i64),
    /// At that time of any day: microseconds since midnight.
    Daily(i64, i64),
}

impl Selector {
    /// Reads `tx_id` or `stan=… rrn=… terminal=… merchant=… amount=… last4=… interface=… cause=… at=…`.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(words: &[String]) -> Result<Self, String> {
        let mut selector = Self::default();
        for word in words.iter().flat_map(|w| w.split_whitespace()) {
            let Some((key, value)) = word.split_once('=') else {
                if !word.bytes().all(|b| b.is_ascii_lowercase()) || word.len() > 16 {
                    return Err(format!(
                        "{word:?} is neither a tx_id (up to 16 lower-case letters) nor KEY=VALUE"
                    ));
                }
                selector.tx_id = Some(word.to_owned());
                continue;
            };
            match key {
                "tx_id" => selector.tx_id = Some(value.to_owned()),
                "sale" | "sale_id" => selector.sale = Some(value.to_owned()),
                "stan" => selector.stan = Some(format!("{value:0>6}")),
                "rrn" => selector.rrn = Some(value.to_owned()),
                "terminal" => selector.terminal = Some(value.to_owned()),
                "merchant" => selector.merchant = Some(value.to_owned()),
                "interface" => selector.interface = Some(value.to_lowercase()),
                "cause" => selector.cause = Some(value.to_uppercase()),
                "last4" => selector.last4 = Some(value.to_owned()),
                "amount" => selector.amount = Some(amount(value)?),
                "at" => selector.at = Some(at(value)?),
                _ => {
                    return Err(format!(
                        "unknown key {key:?}: use stan, rrn, terminal, merchant, amount, last4, interface, cause, at, sale or tx_id"
                    ));
                }
            }
        }
        if selector == Self::default() {
            return Err("nothing to look for".to_owned());
        }
        Ok(selector)
    }

    fn fits(&self, t: &Keys) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| match wanted {
            None => true,
            Some(wanted) => found == Some(wanted.as_str()),
        };
        let last4 = t
            .pan_masked
            .as_deref()
            .and_then(|pan| pan.get(pan.len().saturating_sub(4)..));
        self.tx_id
            .as_ref()
            .is_none_or(|prefix| t.tx_id.starts_with(prefix.as_str()))
            && is(&self.sale, Some(&t.sale_id))
            && is(&self.stan, t.stan.as_deref())
            && is(&self.rrn, t.rrn.as_deref())
            && (is(&self.terminal, t.terminal_id.as_deref())
                || is(&self.terminal, t.device.as_deref()))
            && is(&self.last4, last4)
            && is(&self.merchant, t.merchant_id.as_deref())
            && is(&self.interface, Some(&t.interface))
            && is(&self.cause, t.cause.as_deref())
            && self.amount.is_none_or(|a| t.amount_minor == Some(a))
            && self.at.is_none_or(|at| at.fits(t.started_at, t.ended_at))
    }
}

const DAY: i64 = 86_400_000_000;

impl At {
    fn fits(self, start: Option<Micros>, end: Option<Micros>) -> bool {
        let Some(Micros(start)) = start else {
            return false;
        };
        let end = end.map_or(start, |Micros(end)| end);
        match self {
            Self::Between(from, to) => start < to && end >= from,
            Self::Daily(from, to) => {
                let midnight = start.div_euclid(DAY) * DAY;
                start < midnight + to && end >= midnight + from
            }
        }
    }
}

/// `12.34` in units with two decimals, or minor units without a point.
fn amount(text: &str) -> Result<i64, String> {
    let wrong = || format!("amount {text:?}: expected minor units (1234) or 12.34");
    match text.split_once('.') {
        None => text.parse().map_err(|_| wrong()),
        Some((units, cents)) if cents.len() == 2 => {
            format!("{units}{cents}").parse().map_err(|_| wrong())
        }
        Some(_) => Err(wrong()),
    }
}

/// `2026-08-22`, `2026-08-22T09:15`, `2026-08-22T09:15:02`, with `Z` or an offset, or `09:15`, `09:15:02`; UTC without one.
fn at(text: &str) -> Result<At, String> {
    let wrong = || {
        format!(
            "time {text:?}: expected 2026-08-22, 2026-08-22T09:15, 2026-08-22T09:15:02Z or 09:15"
        )
    };
    let plain = text.trim_end_matches('Z').replace('_', "T");
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        let from = instant.as_microsecond();
        return Ok(At::Between(from - 500_000, from + 1_000_000));
    }
    let length = match plain.matches(':').count() {
        1 => 60_000_000,
        _ => 1_000_000,
    };
    // A date and time parses as a time of day too: only what has no date means every day.
    if !plain.contains('-')
        && let Ok(time) = plain.parse::<jiff::civil::Time>()
    {
        let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60;
        let from = (seconds + i64::from(time.second())) * 1_000_000;
        return Ok(At::Daily(from, from + length));
    }
    let civil: jiff::civil::DateTime = plain.parse().map_err(|_| wrong())?;
    let length = if plain.contains('T') { length } else { DAY };
    let from = civil
        .to_zoned(jiff::tz::TimeZone::UTC)
        .map_err(|_| wrong())?
        .timestamp()
        .as_microsecond();
    Ok(At::Between(from, from + length))
}

#[cfg(test)]
mod tests {
    use super::{At, Selector, amount, at};

    #[test]
    fn selectors_are_read() {
        let parse = |words: &[&str]| {
            Selector::parse(&words.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert!(parse(&["abcdefghijklmnop"]).is_ok());
        assert!(parse(&["stan=123", "terminal=T1 amount=12.34"]).is_ok());
        for wrong in [
            "",
            "ABC",
            "foo=1",
            "amount=1.2.3",
            "at=yesterday",
            "abcdefghijklmnopq",
        ] {
            assert!(parse(&[wrong]).is_err(), "{wrong}");
        }
        assert_eq!(parse(&["stan=123"]), parse(&["stan=000123"]));
        assert_eq!(amount("12.34"), Ok(1234));
        assert_eq!(amount("1234"), Ok(1234));
    }

    #[test]
    fn times_mean_the_stretch_that_they_name() {
        let minute = 60_000_000;
        assert_eq!(at("00:01"), Ok(At::Daily(minute, 2 * minute)));
        assert_eq!(at("1970-01-01T00:01"), Ok(At::Between(minute, 2 * minute)));
        assert_eq!(
            at("1970-01-01T00:01:00"),
            Ok(At::Between(minute, minute + 1_000_000))
        );
        assert_eq!(
            at("1970-01-02"),
            Ok(At::Between(86_400_000_000, 2 * 86_400_000_000))
        );
        assert_eq!(
            at("1970-01-01T08:01:00+08:00"),
            Ok(At::Between(minute - 500_000, minute + 1_000_000))
        );
    }
}
