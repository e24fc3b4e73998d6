//! Names data objects by tag, kernel and length (`tables/tags.tsv`): the same tag differs from kernel to kernel.

use std::sync::LazyLock;

use crate::protocol::table;

const TSV: &str = include_str!("../../../tables/tags.tsv");

/// A known data object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagInfo {
    /// The tag.
    pub tag: u32,
    /// Where the tag has this meaning: `EMV`, `Mastercard K2`, `Visa K3 / UnionPay K7` …
    pub scheme: &'static str,
    /// English name.
    pub en: &'static str,
    /// Chinese name; the English one where there is none.
    pub zh: &'static str,
    /// Length as the specification gives it: `5`, `5-16`, `var<=252`, `var`.
    pub length: &'static str,
    /// Format: `b`, `n12`, `ans`, `cn19` …
    pub format: &'static str,
    /// Who gives it: `card`, `terminal`, `issuer`, `kernel`.
    pub origin: &'static str,
    /// What kind of personal or card data it holds, where it does.
    pub sensitive: &'static str,
    /// What it is good for in a diagnosis.
    pub note: &'static str,
    /// Where this is from.
    pub source: &'static str,
}

impl TagInfo {
    /// True where a value of this length fits the specification.
    #[must_use]
    pub fn fits(&self, length: usize) -> bool {
        let number = |text: &str| text.parse::<usize>().ok();
        if let Some(most) = self
            .length
            .strip_prefix("var<=")
            .or(self.length.strip_prefix("<="))
        {
            return number(most).is_none_or(|most| length <= most);
        }
        match self.length.split_once('-') {
            Some((least, most)) => {
                number(least).is_none_or(|least| least <= length)
                    && number(most).is_none_or(|most| length <= most)
            }
            None => number(self.length).is_none_or(|exact| exact == length),
        }
    }

    /// True where the meaning holds under this kernel. EMV's own tags hold under each.
    fn holds_under(&self, kernel: u32) -> bool {
        let any = |names: &[&str]| names.iter().any(|name| self.scheme.contains(name));
        match self.scheme {
            "EMV" | "Book B" => true,
            _ => match kernel {
                2 => any(&["K2"]),
                3 => any(&["Visa"]),
                4 => any(&["Amex"]),
                5 => any(&["JCB"]),
                6 => any(&["D-PAS"]),
                7 => any(&["UnionPay"]),
                8 => any(&["K8", "Kernel 8"]),
                _ => false,
            },
        }
    }
}

static TABLE: LazyLock<Vec<TagInfo>> = LazyLock::new(|| {
    let mut list: Vec<TagInfo> = table::rows::<10>(TSV)
        .filter_map(
            |[
                tag,
                scheme,
                en,
                zh,
                length,
                format,
                origin,
                sensitive,
                note,
                source,
            ]| {
                Some(TagInfo {
                    tag: table::hex(tag)?,
                    scheme,
                    en,
                    zh: if zh.is_empty() { en } else { zh },
                    length,
                    format,
                    origin,
                    sensitive,
                    note,
                    source,
                })
            },
        )
        .collect();
    // Stable: meanings of one tag stay in the table's order.
    list.sort_by_key(|row| row.tag);
    list
});

/// All known meanings of a tag.
#[must_use]
pub fn meanings(tag: u32) -> &'static [TagInfo] {
    let from = TABLE.partition_point(|row| row.tag < tag);
    let to = TABLE.partition_point(|row| row.tag <= tag);
    TABLE.get(from..to).unwrap_or_default()
}

/// The meaning of a tag: that of the kernel, where the kernel is known, then one whose length fits, then the first.
#[must_use]
pub fn lookup(tag: u32, kernel: Option<u32>, length: Option<usize>) -> Option<&'static TagInfo> {
    meanings(tag)
        .iter()
        .enumerate()
        .max_by_key(|(at, row)| {
            (
                kernel.is_some_and(|kernel| row.holds_under(kernel)),
                length.is_none_or(|length| row.fits(length)),
                std::cmp::Reverse(*at),
            )
        })
        .map(|(_, row)| row)
}

#[cfg(test)]
pub(super) fn table() -> (&'static [TagInfo], &'static str) {
    (&TABLE, TSV)
}
