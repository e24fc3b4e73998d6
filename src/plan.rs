//! What a run shall do: the only configuration that the stages see. Made by `cli`, validated there.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use tapscope_parsers::protocol::iso8583::Dialect;
use tapscope_parsers::protocol::iso8583::framing::{HeaderForm, LengthForm};
use tapscope_parsers::protocol::net::tls::keylog::KeyLog;

/// Settings of one `analyze` run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Files, folders, globs, archives; `-` is standard input.
    pub inputs: Vec<PathBuf>,
    /// Zone of logs that carry none; `None`: inferred, else UTC, and marked as assumed.
    pub zone: Option<jiff::tz::TimeZone>,
    /// Year of logs that carry none.
    pub year: Option<i16>,
    /// Keep only transactions that start at or after this (UTC microseconds).
    pub since: Option<i64>,
    /// Keep only transactions that start before this.
    pub until: Option<i64>,
    /// Formats forced per glob: name and pattern.
    pub formats: Vec<(String, globset::Glob)>,
    /// Formats that the user described.
    pub own_formats: Vec<&'static tapscope_parsers::container::LogFormat>,
    /// Rows that the user adds to the table of wording.
    pub own_wording: Vec<String>,
    /// Folders with the user's own rules.
    pub rules: Vec<PathBuf>,
    /// Terminals: id, device, address, site, merchant, firmware, limits (CSV).
    pub inventory: Option<PathBuf>,
    /// Earlier analyses: expected rates, and what is not new.
    pub baseline: Vec<PathBuf>,
    /// Key for card tokens; `None`: tokens are numbers of this run only.
    pub pan_key: Option<PanKey>,
    /// SHA-256 beside BLAKE3.
    pub custody: bool,
    /// Language of the report's first view.
    pub language: Language,
    /// Also cut the tables into a folder a day.
    pub by_day: bool,
    /// Also write failed attempts and their events for Timesketch.
    pub timesketch: bool,
    /// Memory budget in bytes: of it depends how much that is packed waits in memory, and how much on disk. Never changes what comes out.
    pub memory: u64,
    /// Folder for what is kept on disk while the run lasts.
    pub scratch: PathBuf,
    /// Bounds on every stage.
    pub limits: Limits,
    /// What the user knows of the network.
    pub network: Network,
}

/// What the user knows of the network that the bytes do not show.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// TLS secrets.
    pub keylog: KeyLog,
    /// Dialects of ISO 8583 besides those that are built in.
    pub dialects: Vec<Described>,
}

/// A dialect that the user described, and where it is spoken.
#[derive(Debug, Clone)]
pub struct Described {
    /// The dialect.
    pub dialect: &'static Dialect,
    /// Length before each message; `None`: found by evidence.
    pub length: Option<LengthForm>,
    /// Header after the length; `None`: found by evidence.
    pub header: Option<HeaderForm>,
    /// Hosts that speak nothing else; the dialect is tried on all others as well.
    pub hosts: Vec<Host>,
}

impl Described {
    /// True where that host speaks this dialect and nothing else.
    #[must_use]
    pub fn is_for(&self, server: &SocketAddr) -> bool {
        self.hosts.iter().any(|host| host.holds(server))
    }
}

/// Hosts: a network, or all of them; a port, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// Address and how many of its bits count.
    pub net: Option<(IpAddr, u8)>,
    /// Port.
    pub port: Option<u16>,
}

impl Host {
    fn holds(&self, server: &SocketAddr) -> bool {
        let bits = |ip: &IpAddr| match ip {
            IpAddr::V4(ip) => u128::from(u32::from(*ip)) << 96,
            IpAddr::V6(ip) => u128::from(*ip),
        };
        let near = match &self.net {
            None => true,
            Some((net, count)) => {
                let other = bits(net) ^ bits(&server.ip());
                net.is_ipv4() == server.is_ipv4()
                    && (*count == 0 || other.leading_zeros() >= u32::from(*count))
            }
        };
        near && self.port.is_none_or(|port| port == server.port())
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            inputs: Vec::new(),
            zone: None,
            year: None,
            since: None,
            until: None,
            formats: Vec::new(),
            own_formats: Vec::new(),
            own_wording: Vec::new(),
            rules: Vec::new(),
            inventory: None,
            baseline: Vec::new(),
            pan_key: None,
            custody: false,
            language: Language::default(),
            by_day: false,
            timesketch: false,
            memory: u64::MAX,
            scratch: std::env::temp_dir(),
            limits: Limits::default(),
            network: Network::default(),
        }
    }
}

