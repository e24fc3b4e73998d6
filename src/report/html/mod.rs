//! Writes `report.html`, or the page of one transaction: one file that needs nothing else, from the tables of an output folder.

mod chart;
mod data;
mod facets;
mod page;

use std::path::Path;

use super::folder::Story;
use super::overview::{Overview, Summary};
use super::publish::replace_file;
use super::{Error, Folder};
use crate::plan::{Language, Limits};

/// What a page shows.
#[derive(Debug, Clone, Default)]
pub struct PageOptions {
    /// Language of the first view.
    pub language: Language,
    /// Only attempts that start at or after this (UTC microseconds).
    pub since: Option<i64>,
    /// Only attempts that start before this.
    pub until: Option<i64>,
    /// Only this merchant.
    pub merchant: Option<String>,
    /// How much it may hold: `page_attempts`, `page_events`, `page_bytes`.
    pub limits: Limits,
}

impl PageOptions {
    fn narrowed(&self) -> bool {
        self.since.is_some() || self.until.is_some() || self.merchant.is_some()
    }

    pub(super) fn fits(&self, t: &super::Transaction) -> bool {
        let start = t.started_at.map(|super::Micros(at)| at);
        self.since
            .is_none_or(|since| start.is_some_and(|at| at >= since))
            && self
                .until
                .is_none_or(|until| start.is_some_and(|at| at < until))
            && self
                .merchant
                .as_ref()
                .is_none_or(|m| t.merchant_id.as_deref() == Some(m.as_str()))
    }
}

/// Writes the page of a whole folder whose figures are known already.
pub(super) fn write(
    folder: &Path,
    target: &Path,
    overview: &Overview,
    summary: &Summary,
    options: &PageOptions,
) -> Result<(), Error> {
    let data = data::collect(folder, overview, summary, &options.limits)?;
    let text = page::render(summary, &data, options)?;
    // The page may be written again by itself: it is searched here, whoever writes it.
    if let Some(leak) =
        super::gate::Gate::new(&crate::event::SeenCards::default()).search(text.as_bytes())
    {
        return Err(Error::Leak {
            place: "report.html".to_owned(),
            what: leak.name(),
        });
    }
    std::fs::write(target, text).map_err(|e| Error::file(target, e))
}

impl Story {
    /// Writes this transaction's own page.
    ///
    /// # Errors
    /// When the page cannot be written.
    pub fn write_page(&self, target: &Path, language: Language) -> Result<(), Error> {
        let text = page::render_one(self, &data::one(self), language)?;
        replace_file(target, |partial| {
            std::fs::write(partial, text).map_err(|e| Error::file(target, e))
        })
    }
}

impl Folder {
    /// Writes the page again, in another language, or for a period or merchant only. Returns the number of attempts that it tells of.
    ///
    /// # Errors
    /// When a table cannot be read or the page not be written.
    pub fn write_page(&self, target: &Path, options: &PageOptions) -> Result<u64, Error> {
        let whole = self.summary()?;
        let mut overview = Overview::default();
        let mut row = 0_u32;
        let mut incidents = hashbrown::HashSet::new();
        for batch in self.transactions()? {
            for transaction in batch? {
                if options.fits(&transaction) {
                    overview.add(row, &transaction);
                    incidents.extend(transaction.incident_id.clone());
                }
                row = row.saturating_add(1);
            }
        }
        let summary = if options.narrowed() {
            let mut kept = self.incidents()?;
            kept.retain(|incident| incidents.contains(&incident.incident_id));
            let (sources, issues) = (self.sources()?, self.issues()?);
            let texts = |code: &str| whole.texts.get(code).cloned().unwrap_or_default();
            overview.summary(&texts, &kept, &sources, &issues)
        } else {
            whole
        };
        replace_file(target, |partial| {
            write(self.path(), partial, &overview, &summary, options)
        })
        .map(|()| summary.attempts)
    }
}
