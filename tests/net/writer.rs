//! Writes captures: connections with loss, reordering, overlap and fragments, by a seed.

/// A small generator of numbers (`SplitMix64`): the same everywhere.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

pub type End = ([u8; 4], u16);

fn sum(bytes: &[u8], start: u32) -> u32 {
    bytes.chunks(2).fold(start, |sum, pair| {
        sum + u32::from(pair[0]) * 256 + pair.get(1).map_or(0, |b| u32::from(*b))
    })
}

fn folded(mut sum: u32) -> [u8; 2] {
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

/// A TCP segment with its checksum.
pub fn segment(from: End, to: End, numbers: (u32, u32), flags: u8, data: &[u8]) -> Vec<u8> {
    let mut b = Vec::with_capacity(20 + data.len());
    b.extend(from.1.to_be_bytes());
    b.extend(to.1.to_be_bytes());
    b.extend(numbers.0.to_be_bytes());
    b.extend(numbers.1.to_be_bytes());
    b.extend([0x50, flags, 0xFA, 0xF0, 0, 0, 0, 0]);
    b.extend_from_slice(data);
    checksum(from, to, 6, &mut b, 16);
    b
}

/// A UDP datagram with its checksum.
pub fn datagram(from: End, to: End, data: &[u8]) -> Vec<u8> {
    let mut b = Vec::new();
    b.extend(from.1.to_be_bytes());
    b.extend(to.1.to_be_bytes());
    b.extend((8 + data.len() as u16).to_be_bytes());
    b.extend([0, 0]);
    b.extend_from_slice(data);
    checksum(from, to, 17, &mut b, 6);
    b
}

fn checksum(from: End, to: End, protocol: u8, b: &mut [u8], at: usize) {
    let mut s = sum(&from.0, 0);
    s = sum(&to.0, s);
    s += u32::from(protocol) + b.len() as u32;
    let c = folded(sum(b, s));
    b[at..at + 2].copy_from_slice(&c);
}

/// A capture in the making: Ethernet and IPv4.
pub struct Writer {
    pub file: Vec<u8>,
    pub micros: u64,
    pub id: u16,
    pub packets: u64,
}

impl Default for Writer {
    fn default() -> Self {
        let mut file = Vec::new();
        for n in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            file.extend(n.to_le_bytes());
        }
        Self {
            file,
            micros: 1_760_000_000_000_000,
            id: 0,
            packets: 0,
        }
    }
}

impl Writer {
    /// A frame as it stands.
    pub fn frame(&mut self, frame: &[u8]) {
        self.packets += 1;
        let length = frame.len() as u32;
        for n in [
            (self.micros / 1_000_000) as u32,
            (self.micros % 1_000_000) as u32,
            length,
            length,
        ] {
            self.file.extend(n.to_le_bytes());
        }
        self.file.extend_from_slice(frame);
    }

    /// An IPv4 packet, in fragments of at most `mtu` payload bytes where it is longer.
    pub fn ip(&mut self, from: [u8; 4], to: [u8; 4], protocol: u8, payload: &[u8], mtu: usize) {
        self.id = self.id.wrapping_add(1);
        let id = self.id;
        let step = mtu / 8 * 8;
        let mut at = 0;
        loop {
            let end = (at + step).min(payload.len());
            let more = end < payload.len();
            let part = &payload[at..end];
            let flags = (u16::from(more) << 13) | (at / 8) as u16;
            let mut header = vec![0x45, 0];
            header.extend((20 + part.len() as u16).to_be_bytes());
            header.extend(id.to_be_bytes());
            header.extend(flags.to_be_bytes());
            header.extend([64, protocol, 0, 0]);
            header.extend(from);
            header.extend(to);
            let c = folded(sum(&header, 0));
            header[10..12].copy_from_slice(&c);
            let mut frame = vec![2, 0, 0, 0, 0, to[3], 2, 0, 0, 0, 0, from[3], 8, 0];
            frame.extend(header);
            frame.extend_from_slice(part);
            self.frame(&frame);
            at = end;
            if !more {
                return;
            }
        }
    }

    pub fn tcp(&mut self, from: End, to: End, numbers: (u32, u32), flags: u8, data: &[u8]) {
        self.micros += 40;
        let b = segment(from, to, numbers, flags, data);
        self.ip(from.0, to.0, 6, &b, 1480);
    }

