//! Turns bytes into a command: header, Lc, data, Le in both lengths, and what is wrong with them.

use crate::damage::Damage;

/// Which command it is, in the terms of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// SELECT 2PAY.SYS.DDF01.
    SelectPpse,
    /// SELECT 1PAY.SYS.DDF01.
    SelectPse,
    /// SELECT by AID or otherwise.
    SelectAid,
    /// GET PROCESSING OPTIONS.
    GetProcessingOptions,
    /// READ RECORD.
    ReadRecord,
    /// GENERATE AC.
    GenerateAc,
    /// COMPUTE CRYPTOGRAPHIC CHECKSUM.
    ComputeCryptographicChecksum,
    /// EXCHANGE RELAY RESISTANCE DATA.
    ExchangeRelayResistanceData,
    /// RECOVER AC.
    RecoverAc,
    /// GET DATA.
    GetData,
    /// VERIFY.
    Verify,
    /// EXTERNAL AUTHENTICATE.
    ExternalAuthenticate,
    /// INTERNAL AUTHENTICATE.
    InternalAuthenticate,
    /// GET CHALLENGE.
    GetChallenge,
    /// PUT DATA of a data envelope (data storage of kernel 2).
    PutData,
    /// PUT DATA, APPLICATION BLOCK, PIN CHANGE/UNBLOCK … from an issuer script.
    IssuerScript,
    /// GET RESPONSE: fetches what a 61xx announced.
    GetResponse,
    /// Anything else.
    Other,
}

impl Kind {
    /// Name as the specifications write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SelectPpse => "SELECT PPSE",
            Self::SelectPse => "SELECT PSE",
            Self::SelectAid => "SELECT AID",
            Self::GetProcessingOptions => "GET PROCESSING OPTIONS",
            Self::ReadRecord => "READ RECORD",
            Self::GenerateAc => "GENERATE AC",
            Self::ComputeCryptographicChecksum => "COMPUTE CRYPTOGRAPHIC CHECKSUM",
            Self::ExchangeRelayResistanceData => "EXCHANGE RELAY RESISTANCE DATA",
            Self::RecoverAc => "RECOVER AC",
            Self::GetData => "GET DATA",
            Self::Verify => "VERIFY",
            Self::ExternalAuthenticate => "EXTERNAL AUTHENTICATE",
            Self::InternalAuthenticate => "INTERNAL AUTHENTICATE",
            Self::GetChallenge => "GET CHALLENGE",
            Self::IssuerScript => "ISSUER SCRIPT COMMAND",
            Self::PutData => "PUT DATA",
            Self::GetResponse => "GET RESPONSE",
            Self::Other => "OTHER COMMAND",
        }
    }

    /// The command of a name as a user writes it: `select`, `ppse`, `gpo`, `read-record`, `generate-ac` …
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        Some(match name.as_str() {
            "ppse" | "selectppse" => Self::SelectPpse,
            "pse" | "selectpse" => Self::SelectPse,
            "select" | "aid" | "selectaid" => Self::SelectAid,
            "gpo" | "getprocessingoptions" => Self::GetProcessingOptions,
            "rr" | "record" | "readrecord" => Self::ReadRecord,
            "gac" | "generateac" => Self::GenerateAc,
            "ccc" | "computecryptographicchecksum" => Self::ComputeCryptographicChecksum,
            "rrp" | "exchangerelayresistancedata" => Self::ExchangeRelayResistanceData,
            "recoverac" => Self::RecoverAc,
            "getdata" => Self::GetData,
            "putdata" => Self::PutData,
            "verify" => Self::Verify,
            "externalauthenticate" => Self::ExternalAuthenticate,
            "internalauthenticate" => Self::InternalAuthenticate,
            "getchallenge" => Self::GetChallenge,
            _ => return None,
        })
    }

    /// True where the card is expected to answer with data, so that a contactless command needs Le (EMV Book 3, 6.5).
    #[must_use]
    pub fn answers_with_data(self) -> bool {
        !matches!(
            self,
            Self::Verify
                | Self::ExternalAuthenticate
                | Self::IssuerScript
                | Self::PutData
                | Self::Other
        )
    }
}

/// A command, borrowed from its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command<'a> {
    /// CLA INS P1 P2.
    pub header: [u8; 4],
    /// Lc as written, where it is written.
    pub lc: Option<u16>,
    /// The data that are there.
    pub data: &'a [u8],
    /// Offset of the data.
    pub data_offset: usize,
    /// Le as written (0 stands for the longest), where it is written.
    pub le: Option<u16>,
    /// True for three-byte Lc and Le.
    pub extended: bool,
    /// What is wrong with its lengths: `lc_zero`, `lc_too_long`, `lc_too_short`.
    pub fault: Option<Damage>,
}

impl Command<'_> {
    /// Which command it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        kind(self.header, self.data)
    }

    /// True where the command asks for data and has no Le: correct for T=0, a fault over the air.
    #[must_use]
    pub fn le_missing(&self) -> bool {
        self.le.is_none() && self.kind().answers_with_data()
    }
}

fn damage(code: &'static str, offset: usize, expected: &'static str) -> Damage {
    Damage {
        code,
        offset,
        expected,
    }
}

