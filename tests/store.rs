//! Events at rest are the events that went in, in memory or on disk.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod made;

use tapscope::event::{Event, Events, Spill};

fn all() -> Vec<Event> {
    let analysis = made::hostile();
    let mut events: Vec<Event> = analysis.correlated.events.iter().collect();
    // More than are packed together.
    while events.len() < 3000 {
        let again: Vec<Event> = events.iter().take(500).cloned().collect();
        events.extend(again);
    }
    events
}

#[test]
fn events_come_back_as_they_went() {
    let events = all();
    let folder = tempfile::tempdir().unwrap();
    for budget in [u64::MAX, 100_000, 0] {
        let spill = Spill::new(budget, folder.path());
        let mut store = Events::default();
        store.extend_from(events.clone(), |event| event, &spill);
        assert_eq!(store.len(), events.len());
        for ((index, event), back) in (0..).zip(&events).zip(store.iter()) {
            assert_eq!(format!("{event:?}"), format!("{back:?}"));
            assert_eq!(
                format!("{:?}", event.keys),
                format!("{:?}", store.keys(index))
            );
            assert_eq!(event.payload.kind(), store.head(index).what.kind());
        }
        assert_eq!(spill.spilled() > 0, budget != u64::MAX, "{budget}");
        assert!(!spill.failed());
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "the file on disk has no name: {left:?}");
}

#[test]
fn a_disk_that_cannot_be_written_is_noticed() {
    let spill = Spill::new(0, std::path::Path::new("/nonexistent/folder"));
    let mut store = Events::default();
    store.extend_from(all(), |event| event, &spill);
    assert!(spill.failed());
}
