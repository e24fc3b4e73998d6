//! An attempt in a few bytes: who, when, and how it went.

use foldhash::HashMap;
use rayon::prelude::*;
use std::net::IpAddr;

use crate::attribute::facts::list::Fact;
use crate::attribute::facts::{Context, Facts, is_tap};
use crate::attribute::model::FactRow;
use crate::attribute::packed::FactTable;
use crate::correlate::{Interface, Outcome};
use crate::event::{Payload, Text, What};

/// No identifier.
pub const NONE: u32 = u32::MAX;

/// Response codes that say "not permitted" (ISO 8583:1987; Q/CUP 006.6-2014 annex A).
const NOT_PERMITTED: &[&str] = &["03", "12", "40", "57", "58"];
/// Response codes of a host or switch in trouble.
const SYSTEM: &[&str] = &["06", "09", "19", "90", "91", "92", "96"];
/// Response codes for an issuer that does not answer.
const ISSUER: &[&str] = &["68", "86", "91", "98"];

/// An attempt in brief.
#[derive(Debug, Clone, Copy, Default)]
pub struct Brief {
    pub at: Option<i64>,
    pub sale: u32,
    pub terminal: u32,
    pub merchant: u32,
    pub site: u32,
    pub card: u32,
    pub bin: u32,
    pub scheme: u32,
    pub server: u32,
    pub firmware: u32,
    pub address: u32,
    pub slow: bool,
    pub aid: u32,
    /// Scheme and index of the authority key that the card needs.
    pub capk: u32,
    pub code: u32,
    pub name: u32,
    pub tls_issuer: u32,
    /// Command and error of a dialogue that broke, as one number.
    pub error: u32,
    /// Records read before a READ RECORD that got no answer.
    pub records: i64,
    pub amount: Option<i64>,
    pub step: i64,
    pub tap: bool,
    pub contact: bool,
    /// The radio was used, and it is known.
    pub radio: bool,
    pub failed: bool,
    pub approved: bool,
    pub not_permitted: bool,
    pub system_code: bool,
    pub issuer_code: bool,
    /// Online: a request or a connection was tried.
    pub online: bool,
    pub no_answer: bool,
    pub refused: bool,
    pub rf_trouble: bool,
    pub collision: bool,
    /// The card got past activation.
    pub reached_card: bool,
    /// A tap in which no card came to answer.
    pub dead: bool,
    /// Sent to the chip with the field never on, though no limit was reached.
    pub unopened: bool,
    pub init_failed: bool,
    pub expired_said: bool,
    pub clock_wrong: bool,
    pub pin_wrong: bool,
    pub key_failure: bool,
    pub limit_refused: bool,
    pub oda_failed: bool,
    pub authenticated: bool,
    pub no_common_aid: bool,
    pub network_bad: bool,
    pub network_measured: bool,
    pub connected: bool,
    pub tls_alert: bool,
    pub name_resolved: bool,
    pub alert: i64,
}

/// Names by identifier, in order of first appearance.
#[derive(Debug, Default)]
pub struct Names {
    pub terminal: Pool,
    pub merchant: Pool,
    pub site: Pool,
    pub bin: Pool,
    pub server: Pool,
    pub card: Pool,
    pub firmware: Pool,
    other: Pool,
}

/// Gives names dense numbers.
#[derive(Debug, Default)]
pub struct Pool {
    ids: HashMap<Text, u32>,
    names: Vec<Text>,
}

impl Pool {
    fn id(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return NONE;
        }
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = u32::try_from(self.names.len()).unwrap_or(NONE);
        self.ids.insert(Text::new(name), id);
        self.names.push(Text::new(name));
        id
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The name of an identifier.
    pub fn name(&self, id: u32) -> &str {
        self.names.get(id as usize).map_or("", Text::as_str)
    }
}

