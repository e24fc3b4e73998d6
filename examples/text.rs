//! Prints what the text driver makes of files: a line per event, and the ledger.
use std::io::Write as _;
use tapscope::event::Payload;
fn main() {
    let plan = tapscope::plan::Plan {
        inputs: vec![],
        zone: None,
        year: None,
        since: None,
        until: None,
        formats: vec![],
        rules: vec![],
        inventory: None,
        pan_key: None,
        custody: false,
        language: tapscope::plan::Language::En,
        limits: tapscope::plan::Limits::default(),
    };
    let edge = tapscope::parse::edge::Edge::new(Some([7; 32]));
    let quiet = std::env::var_os("QUIET").is_some();
    let mut out = std::io::stdout().lock();
    for path in std::env::args().skip(1) {
        let file = std::fs::File::open(&path).unwrap();
        let size = file.metadata().unwrap().len();
        let mut reader = file;
        let ctx = tapscope::parse::Context {
            edge: &edge,
            plan: &plan,
            source: 0,
            path: &path,
            forced_format: None,
            progress: &|_| {},
        };
        let start = std::time::Instant::now();
        let parsed = tapscope::parse::text::run(&mut reader, &ctx);
        let took = start.elapsed().as_secs_f64();
        let s = &parsed.source;
        writeln!(
            out,
            "== {path} {:?} {:?} {:?} device {:?} events {} ledger {:?} {:.3}s {:.0} MB/s",
            s.format,
            s.kind,
            s.status,
            s.device,
            parsed.events.len(),
            s.ledger,
            took,
            size as f64 / took / 1e6
        )
        .unwrap();
        if quiet {
            continue;
        }
        for e in &parsed.events {
            let text = match &e.payload {
                Payload::Log(l) => format!("{:?} {:?} {:?} {}", l.signal, l.code, l.values, l.text),
                Payload::Apdu(x) => format!(
                    "{:?} sw {:04X?} answered {:?} us {:?} tags {} faults {:?} {} / {}",
                    x.command,
                    x.sw,
                    x.answered,
                    x.duration_micros,
                    x.tags.len(),
                    x.faults,
                    x.command_hex,
                    x.answer_hex
                ),
                Payload::Nfc(f) => format!("{:?} {:?} {:?}", f.state, f.uid, f.text),
                Payload::Iso8583(m) => format!(
                    "{:04} {:?} pin {} tags {} {:?}",
                    m.mti,
                    m.fields,
                    m.pin_present,
                    m.tags.len(),
                    m.damage
                ),
                _ => String::new(),
            };
            let k = &e.keys;
            let keys = format!(
                "{:?}{:?}{:?}{:?}{:?}",
                k.stan,
                k.rrn,
                k.terminal,
                k.amount_minor,
                k.card.as_ref().map(|c| c.masked.to_string())
            );
            writeln!(
                out,
                "{:?} {:?} {} {} {}",
                e.place,
                e.at.utc_micros,
                e.payload.kind(),
                text.chars().take(200).collect::<String>(),
                keys
            )
            .unwrap();
        }
    }
}
