//! Turns a seed and a size into the simulated country: issuers, cards, merchants, sites, terminals.
//! All names and numbers are invented; card numbers use test ranges.

use crate::rng::Rng;
use crate::time::{Clock, MS, Micros, S};

/// Card scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// UnionPay.
    UnionPay,
    /// Visa.
    Visa,
    /// Mastercard.
    Mastercard,
}

impl Scheme {
    /// Application label.
    #[must_use]
    pub fn label(self) -> &'static [u8] {
        match self {
            Self::UnionPay => b"UnionPay Debit",
            Self::Visa => b"VISA CREDIT",
            Self::Mastercard => b"MASTERCARD",
        }
    }

    /// Registered application provider.
    #[must_use]
    pub fn rid(self) -> &'static str {
        match self {
            Self::UnionPay => "A000000333",
            Self::Visa => "A000000003",
            Self::Mastercard => "A000000004",
        }
    }

    /// Kernel number.
    #[must_use]
    pub fn kernel(self) -> u8 {
        match self {
            Self::UnionPay => 7,
            Self::Visa => 3,
            Self::Mastercard => 2,
        }
    }

    /// As printed by terminals.
    #[must_use]
    pub fn short(self) -> &'static str {
        match self {
            Self::UnionPay => "CUP",
            Self::Visa => "VIS",
            Self::Mastercard => "MCC",
        }
    }
}

/// A bank that issues cards.
#[derive(Debug, Clone, Copy)]
pub struct Issuer {
    /// First six digits.
    pub bin: &'static str,
    /// Scheme.
    pub scheme: Scheme,
    /// Name.
    pub name: &'static str,
    /// Share of the cards.
    pub weight: u32,
}

const fn issuer(bin: &'static str, scheme: Scheme, name: &'static str, weight: u32) -> Issuer {
    Issuer {
        bin,
        scheme,
        name,
        weight,
    }
}

/// Invented banks on test ranges.
pub const ISSUERS: &[Issuer] = &[
    issuer("621356", Scheme::UnionPay, "江岸银行", 22),
    issuer("621234", Scheme::UnionPay, "东屏银行", 18),
    issuer("621478", Scheme::UnionPay, "云溪商业银行", 12),
    issuer("625012", Scheme::UnionPay, "南陵农商行", 9),
    issuer("621590", Scheme::UnionPay, "北辰银行", 7),
    issuer("411111", Scheme::Visa, "Harbour Bank", 12),
    issuer("541333", Scheme::Mastercard, "Meridian Bank", 12),
    issuer("222300", Scheme::Mastercard, "Alder Credit", 6),
];

/// One card or phone.
#[derive(Debug, Clone)]
pub struct Card {
    /// Number.
    pub pan: String,
    /// YYMM.
    pub expiry: String,
    /// Sequence number.
    pub psn: u8,
    /// Scheme.
    pub scheme: Scheme,
    /// Index in [`ISSUERS`].
    pub issuer: usize,
    /// Application.
    pub aid: &'static [u8],
    /// A phone with a device number.
    pub phone: bool,
    /// Offers two applications.
    pub two_apps: bool,
    /// Keeps records besides GPO.
    pub records: bool,
    /// CA key index.
    pub capk: u8,
    /// Four bytes of a plastic card; phones draw a new one each time.
    pub uid: [u8; 4],
    /// First counter of the day.
    pub atc: u16,
}

/// The check digit of a number without it.
#[must_use]
pub fn luhn_digit(digits: &str) -> char {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let d = u32::from(b.wrapping_sub(b'0'));
            if i % 2 == 0 {
                if d > 4 { d * 2 - 9 } else { d * 2 }
            } else {
                d
            }
        })
        .sum();
    char::from(b'0' + ((10 - sum % 10) % 10) as u8)
}