/// The secret under which card tokens are made. Cannot be printed, and is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct PanKey([u8; 32]);

impl PanKey {
    /// The secret itself.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for PanKey {
    fn from(secret: [u8; 32]) -> Self {
        Self(secret)
    }
}

impl std::fmt::Debug for PanKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PanKey(…)")
    }
}

impl Drop for PanKey {
    fn drop(&mut self) {
        // Read again, so that the write is not taken for useless.
        self.0.fill(0);
        std::hint::black_box(&self.0);
    }
}

/// Language of what people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese (simplified).
    Zh,
}

/// Bounds that keep memory and time in hand on hostile input. Constants of the configuration, never taken from free memory, so that results do not depend on the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one physical line; the rest up to the next line end is skipped and counted.
    pub line_bytes: usize,
    /// Lines that are looked at for what stands on several of them, those of other writers in between included.
    pub record_lines: usize,
    /// Bytes that are joined of them.
    pub record_bytes: usize,
    /// Decompressed bytes of one member.
    pub member_bytes: u64,
    /// Decompressed to compressed ratio, after `ratio_after` bytes.
    pub ratio: u64,
    /// From which many bytes on the ratio counts.
    pub ratio_after: u64,
    /// Archives in archives.
    pub archive_depth: u8,
    /// Members in all.
    pub archive_members: u64,
    /// Decompressed bytes of all members of one input.
    pub archive_bytes: u64,
    /// Bytes of a zip that stands inside another archive: it must be held whole, since its directory is at its end.
    pub nested_zip_bytes: u64,
    /// Memory of an xz decoder.
    pub xz_memory: u64,
    /// Window of a zstd frame, as a power of two.
    pub zstd_window_log: u32,
    /// Bytes of one captured packet (at most 1 MiB).
    pub packet_bytes: u32,
    /// Bytes of one pcapng block.
    pub block_bytes: u32,
    /// Interfaces of one pcapng section.
    pub interfaces: usize,
    /// Fragments of one IP datagram.
    pub fragments: usize,
    /// Capture seconds until an incomplete IP datagram is given up.
    pub fragment_seconds: i64,
    /// Bytes of incomplete IP datagrams in all.
    pub fragment_bytes: u64,
    /// Concurrent TCP flows.
    pub flows: usize,
    /// Idle time of a flow in capture seconds.
    pub flow_idle_seconds: i64,
    /// Out-of-order bytes of one flow.
    pub flow_pending_bytes: usize,
    /// Out-of-order segments of one flow.
    pub flow_pending_segments: usize,
    /// Out-of-order bytes of all flows.
    pub pending_bytes: usize,
    /// Handshake bytes of one direction of a TLS connection.
    pub tls_handshake_bytes: u32,
    /// Candidate partners of one event in linking.
    pub link_candidates: usize,
    /// Events of one transaction.
    pub transaction_events: usize,
    /// Failed transactions that the report's page shows whole.
    pub page_attempts: usize,
    /// Events of one of them that the page shows.
    pub page_events: usize,
    /// Bytes of data in the page.
    pub page_bytes: usize,
    /// Bytes of the pattern of a user's own format.
    pub pattern_bytes: usize,
    /// Bytes of what such a pattern is compiled to.
    pub pattern_memory: usize,
    /// Bytes of states that its matcher may keep while it runs.
    pub pattern_states: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes: 1 << 20,
            record_lines: 8192,
            record_bytes: 512 << 10,
            member_bytes: 64 << 30,
            ratio: 200,
            ratio_after: 64 << 20,
            archive_depth: 3,
            archive_members: 1_000_000,
            archive_bytes: 1 << 40,
            nested_zip_bytes: 256 << 20,
            xz_memory: 256 << 20,
            zstd_window_log: 27,
            packet_bytes: 262_144,
            block_bytes: 16 << 20,
            interfaces: 1024,
            fragments: 64,
            fragment_seconds: 30,
            fragment_bytes: 32 << 20,
            flows: 262_144,
            flow_idle_seconds: 300,
            flow_pending_bytes: 1 << 20,
            flow_pending_segments: 4096,
            pending_bytes: 256 << 20,
            tls_handshake_bytes: 1 << 20,
            link_candidates: 64,
            transaction_events: 10_000,
            page_attempts: 5_000,
            page_events: 60,
            page_bytes: 4_400_000,
            pattern_bytes: 4096,
            pattern_memory: 1 << 20,
            pattern_states: 8 << 20,
        }
    }
}

