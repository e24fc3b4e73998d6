//! Learns which terminal each source and each network address is, from payments that name it.

use std::collections::BTreeMap;

use super::fragment::{Fragment, Shape};
use crate::event::{Source, Text};

/// What names a terminal, beside its own number.
#[derive(Debug, Default)]
pub(super) struct Identity {
    of_source: Vec<Option<Text>>,
    of_device: BTreeMap<Text, Text>,
    alias: BTreeMap<Text, Text>,
}

type Votes = BTreeMap<Text, u32>;

impl Identity {
    /// Learns from the fragments and from `pairs`: fragments that are surely the same payment.
    pub fn learn(sources: &[Source], fragments: &[Fragment], pairs: &[(u32, u32)]) -> Self {
        let mut of_source: Vec<Votes> = vec![Votes::new(); sources.len()];
        let mut of_device: BTreeMap<Text, Votes> = BTreeMap::new();
        let mut alias: BTreeMap<Text, Votes> = BTreeMap::new();
        for fragment in fragments {
            let Some(terminal) = &fragment.keys.terminal else {
                continue;
            };
            if fragment.shape == Shape::Stretch {
                vote(&mut of_source[fragment.source as usize], terminal);
            }
            if let Some(device) = &fragment.keys.device {
                vote(of_device.entry(device.clone()).or_default(), terminal);
            }
        }
        for &(a, b) in pairs {
            let (a, b) = (&fragments[a as usize], &fragments[b as usize]);
            for (from, to) in [(a, b), (b, a)] {
                let Some(terminal) = &to.keys.terminal else {
                    continue;
                };
                match &from.keys.terminal {
                    None if from.shape == Shape::Stretch => {
                        vote(&mut of_source[from.source as usize], terminal)
                    }
                    // What a message on the way to the host calls the terminal wins over what the log calls it.
                    Some(own)
                        if own != terminal
                            && from.shape == Shape::Stretch
                            && to.shape == Shape::Messages =>
                    {
                        vote(alias.entry(own.clone()).or_default(), terminal);
                    }
                    _ => {}
                }
                if let Some(device) = from
                    .keys
                    .device
                    .as_ref()
                    .filter(|_| from.keys.terminal.is_none())
                {
                    vote(of_device.entry(device.clone()).or_default(), terminal);
                }
            }
        }
        Self {
            of_source: of_source
                .iter()
                .zip(sources)
                .map(|(votes, source)| winner(votes).or_else(|| source.device.clone()))
                .collect(),
            of_device: of_device
                .into_iter()
                .filter_map(|(device, votes)| Some((device, winner(&votes)?)))
                .collect(),
            alias: alias
                .into_iter()
                .filter_map(|(own, votes)| Some((own, winner(&votes)?)))
                .collect(),
        }
    }

    /// The terminal of a fragment, as its payment messages call it where known.
    pub fn terminal<'a>(&'a self, fragment: &'a Fragment) -> Option<&'a Text> {
        let named = fragment
            .keys
            .terminal
            .as_ref()
            .or_else(|| {
                fragment
                    .keys
                    .device
                    .as_ref()
                    .and_then(|device| self.of_device.get(device))
            })
            .or_else(|| match fragment.shape {
                Shape::Stretch => self.of_source.get(fragment.source as usize)?.as_ref(),
                _ => None,
            })
            // An address that no payment named stands for itself.
            .or(fragment.keys.device.as_ref())?;
        Some(
            self.alias
                .get(named)
                .or_else(|| self.of_device.get(named))
                .unwrap_or(named),
        )
    }

    /// The terminal of a source that is one terminal's log or trace.
    pub fn terminal_of_source(&self, source: u32) -> Option<&Text> {
        let named = self.of_source.get(source as usize)?.as_ref()?;
        Some(self.alias.get(named).unwrap_or(named))
    }

    /// Takes what the inventory knows: serial numbers and addresses that no payment named otherwise.
    pub fn know(&mut self, inventory: &super::inventory::Inventory) {
        for (terminal, known) in inventory.iter() {
            for device in &known.devices {
                self.of_device
                    .entry(device.clone())
                    .or_insert_with(|| terminal.clone());
            }
        }
    }

    /// Binds an address to a terminal (learned from the rhythm of their connections).
    pub fn bind_device(&mut self, device: Text, terminal: Text) {
        self.of_device.insert(device, terminal);
    }

    /// Says whose log or trace a source is.
    pub fn bind_source(&mut self, source: u32, terminal: Text) {
        if let Some(slot) = self.of_source.get_mut(source as usize) {
            *slot = Some(terminal);
        }
    }

    /// The terminal at an address.
    pub fn terminal_of_device(&self, device: &Text) -> Option<&Text> {
        self.of_device.get(device)
    }

    /// Whether an address is known to be a terminal's.
    pub fn knows_device(&self, device: &Text) -> bool {
        self.of_device.contains_key(device)
    }

    /// Addresses known for terminals.
    pub fn devices(&self) -> impl Iterator<Item = (&Text, &Text)> {
        self.of_device.iter()
    }
}

fn vote(votes: &mut Votes, terminal: &Text) {
    *votes.entry(terminal.clone()).or_default() += 1;
}

/// The name with at least three fifths of the votes.
fn winner(votes: &Votes) -> Option<Text> {
    let total: u32 = votes.values().sum();
    let (name, &count) = votes.iter().max_by_key(|(_, count)| **count)?;
    (count * 5 >= total * 3).then(|| name.clone())
}
