//! Failures with one origin: whom they touch, when, and what the terminal writes of them.

use crate::fleet::Host;
use crate::rng::Rng;
use crate::say::Say;
use crate::story::Run;
use crate::time::{DAY, H, Micros, S};
use crate::world::World;
use std::io::{self, Write};

/// Single failures and how often each is drawn.
pub(super) const SINGLES: &[(&str, u32)] = &[
    ("USER_CARD_REMOVED_EARLY", 90),
    ("USER_MULTIPLE_CARDS", 45),
    ("USER_POOR_PLACEMENT", 30),
    ("USER_ABANDONED", 40),
    ("USER_PIN_WRONG", 25),
    ("USER_DUPLICATE_TAP", 20),
    ("DEV_CDCVM_REQUIRED", 60),
    ("DEV_WALLET_NOT_READY", 14),
    ("CARD_NOT_CONTACTLESS", 20),
    ("CARD_EXPIRED", 35),
    ("CARD_BLOCKED", 22),
    ("CARD_DATA_INVALID", 10),
    ("CARD_OFFLINE_DECLINED", 22),
    ("CARD_ODA_FAILED", 8),
    ("CARD_REQUIRES_CONTACT", 32),
    ("LIM_READER_LIMIT", 45),
    ("LIM_CVM_NOT_POSSIBLE", 10),
    ("LIM_ISSUER_AMOUNT", 22),
    ("LIM_STEP_UP_REQUIRED", 26),
    ("ISS_INSUFFICIENT_FUNDS", 90),
    ("ISS_RISK_DECLINE", 26),
    ("ISS_CARD_RESTRICTED", 18),
    ("ISS_ACCOUNT_INVALID", 14),
    ("ISS_PIN_TRIES_EXCEEDED", 8),
    ("ISS_CONTACTLESS_BLOCKED", 10),
    ("ISS_CRYPTOGRAM_FAILED", 6),
    ("HOST_RESPONSE_TIMEOUT", 28),
    ("NET_CONN_DROPPED", 14),
    ("NET_WEAK_SIGNAL", 14),
    ("NET_NO_LINK", 12),
    ("SW_APP_FAULT", 10),
    ("CARD_ANTENNA_FAULT", 12),
    ("CARD_CHIP_DAMAGED", 8),
    ("FBK_CONTACT_READ_FAILED", 5),
    ("FBK_MAGSTRIPE_READ_FAILED", 2),
    ("FBK_REFUSED", 3),
    ("HW_PERIPHERAL_LINK", 4),
    ("MER_CASHIER_ERROR", 6),
    ("SW_UPDATE_IN_PROGRESS", 5),
];

/// Incidents: cause, scope kind, minutes, failing sales in a thousand.
pub(super) const GROUPS: &[(&str, char, i64, u32)] = &[
    ("HW_READER_FAULT", 't', 290, 1000),
    ("NET_CONGESTION", 'S', 50, 340),
    ("HOST_SYSTEM_FAULT", 'f', 6, 850),
    ("ISS_UNAVAILABLE", 'i', 25, 920),
    ("MER_CONTACTLESS_NOT_ENABLED", 'm', 1440, 1000),
    ("NET_HOST_UNREACHABLE", 'h', 7, 950),
    ("CFG_KEYS_INVALID", 't', 150, 1000),
    ("NET_DNS_FAILURE", 's', 45, 1000),
    ("CFG_CAPK_MISSING", 't', 500, 350),
    ("CFG_AID_MISSING", 't', 600, 1000),
    ("MER_TERMINAL_UNREGISTERED", 't', 240, 1000),
    ("NET_TLS_CERT", 't', 200, 1000),
    ("NET_TLS_HANDSHAKE", 't', 200, 1000),
    ("CFG_CONTACTLESS_OFF", 't', 260, 1000),
    ("CFG_LIMIT_MISSET", 't', 240, 1000),
    ("SW_CLOCK_WRONG", 't', 420, 1000),
    ("HOST_FORMAT_ERROR", 't', 160, 1000),
    ("MER_SESSION_STATE", 't', 90, 1000),
    ("CFG_KERNEL_PARAMS", 't', 200, 1000),
    ("NET_BLOCKED", 's', 60, 1000),
    ("HW_RF_DEGRADED", 't', 600, 450),
    ("HOST_MAINTENANCE", 'h', 8, 1000),
    ("CFG_HOST_ADDRESS", 't', 180, 1000),
    ("MER_MERCHANT_INVALID", 'm', 200, 1000),
    ("MER_SCHEME_NOT_ACCEPTED", 'm', 1440, 1000),
    ("SW_KERNEL_OUTDATED", 't', 600, 700),
    // A model without a reader never had one.
    ("HW_NO_CONTACTLESS", 't', 1440, 1000),
    ("SW_OS_FAULT", 't', 40, 1000),
    ("HW_SECURITY_TAMPER", 't', 90, 1000),
    ("MER_FEE_NOT_CONFIGURED", 'm', 200, 1000),
    ("SW_INTEROP", 't', 400, 500),
];

