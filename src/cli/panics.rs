//! Says where the program failed, and never with which values: a panic's own message may quote input.

use std::io::Write as _;
use std::panic::{PanicHookInfo, set_hook};

/// From here on a panic prints its place alone.
pub fn say_where_only() {
    set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let place = info.location().map_or_else(
            || "an unknown place".to_owned(),
            |location| format!("{}:{}", location.file(), location.line()),
        );
        crate::event::note_fault(place.clone());
        let _ = writeln!(
            std::io::stderr().lock(),
            "internal error at {place}; this is a fault of the program"
        );
    }));
}