/// The card with this number in the simulated country.
#[must_use]
pub fn card(seed: u64, index: u64, want: Option<Scheme>, bad: bool) -> Card {
    let mut r = Rng::of(seed, 1, index);
    let weights: Vec<u32> = ISSUERS
        .iter()
        .map(|i| {
            if want.is_none_or(|w| w == i.scheme) {
                i.weight
            } else {
                0
            }
        })
        .collect();
    let iss = r.weighted(&weights);
    let scheme = ISSUERS[iss].scheme;
    let phone = !bad && r.chance(220);
    let body = format!(
        "{}{:09}",
        ISSUERS[iss].bin,
        (if phone { 700_000_000 } else { 0 }) + index % 42_000_000 * 7 + r.below(7)
    );
    let pan = format!("{body}{}", luhn_digit(&body));
    let aid: &[u8] = match scheme {
        Scheme::UnionPay if r.chance(350) => b"\xA0\x00\x00\x03\x33\x01\x01\x02",
        Scheme::UnionPay => b"\xA0\x00\x00\x03\x33\x01\x01\x01",
        Scheme::Visa => b"\xA0\x00\x00\x00\x03\x10\x10",
        Scheme::Mastercard => b"\xA0\x00\x00\x00\x04\x10\x10",
    };
    let mut uid = [0; 4];
    uid.copy_from_slice(&r.bytes(4));
    if uid[0] == 0x08 || uid[0] == 0x88 {
        uid[0] ^= 0x40;
    }
    Card {
        pan,
        expiry: format!("{}{:02}", r.range(28, 33), r.range(1, 12)),
        psn: r.range(0, 2) as u8,
        scheme,
        issuer: iss,
        aid,
        phone,
        two_apps: r.chance(180),
        records: r.chance(500),
        capk: *r.pick(&[0x03, 0x08, 0x09, 0x0B]),
        uid,
        atc: r.range(3, 9000) as u16,
    }
}

/// Whose terminal software, hence which log wording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// Android, logcat.
    A,
    /// Chinese text log in GB18030.
    B,
    /// Middleware that writes JSON lines.
    C,
}

/// Where the dialogue is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceMode {
    /// Nowhere.
    None,
    /// Inside the log (NCI lines or hex with arrows).
    InLog,
    /// In a file of its own, `TX`/`RX` style.
    FileTxRx,
    /// In a file of its own, `=>`/`<=` style.
    FileArrows,
    /// In a file of its own, spelled out: `command`, `response`.
    FileWords,
}

/// Acquirer host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// UnionPay POS messages, BCD.
    One,
    /// ASCII with hexadecimal bitmap.
    TwoHex,
    /// ASCII with binary bitmap.
    TwoBin,
}

/// A shop company.
#[derive(Debug, Clone)]
pub struct Merchant {
    /// F42.
    pub mid: String,
    /// Name.
    pub name: String,
    /// Acquirer.
    pub host: Host,
}

/// A place with one network.
#[derive(Debug, Clone)]
pub struct Site {
    /// Merchant.
    pub merchant: usize,
    /// Second and third byte of its addresses.
    pub net: (u8, u8),
    /// Terminals.
    pub terminals: Vec<usize>,
    /// The network is recorded here (else at the host's edge).
    pub captured: bool,
    /// Round trip in microseconds.
    pub rtt: i64,
}

/// One terminal.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// F41.
    pub tid: String,
    /// Serial number.
    pub serial: String,
    /// Model.
    pub model: &'static str,
    /// Application version.
    pub version: &'static str,
    /// Log style.
    pub vendor: Vendor,
    /// Site.
    pub site: usize,
    /// Last byte of the address.
    pub ip: u8,
    /// Messages are encrypted.
    pub tls: bool,
    /// Connects by name.
    pub by_name: bool,
    /// Has a log among the inputs.
    pub logged: bool,
    /// Dialogue record.
    pub trace: TraceMode,
    /// Clock.
    pub clock: Clock,
    /// Contactless limit in minor units.
    pub limit: u64,
    /// Next trace number.
    pub stan: u32,
    /// Batch.
    pub batch: u32,
    /// Free again at.
    pub free: Micros,
    /// How often it is chosen.
    pub weight: u32,
    /// Process ids of its log.
    pub pid: u32,
    /// Next TCP port.
    pub port: u16,
    /// Address found by the last DNS query is good until.
    pub resolved: Micros,
}

/// How good the sources are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// Clocks within seconds, every source there.
    Tidy,
    /// Clocks up to ten minutes or whole hours off, few sources missing.
    Skewed,
    /// Two sources in five missing.
    Sparse,
}