    pub fn udp(&mut self, from: End, to: End, data: &[u8]) {
        self.micros += 40;
        let b = datagram(from, to, data);
        self.ip(from.0, to.0, 17, &b, 1480);
    }

    /// A connection with one exchange, opened and closed in order.
    pub fn exchange(&mut self, client: End, server: End, request: &[u8], answer: &[u8]) {
        let (mut c, mut s) = (1000_u32, 90_000_u32);
        self.tcp(client, server, (c, 0), 2, &[]);
        self.tcp(server, client, (s, c + 1), 0x12, &[]);
        c += 1;
        s += 1;
        self.tcp(client, server, (c, s), 0x10, &[]);
        for (from, to, data) in [(client, server, request), (server, client, answer)] {
            for part in data.chunks(1400) {
                let out = from == client;
                let numbers = if out { (c, s) } else { (s, c) };
                self.tcp(from, to, numbers, 0x18, part);
                if out {
                    c += part.len() as u32;
                    self.tcp(to, from, (s, c), 0x10, &[]);
                } else {
                    s += part.len() as u32;
                    self.tcp(to, from, (c, s), 0x10, &[]);
                }
            }
        }
        self.tcp(client, server, (c, s), 0x11, &[]);
        self.tcp(server, client, (s, c + 1), 0x11, &[]);
        self.tcp(client, server, (c + 1, s + 1), 0x10, &[]);
    }
}

/// Packs digits two a byte.
pub fn bcd(digits: &str) -> Vec<u8> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|p| (p[0] - b'0') << 4 | (p[1] - b'0'))
        .collect()
}

/// A sale (or its answer) of a UnionPay terminal, with length, TPDU and header; the card is a test card.
pub fn union_pay(request: bool, stan: u32, terminal: u32) -> Vec<u8> {
    let mut b = bcd("6000030000603100311003");
    b.extend(bcd(if request { "0200" } else { "0210" }));
    let mut fields = vec![2_u8, 3, 4, 11, 22, 25, 41, 42, 49, 60];
    if !request {
        fields.push(39);
        fields.sort_unstable();
    }
    let map = fields
        .iter()
        .fold(0_u64, |m, f| m | 1 << (64 - u64::from(*f)));
    b.extend(map.to_be_bytes());
    for f in fields {
        b.extend(match f {
            2 => [&[0x16][..], &bcd("6212340000001232")].concat(),
            3 => bcd("000000"),
            4 => bcd(&format!("{:012}", 100 + stan % 90_000)),
            11 => bcd(&format!("{:06}", stan % 1_000_000)),
            22 => bcd("0720"),
            25 => bcd("00"),
            39 => b"00".to_vec(),
            41 => format!("{terminal:08}").into_bytes(),
            42 => b"100000000000001".to_vec(),
            49 => b"156".to_vec(),
            _ => [bcd("0011"), bcd("220000240006")].concat(),
        });
    }
    let mut framed = (b.len() as u16).to_be_bytes().to_vec();
    framed.extend(b);
    framed
}

/// A sale (or its answer) in ASCII with a hexadecimal bitmap and a length of two bytes, as tshark can read it.
pub fn ascii(request: bool, stan: u32, terminal: u32) -> Vec<u8> {
    let mut b = if request {
        b"0200".to_vec()
    } else {
        b"0210".to_vec()
    };
    let mut fields = vec![2_u8, 3, 4, 7, 11, 12, 13, 22, 25, 37, 41, 42, 49];
    if !request {
        fields.push(39);
        fields.sort_unstable();
    }
    let map = fields
        .iter()
        .fold(0_u64, |m, f| m | 1 << (64 - u64::from(*f)));
    b.extend(format!("{map:016X}").bytes());
    for f in fields {
        b.extend(
            match f {
                2 => "164111111111111111".to_owned(),
                3 => "000000".into(),
                4 => format!("{:012}", 100 + stan % 90_000),
                7 => "1009093000".into(),
                11 => format!("{:06}", stan % 1_000_000),
                12 => "093000".into(),
                13 => "1009".into(),
                22 => "071".into(),
                25 => "00".into(),
                37 => format!("{stan:012}"),
                39 => "00".into(),
                41 => format!("{terminal:08}"),
                42 => "100000000000001".into(),
                _ => "156".into(),
            }
            .bytes(),
        );
    }
    let mut framed = (b.len() as u16).to_be_bytes().to_vec();
    framed.extend(b);
    framed
}
