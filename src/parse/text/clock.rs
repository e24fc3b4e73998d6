//! Stamps the items of one source: the source's clock, once the first block has told what its times leave out.

use tapscope_parsers::container::LogFormat;
use tapscope_parsers::time::RawTime;

use crate::event::{Stamp, TimeQuality};
use crate::parse::Context;
use crate::parse::clock::SourceClock;

/// Resolves the times of one source.
pub(super) struct Clock {
    source: Option<SourceClock>,
    last: Stamp,
}

impl Clock {
    pub(super) const fn new(_ctx: &Context<'_>) -> Self {
        Self {
            source: None,
            last: Stamp::UNKNOWN,
        }
    }

    /// Decides year, order of dates and zone from the source's first block.
    pub(super) fn survey(&mut self, ctx: &Context<'_>, format: &'static LogFormat, first: &[u8]) {
        self.source = Some(SourceClock::new(ctx.plan, ctx.path, format, first));
    }

    /// The stamp of a record; without a time of its own it carries that of the record before.
    pub(super) fn stamp(&mut self, raw: Option<&RawTime>, inherited: bool) -> Stamp {
        if let (Some(source), Some(raw)) = (&mut self.source, raw) {
            let stamp = source.stamp(Some(raw));
            if stamp.utc_micros.is_some() {
                self.last = stamp;
                let quality = TimeQuality {
                    inherited,
                    ..stamp.quality
                };
                return Stamp { quality, ..stamp };
            }
        }
        let quality = TimeQuality {
            inherited: true,
            ..self.last.quality
        };
        Stamp {
            quality,
            ..self.last
        }
    }
}