/// Everything that stands for the whole run.
#[derive(Debug)]
pub struct Fleet {
    /// Companies.
    pub merchants: Vec<Merchant>,
    /// Places.
    pub sites: Vec<Site>,
    /// Terminals.
    pub terminals: Vec<Terminal>,
    /// Cards in circulation.
    pub cards: u64,
}

const NAMES_1: &[&str] = &[
    "晨光",
    "青禾",
    "悦邻",
    "汇丰源",
    "百味",
    "云间",
    "蓝桥",
    "永和里",
    "嘉禾",
    "海棠",
    "松果",
    "麦田",
    "满记",
    "星野",
    "南巷",
    "北岸",
];
const NAMES_2: &[&str] = &[
    "便利店",
    "超市",
    "书店",
    "咖啡",
    "药房",
    "面馆",
    "百货",
    "服饰",
    "生鲜",
    "烘焙",
    "电器",
    "停车场",
];
const MODELS_A: &[&str] = &["P2Lite", "V2Pro", "X990"];
const MODELS_B: &[&str] = &["N910", "QX7", "S80"];
const MODELS_C: &[&str] = &["Lane40", "Desk7"];

impl Fleet {
    /// Builds the country.
    #[must_use]
    pub fn new(
        seed: u64,
        terminals: usize,
        cards: u64,
        profile: Profile,
        zero: Micros,
        rich: bool,
    ) -> Self {
        let mut r = Rng::of(seed, 2, 0);
        let mut f = Self {
            merchants: Vec::new(),
            sites: Vec::new(),
            terminals: Vec::new(),
            cards,
        };
        while f.terminals.len() < terminals {
            let left = terminals - f.terminals.len();
            let big = f.sites.is_empty() && terminals >= 8;
            let n_sites = if big { 1 } else { r.range(1, 3) as usize };
            let m = f.merchants.len();
            let host = if m == 0 {
                Host::One
            } else {
                *r.pick(&[Host::One, Host::One, Host::One, Host::TwoHex, Host::TwoBin])
            };
            f.merchants.push(Merchant {
                mid: format!(
                    "898{:04}{:04}{:04}",
                    r.range(1000, 9999),
                    r.pick(&[5411, 5812, 5311, 5912]),
                    1 + m
                ),
                name: format!("{}{}", r.pick(NAMES_1), r.pick(NAMES_2)),
                host,
            });
            for _ in 0..n_sites {
                let left = left.min(terminals - f.terminals.len());
                if left == 0 {
                    break;
                }
                let n = if big {
                    (terminals / 6).clamp(4, 24)
                } else {
                    r.range(1, 5) as usize
                }
                .min(left);
                add_site(&mut f, m, n, profile, zero, rich, &mut r);
            }
        }
        f
    }

    /// A country laid out by hand: the terminals of each site of each merchant; all with logs, captures and plain messages.
    #[must_use]
    pub fn laid_out(seed: u64, layout: &[&[usize]], cards: u64, zero: Micros) -> Self {
        let mut r = Rng::of(seed, 2, 0);
        let mut f = Self {
            merchants: Vec::new(),
            sites: Vec::new(),
            terminals: Vec::new(),
            cards,
        };
        for (m, sites) in layout.iter().enumerate() {
            f.merchants.push(Merchant {
                mid: format!("898{:04}5311{:04}", r.range(1000, 9999), 1 + m),
                name: format!("{}{}", r.pick(NAMES_1), r.pick(NAMES_2)),
                host: Host::One,
            });
            for n in *sites {
                add_site(&mut f, m, *n, Profile::Tidy, zero, true, &mut r);
            }
        }
        for s in &mut f.sites {
            s.captured = true;
        }
        for t in &mut f.terminals {
            t.tls = false;
            t.limit = 100_000;
            t.by_name = true;
        }
        f
    }

    /// The merchant of a terminal.
    #[must_use]
    pub fn merchant_of(&self, terminal: usize) -> &Merchant {
        &self.merchants[self.sites[self.terminals[terminal].site].merchant]
    }
}