/// Whom an incident touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One terminal.
    Terminal(usize),
    /// One merchant.
    Merchant(usize),
    /// One site.
    Site(usize),
    /// One issuer.
    Issuer(usize),
    /// One host.
    Host(Host),
    /// Everyone.
    Fleet,
}

/// Failures with one origin.
#[derive(Debug, Clone)]
pub struct Incident {
    /// Name.
    pub id: String,
    /// Cause.
    pub cause: &'static str,
    /// Whom.
    pub scope: Scope,
    /// From.
    pub from: Micros,
    /// To.
    pub to: Micros,
    /// Failing sales in a thousand.
    pub share: u32,
    /// Sales it made fail.
    pub hit: u64,
    /// 0 before, 1 during, 2 after: what the terminal wrote of it.
    pub(crate) phase: u8,
}

pub(super) fn incidents(w: &World, day: i64, zero: Micros, r: &mut Rng) -> Vec<Incident> {
    let t = w.fleet.terminals.len();
    let mut order: Vec<usize> = (0..t).collect();
    r.shuffle(&mut order);
    let mut budget = (t / 6).max(2);
    let mut out = Vec::new();
    let mut used_sites = vec![false; w.fleet.sites.len()];
    let copies = 1 + t / 600;
    for k in 0..copies {
        for (i, (cause, kind, minutes, share)) in GROUPS.iter().enumerate() {
            let noon = zero + r.range(9 * 60, 20 * 60 - (*minutes).min(600)) * 60 * S;
            let scope = match kind {
                't' => {
                    if budget == 0 {
                        continue;
                    }
                    let Some(x) = order.pop() else { continue };
                    budget -= 1;
                    Scope::Terminal(x)
                }
                'm' => {
                    let Some((s, size)) = small_merchant(w, &used_sites, r) else {
                        continue;
                    };
                    if budget < size {
                        continue;
                    }
                    used_sites[s] = true;
                    budget -= size;
                    Scope::Merchant(w.fleet.sites[s].merchant)
                }
                'S' => Scope::Site(0),
                's' => {
                    let Some(s) = (0..8)
                        .map(|_| r.below(w.fleet.sites.len() as u64) as usize)
                        .find(|s| {
                            !used_sites[*s]
                                && *s != 0
                                && (w.fleet.sites[*s].terminals.len() >= 3 || t < 100)
                        })
                    else {
                        continue;
                    };
                    used_sites[s] = true;
                    Scope::Site(s)
                }
                'i' => Scope::Issuer(r.below(4) as usize),
                'h' => Scope::Host(*r.pick(&[Host::One, Host::TwoHex])),
                _ => Scope::Fleet,
            };
            if k > 0 && matches!(kind, 'f' | 'S' | 'h' | 'i' | 'm') {
                continue;
            }
            let (from, to) = match *cause {
                "HOST_MAINTENANCE" => (zero + 23 * H, zero + 23 * H + minutes * 60 * S),
                _ if *minutes >= 1440 => (zero, zero + DAY),
                _ => (noon, noon + minutes * 60 * S),
            };
            out.push(Incident {
                id: format!("INC{day:02}{k}{i:02}"),
                cause,
                scope,
                from,
                to,
                share: *share,
                hit: 0,
                phase: 0,
            });
        }
    }
    out
}

/// The incident of a scenario, if its cause comes in incidents.
pub(super) fn scene(w: &World, cause: &'static str, zero: Micros, n: u64) -> Vec<Incident> {
    let Some((_, kind, _, share)) = GROUPS.iter().find(|g| g.0 == cause) else {
        return Vec::new();
    };
    let last = w.fleet.terminals.len() - 1;
    let scope = match kind {
        't' => Scope::Terminal(last),
        'm' => Scope::Merchant(w.fleet.sites[w.fleet.terminals[last].site].merchant),
        'S' | 's' => Scope::Site(w.fleet.terminals[last].site),
        'i' => Scope::Issuer(0),
        'h' => Scope::Host(w.fleet.merchant_of(last).host),
        _ => Scope::Fleet,
    };
    let step = 75 * S;
    let from = zero + 10 * H + n as i64 / 3 * step;
    let to = if *kind == 'm' {
        zero + DAY
    } else {
        zero + 10 * H + n as i64 * 4 / 5 * step
    };
    let from = if *kind == 'm' { zero } else { from };
    vec![Incident {
        id: "INC0001".into(),
        cause,
        scope,
        from,
        to,
        share: *share,
        hit: 0,
        phase: 0,
    }]
}