/// Reads a command; `None` below four bytes. Lengths that do not fit are a fault of the command, and what is there is given.
#[must_use]
pub fn command(bytes: &[u8]) -> Option<Command<'_>> {
    let (&header, body) = bytes.split_first_chunk::<4>()?;
    let mut command = Command {
        header,
        lc: None,
        data: &[],
        data_offset: 4,
        le: None,
        extended: false,
        fault: None,
    };
    match body {
        // Case 1.
        [] => {}
        // Case 2.
        [le] => command.le = Some(u16::from(*le)),
        // `00 B2 01 0C 00 00`: an Lc of zero, which must not be written.
        [0, le] => {
            command.lc = Some(0);
            command.le = Some(u16::from(*le));
            command.fault = Some(damage("lc_zero", 4, "no Lc where there are no data"));
        }
        [0, a, b] => {
            command.extended = true;
            command.le = Some(u16::from_be_bytes([*a, *b]));
        }
        [0, a, b, rest @ ..] => {
            command.extended = true;
            command.data_offset = 7;
            let lc = u16::from_be_bytes([*a, *b]);
            data(&mut command, lc, rest);
        }
        [lc, rest @ ..] => {
            command.data_offset = 5;
            data(&mut command, u16::from(*lc), rest);
        }
    }
    Some(command)
}

/// Cases 3 and 4: data, and perhaps Le.
fn data<'a>(command: &mut Command<'a>, lc: u16, rest: &'a [u8]) {
    command.lc = Some(lc);
    let Some((data, tail)) = rest.split_at_checked(usize::from(lc)) else {
        command.data = rest;
        command.fault = Some(damage("lc_too_long", 4, "as many data bytes as Lc says"));
        return;
    };
    command.data = data;
    match (tail, command.extended) {
        ([], _) => {}
        // A short Le behind an extended Lc is not allowed, and seen.
        ([le], _) => command.le = Some(u16::from(*le)),
        ([a, b], true) => command.le = Some(u16::from_be_bytes([*a, *b])),
        _ => {
            command.fault = Some(damage(
                "lc_too_short",
                command.data_offset + data.len(),
                "nothing but Le behind the data",
            ));
        }
    }
}

/// Which command it is, from its header and data.
#[must_use]
pub fn kind(header: [u8; 4], data: &[u8]) -> Kind {
    let [cla, ins, p1, p2] = header;
    // Bits 1-2 of an interindustry class are the logical channel.
    let iso = cla & 0xFC == 0x00;
    let own = cla & 0xF0 == 0x80;
    let secure = matches!(cla, 0x04 | 0x84 | 0x8C | 0x0C);
    match ins {
        0xA4 if iso && data == b"2PAY.SYS.DDF01" => Kind::SelectPpse,
        0xA4 if iso && data == b"1PAY.SYS.DDF01" => Kind::SelectPse,
        0xA4 if iso => Kind::SelectAid,
        0xB2 if iso => Kind::ReadRecord,
        0xC0 if iso => Kind::GetResponse,
        0x20 if iso => Kind::Verify,
        0x82 if iso => Kind::ExternalAuthenticate,
        0x88 if iso => Kind::InternalAuthenticate,
        0x84 if iso => Kind::GetChallenge,
        0xCA if own || iso => Kind::GetData,
        // Data envelopes of standalone data storage; all else that PUT DATA writes comes as an issuer script.
        0xDA if own && !secure && p1 == 0x9F && (0x70..=0x79).contains(&p2) => Kind::PutData,
        0x16 | 0x18 | 0x1E | 0x24 | 0xD6 | 0xDA | 0xDC | 0xE2 if secure || own => {
            Kind::IssuerScript
        }
        0xA8 if own => Kind::GetProcessingOptions,
        0xAE if own => Kind::GenerateAc,
        0x2A if own && p1 == 0x8E => Kind::ComputeCryptographicChecksum,
        0xEA if own => Kind::ExchangeRelayResistanceData,
        0xD0 if own => Kind::RecoverAc,
        _ => Kind::Other,
    }
}

/// True where the bytes could be a command of a payment dialogue: a class and instruction of it, and lengths that fit.
///
/// Cheap and rough, for unlabelled hex. Known faults (Lc of zero, missing Le) do not count against it.
#[must_use]
pub fn looks_like_command(bytes: &[u8]) -> bool {
    let Some(command) = command(bytes) else {
        return false;
    };
    let [cla, ins, ..] = command.header;
    let known = match cla {
        0x00..=0x03 => matches!(
            ins,
            0x20 | 0x70 | 0x82 | 0x84 | 0x88 | 0xA4 | 0xB0 | 0xB2 | 0xC0 | 0xCA | 0xCB
        ),
        0x80..=0x83 | 0x90 => matches!(
            ins,
            0x2A | 0x32
                | 0x34
                | 0x50
                | 0xA8
                | 0xAE
                | 0xCA
                | 0xD0
                | 0xDA
                | 0xE2
                | 0xEA
                | 0xF2
                | 0x60
                | 0x5A
                | 0xAF
        ),
        0x04 | 0x0C | 0x84 | 0x8C => {
            matches!(
                ins,
                0x16 | 0x18 | 0x1E | 0x24 | 0xD6 | 0xDA | 0xDC | 0xE2 | 0x82
            )
        }
        _ => false,
    };
    known && command.fault.is_none_or(|fault| fault.code == "lc_zero")
}
