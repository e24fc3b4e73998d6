//! Turns an inventory of terminals (CSV) into what a site knows of them: serial numbers, addresses, sites, merchants, firmware, limits.
//!
//! The first line names the columns, in any order: `id` (or `terminal_id`, `tid`), `device` (or `serial`, `sn`), `address` (or `ip`),
//! `site` (or `store`), `merchant` (or `merchant_id`, `mid`), `firmware` (or `version`), `limit` (or `limits`: the contactless limit in
//! units of currency). A cell may hold several values with `|` between them. Only `id` is needed.

use std::collections::BTreeMap;

use crate::event::Text;

/// What is known of one terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Serial numbers and addresses.
    pub devices: Vec<Text>,
    /// Where it stands.
    pub site: Option<Text>,
    /// Whose it is.
    pub merchant: Option<Text>,
    /// What runs on it.
    pub firmware: Option<Text>,
    /// Contactless limit, minor units.
    pub limit_minor: Option<i64>,
}

/// What is known of all terminals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    terminals: BTreeMap<Text, Known>,
}

/// Columns by any of their names.
const COLUMNS: &[(&str, &[&str])] = &[
    ("id", &["id", "terminal_id", "terminal", "tid"]),
    ("device", &["device", "serial", "serial_number", "sn"]),
    ("address", &["address", "ip", "ip_address"]),
    ("site", &["site", "store", "location"]),
    ("merchant", &["merchant", "merchant_id", "mid"]),
    ("firmware", &["firmware", "version", "software"]),
    ("limit", &["limit", "limits", "contactless_limit"]),
];

impl Inventory {
    /// Reads the CSV text; an error says which line and what is wrong with it.
    ///
    /// # Errors
    /// When there is no column for the terminal's number, a line lacks it, or a limit is no amount.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}');
        let header_line = text.lines().find(|line| !line.trim().is_empty());
        // Spreadsheets of many countries part cells by semicolons.
        let semicolons = header_line.is_some_and(|line| line.contains(';') && !line.contains(','));
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(if semicolons { b';' } else { b',' })
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let header = reader.headers().cloned().unwrap_or_default();
        let place = |name: &str| -> Option<usize> {
            let (_, names) = COLUMNS.iter().find(|(n, _)| *n == name)?;
            header
                .iter()
                .position(|cell| names.contains(&cell.to_ascii_lowercase().as_str()))
        };
        let Some(id) = place("id") else {
            return Err("line 1: no column is called id, terminal_id or tid".to_owned());
        };
        let mut terminals: BTreeMap<Text, Known> = BTreeMap::new();
        for row in reader.records() {
            let row = row.map_err(|e| e.to_string())?;
            let number = row.position().map_or(0, csv::Position::line);
            if row.iter().all(str::is_empty) {
                continue;
            }
            let cell = |column: &str| place(column).and_then(|at| row.get(at)).unwrap_or("");
            let Some(terminal) = row.get(id).filter(|t| !t.is_empty()) else {
                return Err(format!("line {number}: the terminal's number is missing"));
            };
            let text = |column: &str| Some(cell(column)).filter(|c| !c.is_empty()).map(Text::new);
            let known = terminals.entry(Text::new(terminal)).or_default();
            for column in ["device", "address"] {
                known.devices.extend(
                    cell(column)
                        .split('|')
                        .map(str::trim)
                        .filter(|device| !device.is_empty())
                        .map(Text::new),
                );
            }
            known.site = text("site").or_else(|| known.site.take());
            known.merchant = text("merchant").or_else(|| known.merchant.take());
            known.firmware = text("firmware").or_else(|| known.firmware.take());
            if !cell("limit").is_empty() {
                let minor = minor(cell("limit"))
                    .ok_or_else(|| format!("line {number}: {} is no amount", cell("limit")))?;
                known.limit_minor = Some(minor);
            }
        }
        Ok(Self { terminals })
    }

    /// Reads the file, or nothing where none is given or it cannot be read (which `cli` has said before).
    #[must_use]
    pub fn read(path: Option<&std::path::Path>) -> Self {
        path.and_then(|path| std::fs::read_to_string(path).ok())
            .and_then(|text| Self::parse(&text).ok())
            .unwrap_or_default()
    }

    /// What is known of a terminal.
    #[must_use]
    pub fn of(&self, terminal: &str) -> Option<&Known> {
        self.terminals.get(terminal)
    }

    /// All terminals.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Known)> {
        self.terminals.iter()
    }
}

/// `1000`, `1,000.00`, `1000.5` in minor units.
fn minor(text: &str) -> Option<i64> {
    let plain: String = text.chars().filter(|c| *c != ',').collect();
    let (whole, part) = plain.split_once('.').unwrap_or((&plain, ""));
    let cents = match part.len() {
        0 => 0,
        1 => part.parse::<i64>().ok()? * 10,
        2 => part.parse::<i64>().ok()?,
        _ => return None,
    };
    whole
        .trim()
        .parse::<i64>()
        .ok()
        .filter(|whole| (0..=1_000_000_000).contains(whole))
        .map(|whole| whole * 100 + cents)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn columns_come_in_any_order_and_name() {
        let text = "Site,TID,serial,IP,mid,Version,limits\n\"Mall, east\",10000019,VA1|VA2,10.20.1.11,898000000000001,4.1.0,\"1,000.00\"\n,10000020,,,,,\n";
        let inventory = Inventory::parse(text).unwrap();
        let known = inventory.of("10000019").unwrap();
        assert_eq!(known.site.as_deref(), Some("Mall, east"));
        assert_eq!(known.devices, ["VA1", "VA2", "10.20.1.11"]);
        assert_eq!(known.limit_minor, Some(100_000));
        assert_eq!(known.firmware.as_deref(), Some("4.1.0"));
        assert_eq!(inventory.of("10000020"), Some(&Known::default()));
    }

    #[test]
    fn faults_are_named_with_their_line() {
        assert!(
            Inventory::parse("site,firmware\na,b\n")
                .unwrap_err()
                .contains("line 1")
        );
        assert!(
            Inventory::parse("id,limit\n1,a lot\n")
                .unwrap_err()
                .contains("line 2")
        );
        assert!(
            Inventory::parse("id,limit\n,5\n")
                .unwrap_err()
                .contains("line 2")
        );
    }
}
