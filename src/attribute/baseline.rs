//! Turns earlier analyses into expected rates: how often each cause struck, and where, so that what is new today stands out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::model::Incident;
use crate::event::Text;

/// What earlier days showed.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    attempts: u64,
    causes: BTreeMap<String, u64>,
    /// Terminal or merchant, and cause.
    places: BTreeSet<(String, String)>,
}

impl Baseline {
    /// Reads the folders that can be read.
    #[must_use]
    pub fn read(folders: &[PathBuf]) -> Self {
        let mut all = Self::default();
        for folder in folders {
            if let Ok(one) = Self::read_one(folder) {
                all.attempts += one.attempts;
                for (cause, count) in one.causes {
                    *all.causes.entry(cause).or_default() += count;
                }
                all.places.extend(one.places);
            }
        }
        all
    }

    /// Reads the transactions of one earlier analysis.
    ///
    /// # Errors
    /// When the folder holds no `transactions.csv` of an analysis.
    pub fn read_one(folder: &Path) -> Result<Self, String> {
        let path = folder.join("transactions.csv");
        let failed = |e: csv::Error| format!("transactions.csv: {e}");
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_path(&path)
            .map_err(failed)?;
        let header = reader.headers().map_err(failed)?.clone();
        let column = |name: &str| header.iter().position(|cell| cell == name);
        let (Some(cause), Some(terminal), Some(merchant)) = (
            column("cause"),
            column("terminal_id"),
            column("merchant_id"),
        ) else {
            return Err("transactions.csv is not of an analysis: no column cause".to_owned());
        };
        let mut one = Self::default();
        for row in reader.records() {
            let row = row.map_err(failed)?;
            let cell = |at: usize| row.get(at).unwrap_or("");
            one.attempts += 1;
            if cell(cause).is_empty() {
                continue;
            }
            *one.causes.entry(cell(cause).to_owned()).or_default() += 1;
            for place in [cell(terminal), cell(merchant)] {
                if !place.is_empty() {
                    one.places
                        .insert((place.to_owned(), cell(cause).to_owned()));
                }
            }
        }
        Ok(one)
    }

    /// How often a cause struck, and among how many attempts.
    pub(super) fn cause(&self, code: &str) -> (f64, f64) {
        let count = self.causes.get(code).copied().unwrap_or(0);
        (count as f64, self.attempts as f64)
    }

    /// Says of an incident whether it is new.
    pub(super) fn compare(&self, incident: &mut Incident) {
        let Some(cause) = incident.cause.as_deref().filter(|_| self.attempts > 0) else {
            return;
        };
        let here = (incident.scope_value.to_string(), cause.to_owned());
        let (en, zh) = if self.places.contains(&here) {
            (" It was there before today.", " 此前已出现。")
        } else if self.causes.contains_key(cause) {
            (
                " New here: earlier days show the cause elsewhere only.",
                " 此处为新发，此前仅见于他处。",
            )
        } else {
            (
                " New: earlier days do not show this cause at all.",
                " 新发：此前未见该原因。",
            )
        };
        incident.text_en = Text::from(format!("{}{en}", incident.text_en));
        incident.text_zh = Text::from(format!("{}{zh}", incident.text_zh));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn earlier_days_tell_rates_and_places() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("transactions.csv"),
            "tx_id,terminal_id,merchant_id,cause\n\"a\",\"1\",\"m\",\"HW_READER_FAULT\"\n\"b\",\"2\",\"m\",\n\"c\",\"1\",\"m\",\"HW_READER_FAULT\"\n",
        )
        .unwrap();
        let baseline = Baseline::read(&[folder.path().to_owned()]);
        assert_eq!(baseline.cause("HW_READER_FAULT"), (2.0, 3.0));
        assert_eq!(baseline.cause("NET_BLOCKED"), (0.0, 3.0));
        let mut incident = Incident {
            scope_value: "2".into(),
            cause: Some("HW_READER_FAULT".into()),
            ..Incident::default()
        };
        baseline.compare(&mut incident);
        assert!(
            incident.text_en.contains("New here"),
            "{}",
            incident.text_en
        );
        assert!(Baseline::read_one(Path::new("/nowhere")).is_err());
    }
}
