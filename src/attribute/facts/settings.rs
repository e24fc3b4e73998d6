//! What logs told of a terminal's limits before a payment: at its start, at a download. It holds until it is told again.

use std::collections::{BTreeMap, VecDeque};

use crate::correlate::Correlated;
use crate::event::{Payload, Signal, Text, What};

/// Limits that one log may tell of: the latest stay.
const MOST: usize = 1024;

/// A limit as a log told it.
struct Setting {
    event: u32,
    name: &'static str,
    value: Text,
    /// The application that it is for, where the line names one.
    aid: Option<Text>,
}

/// Limits by the source that told them, in its order.
#[derive(Default)]
pub struct Settings(BTreeMap<u32, VecDeque<Setting>>);

impl Settings {
    /// Reads all lines that tell of settings.
    pub fn new(correlated: &Correlated) -> Self {
        let mut settings = Self::default();
        for (index, head) in (0_u32..).zip(correlated.events.heads()) {
            if head.what != What::Log(Signal::ConfigValue) {
                continue;
            }
            let event = correlated.events.get(index);
            let Payload::Log(line) = &event.payload else {
                continue;
            };
            for (name, value) in &line.values {
                if !matches!(*name, "limit_minor" | "cvm_limit_minor") {
                    continue;
                }
                let told = settings.0.entry(head.source).or_default();
                if told.len() >= MOST {
                    told.pop_front();
                }
                told.push_back(Setting {
                    event: index,
                    name,
                    value: value.clone(),
                    aid: aid_in(&line.text),
                });
            }
        }
        settings
    }

    /// The last value that a source told before an event, for an application where it tells them apart.
    pub fn before(
        &self,
        source: u32,
        event: u32,
        name: &str,
        aid: Option<&str>,
    ) -> Option<(&str, u32)> {
        let told = self.0.get(&source)?.iter().rev();
        let mut told = told.filter(|setting| setting.event < event && setting.name == name);
        // Which application it is may be unknown: then what all of them have in common.
        let common = || {
            let mut values = told.clone().map(|setting| setting.value.as_str());
            let first = values.next();
            values.all(|value| Some(value) == first)
        };
        let same = aid.is_none() && common();
        let fits = |setting: &&Setting| match (&setting.aid, aid) {
            (Some(of), Some(aid)) => aid.starts_with(of.as_str()) || of.starts_with(aid),
            (Some(_), None) => same,
            (None, _) => true,
        };
        told.find(fits)
            .map(|setting| (setting.value.as_str(), setting.event))
    }
}

/// An application identifier in a line: ten hex digits or more that begin as registered providers do.
fn aid_in(text: &str) -> Option<Text> {
    text.split(|c: char| !c.is_ascii_hexdigit())
        .find(|word| (10..=32).contains(&word.len()) && word.starts_with("A0000"))
        .map(Text::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(event: u32, value: &str, aid: Option<&str>) -> Setting {
        Setting {
            event,
            name: "cvm_limit_minor",
            value: Text::new(value),
            aid: aid.map(Text::new),
        }
    }

    #[test]
    fn the_last_limit_of_the_application_holds() {
        let told = vec![
            setting(1, "2500", Some("A000000004")),
            setting(2, "5000", Some("A0000000031010")),
            setting(9, "8000", Some("A0000000031010")),
        ];
        let settings = Settings(BTreeMap::from([(3, told.into())]));
        let before = |event, aid| {
            let found = settings.before(3, event, "cvm_limit_minor", aid);
            found.map(|(value, _)| value.to_owned())
        };
        assert_eq!(before(5, Some("A0000000031010")).as_deref(), Some("5000"));
        assert_eq!(before(20, Some("A0000000031010")).as_deref(), Some("8000"));
        assert_eq!(before(5, Some("A0000000041010")).as_deref(), Some("2500"));
        assert_eq!(before(5, Some("A0000003330101")), None);
        assert_eq!(before(5, None), None);
        assert_eq!(before(2, None).as_deref(), Some("2500"));
        assert_eq!(settings.before(4, 5, "cvm_limit_minor", None), None);
        assert_eq!(
            aid_in("Profil A0000000031010/K3: CVMLimit=000000005000").as_deref(),
            Some("A0000000031010")
        );
    }
}