fn add_site(
    f: &mut Fleet,
    merchant: usize,
    n: usize,
    profile: Profile,
    zero: Micros,
    rich: bool,
    r: &mut Rng,
) {
    let s = f.sites.len();
    let captured = n >= 3 || r.chance(600);
    f.sites.push(Site {
        merchant,
        net: ((20 + s / 250) as u8, (s % 250) as u8),
        terminals: Vec::new(),
        captured,
        rtt: r.range(14, 70) * MS,
    });
    for k in 0..n {
        let i = f.terminals.len();
        let vendor = match r.chance(560) {
            _ if rich && r.chance(170) => Vendor::C,
            true => Vendor::A,
            false => Vendor::B,
        };
        let logged = match profile {
            Profile::Tidy => true,
            Profile::Skewed => !r.chance(40),
            Profile::Sparse => !r.chance(350),
        };
        let trace = match r.below(100) {
            0..=39 => TraceMode::InLog,
            40..=57 => TraceMode::FileTxRx,
            58..=74 if rich && r.chance(400) => TraceMode::FileWords,
            58..=74 => TraceMode::FileArrows,
            _ if profile == Profile::Tidy => TraceMode::InLog,
            _ => TraceMode::None,
        };
        f.terminals.push(Terminal {
            tid: format!("{:08}", 10_000_000 + r.below(80_000_000)),
            serial: format!(
                "{}{:09}",
                match vendor {
                    Vendor::A => "VA20",
                    Vendor::B => "NB81",
                    Vendor::C => "CM6",
                },
                r.below(1_000_000_000)
            ),
            model: r.pick::<&'static str>(match vendor {
                Vendor::A => MODELS_A,
                Vendor::B => MODELS_B,
                Vendor::C => MODELS_C,
            }),
            version: r.pick::<&'static str>(&["5.2.8", "5.3.0", "5.3.1", "4.9.6"]),
            vendor,
            site: s,
            ip: 11 + k as u8,
            tls: r.chance(180),
            by_name: r.chance(300),
            logged,
            trace,
            clock: clock(profile, zero, rich, r),
            limit: if r.chance(700) { 100_000 } else { 50_000 },
            stan: r.range(100, 700_000) as u32,
            batch: r.range(1, 900) as u32,
            free: zero,
            weight: r.range(40, 140) as u32,
            pid: r.range(1200, 28_000) as u32,
            port: r.range(33_000, 60_000) as u16,
            resolved: 0,
        });
        f.sites[s].terminals.push(i);
    }
}

/// A device clock of this profile.
#[must_use]
pub fn clock(profile: Profile, zero: Micros, rich: bool, r: &mut Rng) -> Clock {
    let ppm = r.range(-40, 40);
    let mut c = Clock {
        offset: r.range(-2 * S, 2 * S),
        ppm,
        zone_error: 0,
        zero,
        jump_at: i64::MAX,
        jump: 0,
    };
    if rich && profile != Profile::Tidy {
        match r.below(100) {
            0..=39 => {}
            40..=61 => c.offset = r.range(-90 * S, 90 * S),
            62..=75 => c.offset = r.range(-600 * S, 600 * S),
            // Runs fast or slow.
            76..=81 => c.ppm = r.range(60, 180) * *r.pick(&[-1, 1]),
            // An hour too many or too few.
            82..=85 => c.zone_error = *r.pick(&[-1, 1]),
            // Another zone: UTC, India would be a half, Japan.
            86..=90 => c.zone_error = *r.pick(&[-8, -7, 1, -3]),
            // Morning for evening.
            91..=93 => c.zone_error = *r.pick(&[-12, 12]),
            // Wrong, and set right in the middle of the day.
            _ => {
                c.offset = r.range(30, 900) * S * *r.pick(&[-1, 1]);
                c.jump_at = zero + r.range(11 * 60, 18 * 60) * 60 * S;
                c.jump = r.range(-S, S) - c.offset;
            }
        }
        return c;
    }
    if profile != Profile::Tidy {
        match r.below(100) {
            0..=44 => {}
            45..=74 => c.offset = r.range(-90 * S, 90 * S),
            75..=94 => c.offset = r.range(-600 * S, 600 * S),
            _ => c.zone_error = *r.pick(&[-8, -1, 1]),
        }
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_pass_luhn_and_repeat() {
        for i in 0..500 {
            let c = card(7, i, None, false);
            let (body, check) = c.pan.split_at(15);
            assert_eq!(luhn_digit(body).to_string(), check, "{}", c.pan);
            assert_eq!(c.pan, card(7, i, None, false).pan);
        }
        assert_eq!(luhn_digit("411111111111111"), '1');
    }
}
