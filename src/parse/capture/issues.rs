//! Collects what was wrong in a capture: sampled by kind, merged from all shards, dealt to the files of a set.

use crate::event::{Issue, Place};

/// Issues of one kind that are kept one by one.
const SAMPLES: u64 = 20;

/// Collects issues: the first of each kind one by one, the rest as a count.
pub(crate) struct Issues {
    source: u32,
    kept: Vec<Issue>,
    counts: std::collections::BTreeMap<&'static str, (u64, u64, Place)>,
}

impl Issues {
    pub(crate) fn new(source: u32) -> Self {
        Self {
            source,
            kept: Vec::new(),
            counts: std::collections::BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, place: Place, code: &'static str, count: u64, text: String) {
        let entry = self.counts.entry(code).or_insert((0, 0, place));
        if entry.0 < SAMPLES {
            entry.0 += 1;
            self.kept.push(Issue {
                source: self.source,
                place,
                code,
                count,
                text: text.into(),
            });
        } else {
            entry.1 += count;
            entry.2 = entry.2.max(place);
        }
    }

    /// Issues by file: `starts` are the frames before each.
    pub(super) fn split(self, starts: &[u32]) -> Vec<Self> {
        let mut out: Vec<Self> = starts.iter().map(|_| Self::new(self.source)).collect();
        for mut issue in self.kept {
            let file = localise(&mut issue.place, starts);
            if let Some(one) = out.get_mut(file) {
                one.kept.push(issue);
            }
        }
        for (code, (seen, more, mut place)) in self.counts {
            let file = localise(&mut place, starts);
            if let Some(one) = out.get_mut(file) {
                one.counts.insert(code, (seen, more, place));
            }
        }
        out
    }

    /// Merges the issues of all shards, in the order of their places, sampled as one.
    pub(crate) fn merge(all: Vec<Self>, source: u32) -> Vec<Issue> {
        let mut out = Self::new(source);
        let mut rest = std::collections::BTreeMap::<&'static str, (u64, Place)>::new();
        let mut kept = Vec::new();
        for issues in all {
            kept.extend(issues.kept);
            for (code, (_, more, place)) in issues.counts {
                let entry = rest.entry(code).or_insert((0, place));
                entry.0 += more;
                entry.1 = entry.1.max(place);
            }
        }
        kept.sort_by(|a, b| (a.place, a.code, &a.text).cmp(&(b.place, b.code, &b.text)));
        for issue in kept {
            out.add(issue.place, issue.code, issue.count, issue.text.into());
        }
        let mut issues = out.kept;
        for (code, (_, more, place)) in out.counts {
            let (before, at) = rest.get(code).copied().unwrap_or((0, place));
            let count = more + before;
            if count > 0 {
                issues.push(Issue {
                    source,
                    place: at.max(place),
                    code,
                    count,
                    text: "and more of the same".into(),
                });
            }
        }
        issues
    }
}

/// Turns a frame of a set into one of its file, and says which file.
pub(super) fn localise(place: &mut Place, starts: &[u32]) -> usize {
    let Place::Frame(frame) = place else {
        return 0;
    };
    let file = starts
        .partition_point(|start| start < frame)
        .saturating_sub(1);
    *frame -= starts.get(file).copied().unwrap_or(0);
    file
}
