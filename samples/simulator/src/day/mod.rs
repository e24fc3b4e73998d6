//! Turns size and seed into a day: who sells when, what goes wrong for whom, until the size is reached.

mod incident;
pub(crate) mod truth;

pub use incident::{Incident, Scope, causes, is_single};

use crate::fleet::{Profile, card};
use crate::labels;
use crate::rng::Rng;
use crate::say::Say;
use crate::story::{Run, Together};
use crate::time::{DAY, H, Micros, S, ZONE};
use crate::world::World;
use incident::{SINGLES, incidents, narrate, scene, touches};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use truth::write_truth;

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
    /// Single failures in a thousand sales.
    pub failures: u32,
    /// A short hour around this one cause instead of a day.
    pub only: Option<&'static str>,
    /// Six log styles, five dialogue styles, clocks wrong in every way, and failures that come together; without it the
    /// plainer world of the shipped samples.
    pub rich: bool,
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

/// Share of the day's sales in each hour from 0 to 23.
const CURVE: [u32; 24] = [
    2, 1, 1, 1, 1, 3, 10, 30, 50, 48, 55, 90, 110, 80, 60, 55, 58, 75, 105, 95, 70, 50, 25, 8,
];

fn instant(k: u64, n: u64, zero: Micros) -> Micros {
    let total: u64 = CURVE.iter().map(|c| u64::from(*c)).sum();
    let mut x = (u128::from(k) * u128::from(total) * 1_000_000 / u128::from(n.max(1))) as u64;
    for (h, c) in CURVE.iter().enumerate() {
        let c = u64::from(*c) * 1_000_000;
        if x < c {
            return zero + h as i64 * H + (u128::from(x) * H as u128 / u128::from(c)) as i64;
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
        cfg.rich,
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
    let mut inc = match cfg.only {
        Some(cause) => scene(&run.w, cause, zero, n),
        None => incidents(&run.w, day, zero, &mut r),
    };
    let singles: Vec<u32> = SINGLES.iter().map(|s| s.1).collect();
    for i in &inc {
        if let (Scope::Terminal(t), "NET_TLS_CERT" | "NET_TLS_HANDSHAKE") = (i.scope, i.cause) {
            run.w.fleet.terminals[t].tls = true;
        }
    }
    start_of_day(run, zero)?;
    let mut full = false;
    for k in 0..n {
        let t = if cfg.only.is_some() {
            zero + 10 * H + k as i64 * 75 * S
        } else {
            let step = (instant(k + 1, n, zero) - instant(k, n, zero)).max(1);
            instant(k, n, zero) + r.range(0, step - 1)
        };
        for i in &mut inc {
            narrate(run, i, t)?;
        }
        let Some(term) = free_terminal(run, &mut r, t, &inc) else {
            continue;
        };
        let mut index = r.below(run.w.fleet.cards);
        let mut c = card(cfg.seed, index, None, false);
        let amount = amount(&mut r);
        // What has no reader takes no tap, whatever else goes on that day.
        let found = inc
            .iter()
            .position(|i| i.cause == "HW_NO_CONTACTLESS" && touches(i, &run.w, term, c.issuer, t))
            .or_else(|| {
                inc.iter()
                    .position(|i| touches(i, &run.w, term, c.issuer, t) && r.chance(i.share))
            });
        let mut cause = "";
        let mut together = None;
        let mut incident = String::new();
        if let Some(i) = found {
            cause = inc[i].cause;
            incident.clone_from(&inc[i].id);
        } else if let Some(only) = cfg.only {
            if inc.is_empty() && (k == n / 2 || (only.starts_with("CARD_") && k == n * 3 / 4)) {
                cause = only;
            }
        } else if cfg.rich && r.chance(cfg.failures / 12) {
            together = Some(*r.pick(Together::ALL));
            cause = together.map_or("", Together::shaped_as);
        } else if r.chance(cfg.failures) {
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
            _ if together.is_some() => {
                if let Some(t) = together {
                    run.together(&mut s, t)?;
                }
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

/// A terminal that is idle at this time, drawn by weight.
fn free_terminal<L: Write>(
    run: &Run<L>,
    r: &mut Rng,
    t: Micros,
    inc: &[Incident],
) -> Option<usize> {
    let all = &run.w.fleet.terminals;
    if !inc.is_empty() && r.chance(if inc.len() == 1 { 450 } else { 18 }) {
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
        "SW_INTEROP" => c.issuer.is_multiple_of(2),
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
    if cause == "USER_POOR_PLACEMENT" {
        c.phone = false;
    }
    if cause == "LIM_CVM_NOT_POSSIBLE" {
        *index += run.w.fleet.cards + 50_000_000;
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

/// Boots, parameters and sign-on of every terminal.
pub(crate) fn start_of_day(run: &mut Run<BufWriter<File>>, zero: Micros) -> io::Result<()> {
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

/// Local midnight of a date as written, `YYYY-MM-DD`.
#[must_use]
pub fn midnight(date: &str) -> Option<Micros> {
    let d: jiff::civil::Date = date.parse().ok()?;
    let t = d.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(t.timestamp().as_microsecond() - ZONE)
}