/// All attempts in brief.
pub fn read(context: &Context<'_>, rows: &FactTable) -> (Vec<Brief>, Names) {
    let mut names = Names::default();
    let mut briefs: Vec<Brief> = Vec::with_capacity(rows.len());
    // A terminal's merchant and address, where any attempt shows them.
    let mut merchant_of: Vec<u32> = Vec::new();
    let mut site_of: Vec<u32> = Vec::new();
    let all: Vec<usize> = (0..rows.len()).collect();
    let drafts = all.chunks(TOGETHER).flat_map(|some| {
        let drafts: Vec<(Brief, Said)> = some
            .par_iter()
            .map(|&index| one(context, index, &rows.get(index)))
            .collect();
        drafts
    });
    for (mut brief, said) in drafts {
        said.number(&mut brief, &mut names);
        if brief.terminal != NONE {
            let at = brief.terminal as usize;
            if merchant_of.len() <= at {
                merchant_of.resize(at + 1, NONE);
                site_of.resize(at + 1, NONE);
            }
            for (slot, id) in [
                (merchant_of.get_mut(at), brief.merchant),
                (site_of.get_mut(at), brief.site),
            ] {
                if let Some(slot) = slot
                    && *slot == NONE
                {
                    *slot = id;
                }
            }
        }
        briefs.push(brief);
    }
    for brief in &mut briefs {
        let known = |of: &[u32]| of.get(brief.terminal as usize).copied().unwrap_or(NONE);
        let (merchant, site) = (known(&merchant_of), known(&site_of));
        if brief.merchant == NONE {
            brief.merchant = merchant;
        }
        if brief.site == NONE {
            brief.site = site;
        }
        // No address known: the merchant is the site.
        if brief.site == NONE && brief.merchant != NONE {
            let name = format!("merchant {}", names.merchant.name(brief.merchant));
            brief.site = names.site.id(&name);
        }
    }
    (briefs, names)
}

/// Attempts that are read together: names get their numbers one after the other, all else is done side by side.
const TOGETHER: usize = 8192;

/// Names that have no number yet.
#[derive(Default)]
struct Said {
    sale: Text,
    terminal: Text,
    merchant: Text,
    site: Text,
    firmware: Text,
    card: Text,
    bin: Text,
    scheme: Text,
    server: Text,
    aid: Text,
    capk: Text,
    code: Text,
    name: Text,
    tls_issuer: Text,
    error: Text,
}

impl Said {
    fn number(&self, brief: &mut Brief, names: &mut Names) {
        brief.sale = names.other.id(&self.sale);
        brief.terminal = names.terminal.id(&self.terminal);
        brief.merchant = names.merchant.id(&self.merchant);
        brief.site = names.site.id(&self.site);
        brief.firmware = names.firmware.id(&self.firmware);
        brief.card = names.card.id(&self.card);
        brief.bin = names.bin.id(&self.bin);
        brief.scheme = names.other.id(&self.scheme);
        brief.server = names.server.id(&self.server);
        brief.address = names.other.id(host_of(&self.server));
        brief.aid = names.other.id(&self.aid);
        brief.capk = names.other.id(&self.capk);
        brief.code = names.other.id(&self.code);
        brief.name = names.other.id(&self.name);
        brief.tls_issuer = names.other.id(&self.tls_issuer);
        brief.error = names.other.id(&self.error);
    }
}

