//! Reads bytes as the program does, and says in few words what came of them.

use std::io::Read;

use tapscope::decode::StreamInfo;
use tapscope::event::{Event, Issue, Payload, Source, Spill, Text};
use tapscope::parse::edge::Edge;
use tapscope::parse::{self, Parsed};
use tapscope::plan::Plan;

/// What became of one stream.
pub struct Read1 {
    pub source: Source,
    pub events: Vec<Event>,
    pub issues: Vec<Issue>,
}

/// Reads a stream of a given name.
pub fn read(path: &str, bytes: &[u8]) -> Read1 {
    read_with(path, bytes, &Plan::default())
}

/// As [`read`], with a plan.
pub fn read_with(path: &str, bytes: &[u8], plan: &Plan) -> Read1 {
    let head = &bytes[..bytes.len().min(64 << 10)];
    stream(path, head, &mut &*bytes, plan)
}

/// Reads a stream that need not fit into memory.
pub fn stream(path: &str, head: &[u8], reader: &mut dyn Read, plan: &Plan) -> Read1 {
    let edge = Edge::new(Some([7; 32]));
    let info = StreamInfo {
        path: Text::new(path),
        member: false,
        size: None,
        file: None,
        head,
    };
    let parsed: Parsed =
        parse::stream(&info, reader, plan, &edge, &Spill::unbounded(), &|_| {});
    let read = Read1 {
        source: parsed.source,
        events: parsed.events.iter().collect(),
        issues: parsed.issues,
    };
    let l = &read.source.ledger;
    assert_eq!(
        l.understood + l.ignored + l.not_understood + l.unreadable,
        l.bytes,
        "{path}: the ledger does not add up: {l:?}"
    );
    assert!(
        l.damaged_records <= l.records + read.issues.len() as u64 + 1,
        "{path}: {l:?}"
    );
    read
}

impl Read1 {
    pub fn format(&self) -> &str {
        self.source.format.as_deref().unwrap_or("-")
    }

    /// One short line an event: what it is, and the keys that it carries.
    pub fn brief(&self) -> Vec<String> {
        self.events.iter().map(brief).collect()
    }
}

fn brief(event: &Event) -> String {
    let mut out = match &event.payload {
        Payload::Log(log) => {
            let code = log
                .code
                .as_ref()
                .map(|(family, code)| format!(" {family}:{code}"));
            format!("{}{}", log.signal.id(), code.unwrap_or_default())
        }
        Payload::Apdu(x) => match (x.sw, x.answered) {
            (Some(sw), _) => format!("apdu {:02X}{:02X} {sw:04X}", x.header[0], x.header[1]),
            (None, Some(false)) => format!("apdu {:02X}{:02X} lost", x.header[0], x.header[1]),
            (None, _) => format!("apdu {:02X}{:02X} open", x.header[0], x.header[1]),
        },
        Payload::Nfc(field) => format!("nfc {:?}", field.state),
        Payload::Iso8583(message) => {
            let answer = message.field(39).map(|f| format!(" f39={f}"));
            format!("iso {:04}{}", message.mti, answer.unwrap_or_default())
        }
        other => other.kind().to_owned(),
    };
    let keys = &event.keys;
    if let Some(stan) = keys.stan {
        out += &format!(" stan={stan}");
    }
    if let Some(amount) = keys.amount_minor {
        out += &format!(" amount={amount}");
    }
    if let Some(terminal) = &keys.terminal {
        out += &format!(" terminal={terminal}");
    }
    out
}

/// When an event happened, as its source says: `2024-03-14T13:16:47.974Z`.
pub fn at(event: &Event) -> String {
    event.at.utc_micros.map_or("?".to_owned(), |micros| {
        jiff::Timestamp::from_microsecond(micros).unwrap().to_string()
    })
}
