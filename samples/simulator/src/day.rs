//! Turns size and seed into a day: who sells when, what goes wrong for whom, until the size is reached.

use crate::fleet::{Host, Profile, card};
use crate::labels;
use crate::rng::Rng;
use crate::say::Say;
use crate::story::Run;
use crate::time::{DAY, H, Micros, S, ZONE};
use crate::world::World;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// What to simulate.
#[derive(Debug, Clone)]
pub struct Config {
    /// Sales; with `bytes` the sales a day.
    pub transactions: u64,
    /// Seed.
    pub seed: u64,
    /// Terminals, 0 to choose by size.
    pub terminals: usize,
    /// Local midnight of the first day.
    pub zero: Micros,
    /// Quality of the sources.
    pub profile: Profile,
    /// Noise lines a sale.
    pub noise: u32,
    /// Keep going day after day until so many bytes of input.
    pub bytes: u64,
}

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
    phase: u8,
}

/// What came out.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Sales.
    pub sales: u64,
    /// Attempts.
    pub attempts: u64,
    /// Bytes of input, unpacked.
    pub bytes: u64,
    /// Attempts by cause, `-` for none.
    pub tally: BTreeMap<String, u64>,
    /// Input files with sizes.
    pub files: Vec<(String, u64)>,
}

/// Single failures and how often each is drawn.
const SINGLES: &[(&str, u32)] = &[
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
const GROUPS: &[(&str, char, i64, u32)] = &[
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
    ("HW_NO_CONTACTLESS", 't', 400, 1000),
    ("SW_OS_FAULT", 't', 40, 1000),
    ("HW_SECURITY_TAMPER", 't', 90, 1000),
    ("MER_FEE_NOT_CONFIGURED", 'm', 200, 1000),
    ("SW_INTEROP", 't', 400, 500),
];

fn incidents(w: &World, day: i64, zero: Micros, r: &mut Rng) -> Vec<Incident> {
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

/// A site whose merchant has few terminals in all.
fn small_merchant(w: &World, used: &[bool], r: &mut Rng) -> Option<(usize, usize)> {
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

fn touches(i: &Incident, w: &World, term: usize, issuer: usize, t: Micros) -> bool {
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

/// Share of the day's sales in each hour from 0 to 23.
const CURVE: [u32; 24] = [
    2, 1, 1, 1, 1, 3, 10, 30, 50, 48, 55, 90, 110, 80, 60, 55, 58, 75, 105, 95, 70, 50, 25, 8,
];

fn instant(k: u64, n: u64, zero: Micros) -> Micros {
    let total: u64 = CURVE.iter().map(|c| u64::from(*c)).sum();
    let mut x = (k as u128 * total as u128 * 1_000_000 / n.max(1) as u128) as u64;
    for (h, c) in CURVE.iter().enumerate() {
        let c = u64::from(*c) * 1_000_000;
        if x < c {
            return zero + h as i64 * H + (x as u128 * H as u128 / c as u128) as i64;
        }
        x -= c;
    }
    zero + DAY - S
}

/// Simulates into `out` (`input/` and the truth beside it).
pub fn simulate(cfg: &Config, out: &Path) -> io::Result<Summary> {
    let input = out.join("input");
    fs::create_dir_all(&input)?;
    let n = cfg.transactions.max(1);
    let terminals = if cfg.terminals > 0 {
        cfg.terminals
    } else {
        (n / 40).clamp(10, 2000) as usize
    };
    let cards = (n * 7 / 10).clamp(60, 2_000_000);
    let w = World::new(
        cfg.seed,
        &input,
        cfg.zero,
        terminals,
        cards,
        cfg.profile,
        cfg.noise,
    );
    let mut labels = BufWriter::new(File::create(out.join("labels.csv"))?);
    writeln!(labels, "{}", labels::COLUMNS)?;
    let mut run = Run {
        w,
        labels,
        sales: 0,
        attempts: 0,
        tally: BTreeMap::new(),
    };
    let mut all = Vec::new();
    let mut atc: BTreeMap<u64, u16> = BTreeMap::new();
    for day in 0.. {
        let zero = cfg.zero + day * DAY;
        atc.clear();
        let done = one_day(&mut run, cfg, day, zero, n, &mut atc, &mut all)?;
        if done {
            break;
        }
    }
    run.labels.flush()?;
    write_truth(&run.w, &all, out)?;
    let files = run.w.sinks.finish()?;
    Ok(Summary {
        sales: run.sales,
        attempts: run.attempts,
        bytes: run.w.sinks.bytes,
        tally: run.tally,
        files,
    })
}

fn one_day(
    run: &mut Run<BufWriter<File>>,
    cfg: &Config,
    day: i64,
    zero: Micros,
    n: u64,
    atc: &mut BTreeMap<u64, u16>,
    all: &mut Vec<Incident>,
) -> io::Result<bool> {
    let mut r = Rng::of(cfg.seed, 5, day as u64);
    let mut inc = incidents(&run.w, day, zero, &mut r);
    let singles: Vec<u32> = SINGLES.iter().map(|s| s.1).collect();
    for i in &inc {
        if let (Scope::Terminal(t), "NET_TLS_CERT" | "NET_TLS_HANDSHAKE") = (i.scope, i.cause) {
            run.w.fleet.terminals[t].tls = true;
        }
    }
    start_of_day(run, zero)?;
    let mut full = false;
    for k in 0..n {
        let step = (instant(k + 1, n, zero) - instant(k, n, zero)).max(1);
        let t = instant(k, n, zero) + r.range(0, step - 1);
        for i in &mut inc {
            narrate(run, i, t)?;
        }
        let Some(term) = free_terminal(run, &mut r, t, &inc) else {
            continue;
        };
        let mut index = r.below(run.w.fleet.cards);
        let mut c = card(cfg.seed, index, None, false);
        let amount = amount(&mut r);
        let found = inc
            .iter()
            .position(|i| touches(i, &run.w, term, c.issuer, t) && r.chance(i.share));
        let mut cause = "";
        let mut incident = String::new();
        if let Some(i) = found {
            cause = inc[i].cause;
            incident.clone_from(&inc[i].id);
        } else if r.chance(46) {
            cause = SINGLES[r.weighted(&singles)].0;
        }
        let mut amount = amount;
        shape(
            cfg.seed,
            cause,
            run,
            term,
            &mut r,
            &mut c,
            &mut index,
            &mut amount,
            found.is_some(),
        );
        if found.is_some() && !applies(cause, &c) {
            cause = "";
            incident.clear();
        } else if let Some(i) = found {
            inc[i].hit += 1;
        }
        let used = atc.entry(index).or_insert(c.atc);
        *used = used.wrapping_add(3);
        let used = *used;
        let noise = run.w.noise;
        let was = run.w.fleet.terminals[term].free;
        run.w.noise_lines(
            term,
            was.max(t - 600 * S),
            (t - was).min(600 * S) - S,
            noise,
        )?;
        if run.w.rng.chance(160) {
            run.w.background(term, t - 20 * S)?;
        }
        let mut s = run.begin(term, t, c, amount, used)?;
        match cause {
            "" if inc.iter().any(|i| {
                i.cause == "NET_CONGESTION" && touches(i, &run.w, term, usize::MAX, t)
            }) =>
            {
                run.slow(&mut s, &incident)?
            }
            "" => run.ordinary(&mut s, &incident)?,
            _ => run.fail(&mut s, cause, &incident)?,
        }
        run.w.fleet.terminals[term].free = s.t + r.range(5, 40) * S;
        if k % 64 == 63 {
            run.w.sinks.drain(t - 25 * S, false)?;
        }
        if cfg.bytes > 0 && run.w.sinks.bytes >= cfg.bytes {
            full = true;
            break;
        }
    }
    all.extend(inc.into_iter().filter(|i| i.hit > 0));
    run.w.sinks.drain(zero + DAY, true)?;
    Ok(full || cfg.bytes == 0)
}

/// What a terminal writes when its trouble begins and ends.
fn narrate<L: Write>(run: &mut Run<L>, i: &mut Incident, t: Micros) -> io::Result<()> {
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

/// A terminal that is idle at this time, drawn by weight.
fn free_terminal<L: Write>(
    run: &Run<L>,
    r: &mut Rng,
    t: Micros,
    inc: &[Incident],
) -> Option<usize> {
    let all = &run.w.fleet.terminals;
    if r.chance(18) && !inc.is_empty() {
        // Shops with a faulty terminal are busy ones: so that their runs are long enough to be seen.
        let i = &inc[r.below(inc.len() as u64) as usize];
        if let Scope::Terminal(x) = i.scope
            && t >= i.from
            && t < i.to
            && all[x].free <= t
        {
            return Some(x);
        }
    }
    if r.chance(100)
        && let Some(i) = inc
            .iter()
            .find(|i| i.cause == "NET_CONGESTION" && t >= i.from && t < i.to)
        && let Scope::Site(s) = i.scope
    {
        // A promotion: the load that clogs the line.
        let x = *r.pick(&run.w.fleet.sites[s].terminals);
        if all[x].free <= t {
            return Some(x);
        }
    }
    for _ in 0..60 {
        let x = r.below(all.len() as u64) as usize;
        if all[x].free <= t && r.chance(all[x].weight * 7) {
            return Some(x);
        }
    }
    None
}

/// An incident may not touch every card.
fn applies(cause: &str, c: &crate::fleet::Card) -> bool {
    use crate::fleet::Scheme;
    match cause {
        "CFG_AID_MISSING" | "SW_CLOCK_WRONG" | "SW_KERNEL_OUTDATED" => {
            c.scheme == Scheme::Mastercard
        }
        "MER_SCHEME_NOT_ACCEPTED" => c.scheme == Scheme::Visa,
        "CFG_CAPK_MISSING" => c.scheme == Scheme::UnionPay,
        "CFG_KERNEL_PARAMS" => c.scheme != Scheme::Mastercard,
        "SW_INTEROP" => c.issuer % 2 == 0,
        _ => true,
    }
}

/// Fits card and amount to the cause.
#[allow(
    clippy::too_many_arguments,
    reason = "one place that fits a sale to its story"
)]
fn shape<L: Write>(
    seed: u64,
    cause: &str,
    run: &Run<L>,
    term: usize,
    r: &mut Rng,
    c: &mut crate::fleet::Card,
    index: &mut u64,
    amount: &mut u64,
    group: bool,
) {
    use crate::fleet::Scheme;
    let limit = run.w.fleet.terminals[term].limit;
    match cause {
        "LIM_READER_LIMIT" => *amount = limit + r.below(400_000) + u64::from(r.chance(500)),
        "LIM_CVM_NOT_POSSIBLE" => *amount = 100_000 + r.below(60_000),
        "LIM_ISSUER_AMOUNT" => *amount = 60_000 + r.below(300_000),
        "CFG_LIMIT_MISSET" => *amount = (*amount).min(20_000),
        _ => {}
    }
    if group && !applies(cause, c) && r.chance(400) {
        let want = match cause {
            "CFG_AID_MISSING" | "SW_CLOCK_WRONG" | "SW_KERNEL_OUTDATED" => Some(Scheme::Mastercard),
            "MER_SCHEME_NOT_ACCEPTED" => Some(Scheme::Visa),
            "CFG_CAPK_MISSING" | "CFG_KERNEL_PARAMS" => Some(Scheme::UnionPay),
            _ => None,
        };
        *index += 60_000_000;
        *c = card(seed, *index, want, false);
    }
    if !group
        && (cause.starts_with("CARD_")
            || cause.starts_with("ISS_CARD")
            || cause.starts_with("ISS_CONT"))
    {
        // Bad cards come back: a small stock of them.
        *index = run.w.fleet.cards
            + 1
            + (cause.len() as u64 * 131 + r.below(run.w.fleet.cards / 60 + 2)) % 40_000_000;
        let want = match cause {
            "CARD_ODA_FAILED" | "CARD_DATA_INVALID" => Some(Scheme::Mastercard),
            "CARD_OFFLINE_DECLINED" | "CARD_REQUIRES_CONTACT" => {
                Some(*r.pick(&[Scheme::UnionPay, Scheme::Visa]))
            }
            _ => None,
        };
        *c = card(seed, *index, want, true);
    }
    if matches!(cause, "DEV_CDCVM_REQUIRED" | "DEV_WALLET_NOT_READY") {
        c.phone = true;
    }
    if cause == "LIM_CVM_NOT_POSSIBLE" {
        *index = run.w.fleet.cards + 50_000_000 + *index;
        *c = card(seed, *index, Some(Scheme::UnionPay), true);
    }
    if cause.starts_with("FBK_") {
        *c = card(seed, *index, Some(Scheme::UnionPay), true);
    }
    if cause == "LIM_CVM_NOT_POSSIBLE" || cause == "LIM_READER_LIMIT" {
        c.phone = false;
    }
}

fn amount(r: &mut Rng) -> u64 {
    let yuan = match r.below(100) {
        0..=39 => r.range(3, 30),
        40..=74 => r.range(20, 120),
        75..=93 => r.range(80, 400),
        _ => r.range(300, 980),
    } as u64;
    let yuan = yuan.min(499);
    yuan * 100
        + if r.chance(400) {
            r.below(100)
        } else {
            *r.pick(&[0, 0, 50, 80, 90])
        }
}

fn start_of_day(run: &mut Run<BufWriter<File>>, zero: Micros) -> io::Result<()> {
    for term in 0..run.w.fleet.terminals.len() {
        let t = zero + 5 * H + run.w.rng.range(0, 3600) * S / 2;
        let tm = &run.w.fleet.terminals[term];
        let (v, sn, limit) = (tm.version, tm.serial.clone(), tm.limit);
        run.w.say(
            term,
            t,
            &Say::Boot {
                version: v,
                serial: &sn,
            },
        )?;
        run.w
            .say(term, t + 2 * S, &Say::Params { version: 36, limit })?;
        run.w.sign_on(term, t + 9 * S, "00")?;
        run.w.saw = crate::world::Saw::default();
        run.w.fleet.terminals[term].free = run.w.fleet.terminals[term].free.max(zero);
    }
    Ok(())
}

fn write_truth(w: &World, inc: &[Incident], out: &Path) -> io::Result<()> {
    let mut f = BufWriter::new(File::create(out.join("clocks.csv"))?);
    writeln!(f, "source,kind,offset_ms,drift_ppm")?;
    let mut row = |id: usize, kind: &str, c: crate::time::Clock| -> io::Result<()> {
        let off = (c.offset + c.zone_error * H) / 1000;
        for name in w.sinks.names(id) {
            writeln!(f, "{name},{kind},{off},{}", c.ppm)?;
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
    if let Some((id, c)) = w.host_log {
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

/// Local midnight of a date as written, `YYYY-MM-DD`.
#[must_use]
pub fn midnight(date: &str) -> Option<Micros> {
    let d: jiff::civil::Date = date.parse().ok()?;
    let t = d.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(t.timestamp().as_microsecond() - ZONE)
}
