//! The second host's own logs of the same messages.

use super::Sale;
use crate::fleet::Host;
use crate::iso::{Msg, hex};
use crate::say::mask;
use crate::time::{Clock, MS, Micros};
use crate::world::World;
use std::fmt::Write as _;
use std::io;

impl World {
    /// The second host's logs.
    pub(super) fn host_lines(
        &mut self,
        host: Host,
        q: &Msg,
        r: Option<(&Msg, Micros)>,
        arrived: Micros,
        s: &Sale,
    ) -> io::Result<()> {
        let which = match host {
            Host::One => return Ok(()),
            Host::TwoHex => 0,
            Host::TwoBin => 1,
        };
        let Some((id, clock)) = self.host_logs[which] else {
            return Ok(());
        };
        self.saw.host = true;
        let a = self.address(s.term);
        let peer = format!(
            "{}.{}.{}.{}:{}",
            a[0], a[1], a[2], a[3], self.fleet.terminals[s.term].port
        );
        let both = [Some((q, arrived + MS)), r];
        for (i, (m, at)) in both.into_iter().flatten().enumerate() {
            let x = if which == 0 {
                q2(&peer, clock, at, m, i == 0)
            } else {
                log4j(&peer, clock, at, m, i == 0)
            };
            self.sinks.put(id, at, x.as_bytes())?;
        }
        Ok(())
    }
}

fn q2(peer: &str, clock: Clock, t: Micros, m: &Msg, incoming: bool) -> String {
    let c = clock.local(t);
    let what = if incoming { "receive" } else { "send" };
    let body = isomsg(m, incoming);
    format!(
        "<log realm=\"gateway.server.channel/{peer}\" at=\"{}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}\">\n  <{what}>\n{body}  </{what}>\n</log>\n",
        c.y,
        c.mo,
        c.d,
        c.h,
        c.mi,
        c.s,
        c.ms()
    )
}

fn log4j(peer: &str, clock: Clock, t: Micros, m: &Msg, incoming: bool) -> String {
    let c = clock.local(t);
    let what = if incoming {
        "[receive] In:"
    } else {
        "[send] Out:"
    };
    let body = isomsg(m, incoming);
    format!(
        "{}-{:02}-{:02} {:02}:{:02}:{:02},{:03} INFO  e.a.g.Channel: (channel/{peer}) {what} {} {} {}\n{body}\n",
        c.y,
        c.mo,
        c.d,
        c.h,
        c.mi,
        c.s,
        c.ms(),
        m.mti,
        m.text(11),
        m.text(41)
    )
}

fn isomsg(m: &Msg, incoming: bool) -> String {
    let dir = if incoming { "incoming" } else { "outgoing" };
    let mut x = format!(
        "    <isomsg direction=\"{dir}\">\n      <field id=\"0\" value=\"{}\"/>\n",
        m.mti
    );
    for (n, f) in &m.fields {
        let _ = match (n, f) {
            (2, crate::iso::Field::T(v)) => writeln!(
                x,
                "      <field id=\"2\" value=\"{}\"/>",
                mask(v).replace('*', "_")
            ),
            (14, _) => writeln!(x, "      <field id=\"14\" value=\"____\"/>"),
            (35, crate::iso::Field::T(v)) => writeln!(
                x,
                "      <field id=\"35\" value=\"{}=_________________\"/>",
                mask(&v[..16]).replace('*', "_")
            ),
            (52, _) => writeln!(x, "      <field id=\"52\" value=\"[WIPED]\"/>"),
            (_, crate::iso::Field::T(v)) => writeln!(x, "      <field id=\"{n}\" value=\"{v}\"/>"),
            (_, crate::iso::Field::B(b)) => writeln!(
                x,
                "      <field id=\"{n}\" value=\"{}\" type=\"binary\"/>",
                hex(b)
            ),
        };
    }
    x.push_str("    </isomsg>\n");
    x
}
