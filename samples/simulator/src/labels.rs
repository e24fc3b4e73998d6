//! Turns the truth of each attempt into one row of `labels.csv`.

use crate::online::Sale;
use crate::time::{Micros, civil};
use crate::world::World;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Columns of `labels.csv`.
pub const COLUMNS: &str = "sale_id,attempt,started_at,terminal_id,merchant_id,device,address,stan,rrn,amount_minor,currency,last4,bin,interface,outcome,failed,cause,family,contributing,response_code,cryptogram,incident,log_source,apdu_source,net_source,net_kind,host_log,outcome_seen,cause_seen";

/// How an attempt ended, and why.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// As in the contract.
    pub outcome: &'a str,
    /// Not approved.
    pub failed: bool,
    /// Cause code or empty.
    pub cause: &'a str,
    /// Contributing causes, joined by `|`.
    pub contributing: &'a str,
    /// Interface.
    pub interface: &'a str,
    /// Incident or empty.
    pub incident: &'a str,
}

/// Written instant.
#[must_use]
pub fn iso_time(t: Micros) -> String {
    let c = civil(t);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        c.y, c.mo, c.d, c.h, c.mi, c.s, c.us
    )
}

/// Family of a cause.
#[must_use]
pub fn family(cause: &str) -> &str {
    cause.split('_').next().unwrap_or_default()
}

/// Writes one row.
pub fn row(out: &mut impl Write, w: &World, s: &Sale, e: &End<'_>) -> io::Result<()> {
    let tm = &w.fleet.terminals[s.term];
    let a = w.address(s.term);
    let name = |id: Option<crate::sink::StreamId>, yes: bool| match id {
        Some(id) if yes => w.sinks.name_at(id, s.start),
        _ => String::new(),
    };
    let log = name(w.logs[s.term], w.saw.log);
    let apdu = if w.saw.apdu {
        w.traces[s.term].map_or_else(|| log.clone(), |(id, _)| w.sinks.name_at(id, s.start))
    } else {
        String::new()
    };
    let host = w.fleet.merchant_of(s.term).host;
    let cap = w.site_caps[tm.site].or(w.host_caps[crate::world::host_index(host)]);
    let net = name(cap.map(|c| c.stream), w.saw.net);
    let kind = match (w.saw.net, w.saw.iso, tm.tls) {
        (false, _, _) => "",
        (_, true, _) => "iso8583",
        (_, _, true) => "tls",
        _ => "tcp",
    };
    let mut line = String::new();
    let known_card = !s.card.pan.is_empty();
    let _ = write!(
        line,
        "S{:07},{},{},{},{},{},{}.{}.{}.{},",
        s.id,
        s.attempt,
        iso_time(s.start),
        tm.tid,
        w.fleet.merchant_of(s.term).mid,
        tm.serial,
        a[0],
        a[1],
        a[2],
        a[3]
    );
    let _ = write!(
        line,
        "{:06},{},{},CNY,{},{},{},{},{},{},{},{},{},{},{},{log},{apdu},{net},{kind},{},{},{}",
        s.stan,
        s.rrn,
        s.amount,
        if known_card { &s.card.pan[12..] } else { "" },
        if known_card { &s.card.pan[..6] } else { "" },
        e.interface,
        e.outcome,
        e.failed,
        e.cause,
        family(e.cause),
        e.contributing,
        s.f39,
        s.tap
            .cryptogram
            .map(|c| crate::iso::hex(&c))
            .unwrap_or_default(),
        e.incident,
        w.saw.host,
        crate::evidence::tells_outcome(e.cause, s.requested, w.saw),
        crate::evidence::tells_cause(e.cause, &s.f39, w.saw, w.site_caps[tm.site].is_some())
    );
    writeln!(out, "{line}")
}
