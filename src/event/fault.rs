//! Where a thread last panicked, so that the fault can be named with its place, and never with its message: that may quote input.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

/// Of any thread: a worker's panic is met again on the thread that waits for it.
static LAST_ANYWHERE: Mutex<Option<String>> = Mutex::new(None);

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Remembers a place in the program, `src/…:LINE`.
pub fn note_fault(place: String) {
    LAST_ANYWHERE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .replace(place.clone());
    let _ = LAST.try_with(|last| last.replace(Some(place)));
}

/// The place of this thread's last panic, or else of any thread's, once.
#[must_use]
pub fn take_fault() -> Option<String> {
    let anywhere = LAST_ANYWHERE
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    LAST.try_with(RefCell::take).ok().flatten().or(anywhere)
}
