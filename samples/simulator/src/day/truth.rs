//! Writes what is true of a day besides its attempts: clocks and incidents.

use super::incident::{Incident, Scope};
use crate::labels;
use crate::time::H;
use crate::world::World;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

pub(crate) fn write_truth(w: &World, inc: &[Incident], out: &Path) -> io::Result<()> {
    let mut f = BufWriter::new(File::create(out.join("clocks.csv"))?);
    writeln!(
        f,
        "source,kind,offset_ms,drift_ppm,zone_hours,jump_at,jump_ms,zero_ms"
    )?;
    let mut row = |id: usize, kind: &str, c: crate::time::Clock| -> io::Result<()> {
        let off = (c.offset + c.zone_error * H) / 1000;
        let at = if c.jump == 0 {
            String::new()
        } else {
            labels::iso_time(c.jump_at)
        };
        for name in w.sinks.names(id) {
            writeln!(
                f,
                "{name},{kind},{off},{},{},{at},{},{}",
                c.ppm,
                c.zone_error,
                c.jump / 1000,
                c.zero / 1000
            )?;
        }
        Ok(())
    };
    for (i, t) in w.fleet.terminals.iter().enumerate() {
        if let Some(id) = w.logs[i] {
            row(id, "log", t.clock)?;
        }
        if let Some((id, c)) = w.traces[i] {
            row(id, "trace", c)?;
        }
    }
    for c in w.site_caps.iter().chain(&w.host_caps).flatten() {
        row(c.stream, "capture", c.clock)?;
    }
    for (id, c) in w.host_logs.iter().flatten().copied() {
        row(id, "log", c)?;
    }
    f.flush()?;
    let mut f = BufWriter::new(File::create(out.join("incidents.csv"))?);
    writeln!(f, "incident,cause,scope,scope_value,from,to,sales")?;
    for i in inc {
        let (scope, value) = match i.scope {
            Scope::Terminal(t) => ("terminal", w.fleet.terminals[t].tid.clone()),
            Scope::Merchant(m) => ("merchant", w.fleet.merchants[m].mid.clone()),
            Scope::Site(s) => ("site", format!("site{s:03}")),
            Scope::Issuer(x) => ("issuer", crate::fleet::ISSUERS[x].bin.to_string()),
            Scope::Host(h) => ("host", crate::net::host_name(h).to_string()),
            Scope::Fleet => ("fleet", String::new()),
        };
        writeln!(
            f,
            "{},{},{scope},{value},{},{},{}",
            i.id,
            i.cause,
            labels::iso_time(i.from),
            labels::iso_time(i.to),
            i.hit
        )?;
    }
    f.flush()
}