/// One bound: its name, how to read it and how to set it.
struct Bound {
    name: &'static str,
    get: fn(&Limits) -> u64,
    set: fn(&mut Limits, u64),
}

macro_rules! bounds {
    ($($name:ident: $type:ty,)*) => {
        const BOUNDS: &[Bound] = &[$(Bound {
            name: stringify!($name),
            get: |limits| u64::try_from(limits.$name).unwrap_or(u64::MAX),
            set: |limits, value| limits.$name = <$type>::try_from(value).unwrap_or(<$type>::MAX),
        },)*];
    };
}

bounds! {
    line_bytes: usize,
    record_lines: usize,
    record_bytes: usize,
    member_bytes: u64,
    ratio: u64,
    ratio_after: u64,
    archive_depth: u8,
    archive_members: u64,
    archive_bytes: u64,
    nested_zip_bytes: u64,
    xz_memory: u64,
    zstd_window_log: u32,
    packet_bytes: u32,
    block_bytes: u32,
    interfaces: usize,
    fragments: usize,
    fragment_seconds: i64,
    fragment_bytes: u64,
    flows: usize,
    flow_idle_seconds: i64,
    flow_pending_bytes: usize,
    flow_pending_segments: usize,
    pending_bytes: usize,
    tls_handshake_bytes: u32,
    link_candidates: usize,
    transaction_events: usize,
    page_attempts: usize,
    page_events: usize,
    page_bytes: usize,
    pattern_bytes: usize,
    pattern_memory: usize,
    pattern_states: usize,
}

impl Limits {
    /// Every bound by name, with its value.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        BOUNDS.iter().map(|bound| (bound.name, (bound.get)(self)))
    }

    /// Sets a bound by name (`-` stands for `_`). False where there is none of that name.
    #[must_use]
    pub fn set(&mut self, name: &str, value: u64) -> bool {
        let name = name.replace('-', "_");
        let bound = BOUNDS.iter().find(|bound| bound.name == name);
        if let Some(bound) = bound {
            (bound.set)(self, value);
        }
        bound.is_some()
    }
}

/// Issues that say that a bound was met.
pub const LIMIT_CODES: &[&str] = &[
    "archive_bytes",
    "archive_depth",
    "archive_members",
    "archive_too_big",
    "connections_limit",
    "decompress_limit",
    "flow_evicted",
    "frag_limit",
    "icmp_limit",
    "line_too_long",
    "link_candidates",
    "pcap_block_too_big",
    "pcap_packet_too_big",
    "pcapng_interfaces",
    "record_too_long",
    "tcp_pending_limit",
    "tls_handshake_limit",
    "tlv_too_deep",
    "tlv_too_many",
    "tlv_value_too_long",
    "transaction_events",
];

/// What a run says of itself in its manifest: when, where and by whom. Made by `cli`; left out where runs are to compare equal.
#[derive(Debug, Clone, Default)]
pub struct RunRecord {
    /// Start, UTC, RFC 3339.
    pub started: String,
    /// Name of the machine.
    pub host: Option<String>,
    /// Name of the user.
    pub user: Option<String>,
    /// Folder that relative paths start from.
    pub folder: Option<String>,
    /// The command line; it holds no secret.
    pub arguments: Vec<String>,
    /// Threads.
    pub threads: usize,
}

#[cfg(test)]
mod tests {
    use super::{Limits, PanKey};

    #[test]
    fn every_bound_can_be_set_by_its_name() {
        let names: Vec<&str> = Limits::default().all().map(|(name, _)| name).collect();
        // The field list of the type itself: a bound that is not in the table could not be set.
        let fields = format!("{:?}", Limits::default()).matches(": ").count();
        assert_eq!(names.len(), fields);
        for name in names {
            let mut limits = Limits::default();
            assert!(limits.set(&name.replace('_', "-"), 7));
            let (_, value) = limits.all().find(|(n, _)| *n == name).unwrap();
            assert_eq!(value, 7, "{name}");
            assert_ne!(limits, Limits::default(), "{name}");
        }
        assert!(!Limits::default().set("wishes", 3));
    }

    #[test]
    fn a_key_cannot_be_printed() {
        let key = PanKey::from([0xAB; 32]);
        assert_eq!(format!("{key:?}"), "PanKey(…)");
    }
}