fn one(context: &Context<'_>, index: usize, row: &FactRow) -> (Brief, Said) {
    let Some(attempt) = context.correlated.attempts.get(index) else {
        return Default::default();
    };
    let keys = &attempt.keys;
    let code = row.str(Fact::f39).unwrap_or("");
    let terminal = keys.terminal.as_deref().or(keys.device.as_deref());
    let known = terminal.and_then(|terminal| context.correlated.inventory.of(terminal));
    let teller = attempt
        .teller
        .and_then(|source| context.correlated.sources.get(source as usize))
        .map(|source| source.path.as_str());
    let card = context
        .sales
        .card(context.correlated, attempt)
        .map(|token| format!("{token:032x}"));
    let approved = attempt.outcome == Outcome::Approved;
    let failed = row.yes(Fact::failed);
    let tap = is_tap(attempt);
    let step = attempt.stage as i64;
    let error = match row.str(Fact::unanswered_command) {
        Some(command) if !command.is_empty() => format!("{command} unanswered"),
        _ => [
            ("gpo", Fact::gpo_sw),
            ("read_record", Fact::read_record_sw),
            ("generate_ac", Fact::gac_sw),
        ]
        .iter()
        .find_map(|(command, fact)| {
            let sw = row
                .str(*fact)
                .filter(|sw| !sw.is_empty() && *sw != "9000")?;
            Some(format!("{command} {sw}"))
        })
        .unwrap_or_default(),
    };
    let limit_refused = row.yes(Fact::log_limit_exceeded) || row.str(Fact::ei_l2) == Some("05");
    let off = row.yes(Fact::log_contactless_off)
        || row.yes(Fact::log_no_contactless_hardware)
        || row.yes(Fact::log_not_signed_on)
        || row.yes(Fact::log_update_running)
        || row.yes(Fact::log_cancelled);
    let init_failed = row.yes(Fact::log_reader_init_failed) || row.yes(Fact::log_reader_io_error);
    let reached_card = tap && step >= 3;
    let bad = row.yes(Fact::rtt_high)
        || row.number(Fact::retransmissions).unwrap_or(0) >= 3
        || row.yes(Fact::data_unacked)
        || row.yes(Fact::syn_unanswered)
        || row.yes(Fact::dns_failed)
        || row.yes(Fact::log_connect_timeout);
    let alert = row.number(Fact::tls_alert).unwrap_or(-1);
    // Where no application was selected, what the card offered tells the scheme.
    let offered = row.str(Fact::ppse_schemes).unwrap_or("");
    let scheme = keys
        .scheme
        .or_else(|| offered.split(',').next())
        .unwrap_or("");
    let text = |fact: Fact| Text::new(row.str(fact).unwrap_or(""));
    let said = Said {
        sale: attempt.sale_id.clone(),
        // A log that does not say whose it is is one terminal's all the same: it goes by its path.
        terminal: Text::new(terminal.or(teller).unwrap_or("")),
        merchant: keys.merchant.clone().unwrap_or_default(),
        site: known
            .and_then(|known| known.site.clone())
            .or_else(|| site(context, index).map(Text::from))
            .unwrap_or_default(),
        firmware: known
            .and_then(|known| known.firmware.clone())
            .unwrap_or_default(),
        card: Text::from(card.unwrap_or_default()),
        bin: text(Fact::issuer_bin),
        scheme: Text::new(scheme),
        capk: row
            .str(Fact::capk_index)
            .map_or_else(Text::default, |index| {
                Text::from(format!("{scheme} {index}"))
            }),
        server: text(Fact::server),
        aid: keys.aid.clone().unwrap_or_default(),
        code: Text::new(code),
        name: text(Fact::dns_name),
        tls_issuer: text(Fact::tls_issuer),
        error: Text::from(error),
    };
    let brief = Brief {
        at: attempt.started_at,
        slow: row.yes(Fact::rtt_high)
            || row.number(Fact::retransmissions).unwrap_or(0) >= 2
            || row.yes(Fact::late_response)
            || (row.yes(Fact::connect_ok) && row.number(Fact::syn_count).unwrap_or(0) >= 2),
        amount: row.number(Fact::amount_minor),
        // What a dialogue that broke elsewhere had read is not where it broke.
        records: match row.str(Fact::unanswered_command) {
            Some("read_record") => row.number(Fact::records_read).unwrap_or(0),
            _ => 0,
        },
        step,
        tap,
        contact: attempt.interface == Interface::Contact,
        radio: attempt.interface == Interface::Contactless,
        failed,
        approved,
        not_permitted: NOT_PERMITTED.contains(&code),
        system_code: SYSTEM.contains(&code),
        issuer_code: ISSUER.contains(&code),
        online: row.yes(Fact::request_seen) || row.yes(Fact::connect_attempted),
        no_answer: row.yes(Fact::no_response)
            || row.yes(Fact::late_response)
            || (row.yes(Fact::log_read_timeout) && !approved),
        refused: row.yes(Fact::connect_refused)
            || row.yes(Fact::reset_mid)
            || row.yes(Fact::fin_early),
        rf_trouble: row.number(Fact::transmission_errors).unwrap_or(0) > 0
            || row.yes(Fact::activation_failed),
        collision: row.yes(Fact::collision),
        reached_card,
        dead: tap
            && failed
            && !reached_card
            && !limit_refused
            && !off
            && (init_failed
                || row.yes(Fact::no_card_polled)
                || (step <= 1 && row.yes(Fact::field_on) && !row.yes(Fact::connect_attempted))),
        unopened: tap
            && failed
            && step <= 1
            && row.no(Fact::field_on)
            && (row.yes(Fact::log_use_chip) || row.yes(Fact::log_contactless_off))
            && !limit_refused
            && !init_failed
            && !row.yes(Fact::log_not_signed_on)
            && !row.yes(Fact::log_cancelled),
        init_failed,
        expired_said: row.yes(Fact::log_card_expired)
            || row.yes(Fact::tvr_expired)
            || row.yes(Fact::tvr_not_effective)
            || row.yes(Fact::card_expired_by_terminal),
        clock_wrong: row.yes(Fact::clock_wrong) || row.yes(Fact::log_clock_bad),
        pin_wrong: code == "55" && row.yes(Fact::pin_present),
        key_failure: matches!(code, "A0" | "99" | "A7" | "63") || row.yes(Fact::log_key_error),
        limit_refused,
        oda_failed: row.yes(Fact::log_capk_missing)
            || row.yes(Fact::log_oda_failed)
            || row.yes(Fact::tvr_oda_failed)
            || row.str(Fact::ei_l2) == Some("02"),
        authenticated: tap && step >= 7 && !failed,
        no_common_aid: row.yes(Fact::log_no_common_aid)
            || row.yes(Fact::no_aid_selected_after_ppse),
        network_bad: bad,
        network_measured: bad
            || row.yes(Fact::connect_ok)
            || row.number(Fact::rtt_ms).is_some()
            || row.yes(Fact::response_seen),
        connected: row.yes(Fact::connect_ok) || row.yes(Fact::response_seen),
        tls_alert: alert > 0,
        name_resolved: row.str(Fact::dns_name).is_some()
            && !row.yes(Fact::dns_failed)
            && !row.yes(Fact::dns_nx),
        alert,
        ..Brief::default()
    };
    (brief, said)
}

/// A server without its port.
fn host_of(server: &str) -> &str {
    match server.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !host.is_empty() => host,
        _ => server,
    }
}

/// The /24 (or /64) network of the terminal's own address.
fn site(context: &Context<'_>, index: usize) -> Option<String> {
    let attempt = context.correlated.attempts.get(index)?;
    let events = &context.correlated.events;
    let address = attempt.events.iter().find_map(|&event| {
        if !matches!(events.head(event).what, What::Tcp | What::Tls | What::Dns) {
            return None;
        }
        match &events.get(event).payload {
            Payload::Tcp(connection) => Some(connection.client.ip()),
            Payload::Tls(tls) => Some(tls.client.ip()),
            Payload::Dns(dns) => Some(dns.client),
            _ => None,
        }
    });
    let address = address.or_else(|| {
        let device = attempt.keys.device.as_deref()?;
        device
            .parse::<IpAddr>()
            .ok()
            .or_else(|| Some(device.parse::<std::net::SocketAddr>().ok()?.ip()))
    })?;
    Some(match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    })
}