/// Whether a cause comes in single sales rather than in incidents.
#[must_use]
pub fn is_single(cause: &str) -> bool {
    !GROUPS.iter().any(|g| g.0 == cause)
}

/// Every cause that can be simulated.
#[must_use]
pub fn causes() -> Vec<&'static str> {
    let mut v: Vec<&str> = SINGLES
        .iter()
        .map(|s| s.0)
        .chain(GROUPS.iter().map(|g| g.0))
        .collect();
    v.sort_unstable();
    v.dedup();
    v
}

/// A site whose merchant has few terminals in all.
pub(super) fn small_merchant(w: &World, used: &[bool], r: &mut Rng) -> Option<(usize, usize)> {
    let size = |m: usize| {
        w.fleet
            .sites
            .iter()
            .filter(|s| s.merchant == m)
            .map(|s| s.terminals.len())
            .sum::<usize>()
    };
    let mut best: Option<(usize, usize)> = None;
    for _ in 0..12 {
        let s = r.below(used.len() as u64) as usize;
        let n = size(w.fleet.sites[s].merchant);
        if !used[s] && w.fleet.sites[s].merchant != 0 && best.is_none_or(|(_, b)| n < b) {
            best = Some((s, n));
        }
    }
    best
}

pub(super) fn touches(i: &Incident, w: &World, term: usize, issuer: usize, t: Micros) -> bool {
    if t < i.from || t >= i.to {
        return false;
    }
    let site = w.fleet.terminals[term].site;
    match i.scope {
        Scope::Terminal(x) => x == term,
        Scope::Site(s) => s == site,
        Scope::Merchant(m) => w.fleet.sites[site].merchant == m,
        Scope::Issuer(x) => x == issuer,
        Scope::Host(h) => w.fleet.merchant_of(term).host == h,
        Scope::Fleet => true,
    }
}

/// What a terminal writes when its trouble begins and ends.
pub(super) fn narrate<L: Write>(run: &mut Run<L>, i: &mut Incident, t: Micros) -> io::Result<()> {
    let Scope::Terminal(term) = i.scope else {
        return Ok(());
    };
    let w = &mut run.w;
    if w.fleet.terminals[term].free > t {
        return Ok(());
    }
    let limit = w.fleet.terminals[term].limit;
    let (version, serial) = (
        w.fleet.terminals[term].version,
        w.fleet.terminals[term].serial.clone(),
    );
    let skew = 9 * 365 * DAY;
    if i.phase == 0 && t >= i.from {
        i.phase = 1;
        match i.cause {
            "CFG_LIMIT_MISSET" => w.say(
                term,
                t - S,
                &Say::Params {
                    version: 37,
                    limit: 0,
                },
            )?,
            "CFG_AID_MISSING" | "CFG_CAPK_MISSING" => w.say(term, t - S, &Say::ParamFail)?,
            "MER_TERMINAL_UNREGISTERED" => w.sign_on(term, t - 3 * S, "97")?,
            "SW_CLOCK_WRONG" => {
                w.fleet.terminals[term].clock.offset += skew;
                w.say(
                    term,
                    t - S,
                    &Say::Boot {
                        version,
                        serial: &serial,
                    },
                )?;
            }
            _ => {}
        }
    } else if i.phase == 1 && t >= i.to {
        i.phase = 2;
        match i.cause {
            "CFG_LIMIT_MISSET" | "CFG_AID_MISSING" | "CFG_CAPK_MISSING" | "CFG_KERNEL_PARAMS" => {
                w.say(term, t - S, &Say::Params { version: 38, limit })?
            }
            "CFG_KEYS_INVALID" | "MER_SESSION_STATE" | "MER_TERMINAL_UNREGISTERED" => {
                w.sign_on(term, t - 3 * S, "00")?
            }
            "HW_READER_FAULT" => w.say(term, t - S, &Say::Repaired)?,
            "SW_OS_FAULT" => w.say(
                term,
                t - S,
                &Say::Boot {
                    version,
                    serial: &serial,
                },
            )?,
            "SW_CLOCK_WRONG" => {
                w.fleet.terminals[term].clock.offset -= skew;
                w.say(term, t - S, &Say::ClockSet { was: "2035" })?;
            }
            _ => {}
        }
    }
    Ok(())
}
