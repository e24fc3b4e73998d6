//! Turns bytes into commands and answers of the card dialogue (ISO/IEC 7816-3, 7816-4; EMV Book 3, section 6).

pub mod ccid;
mod command;
pub mod gsmtap;
mod status;

pub use command::{Command, Kind, command, looks_like_command};
pub use status::{Severity, Status, explain, meanings};

/// An answer: data and status word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response<'a> {
    /// What stands before the status word.
    pub data: &'a [u8],
    /// SW1 SW2.
    pub sw: u16,
}

/// Reads an answer; `None` below two bytes.
#[must_use]
pub fn response(bytes: &[u8]) -> Option<Response<'_>> {
    let (data, sw) = bytes.split_last_chunk::<2>()?;
    Some(Response {
        data,
        sw: u16::from_be_bytes(*sw),
    })
}

/// True where the bytes could be an answer: they end with a status word of ISO/IEC 7816-4, and begin with a data object that fits, where there are any data.
///
/// Cheap and rough: it tells commands from answers in unlabelled hex, after [`looks_like_command`] said no.
#[must_use]
pub fn looks_like_response(bytes: &[u8]) -> bool {
    let Some(Response { data, sw }) = response(bytes) else {
        return false;
    };
    // 93 20, 93 70, 95 20, 95 70 are the anticollision of ISO/IEC 14443-3.
    let fits_sw = matches!(sw, 0x9000 | 0x6100..=0x6FFF | 0x9100..=0x9FFF)
        && !matches!(sw, 0x9320 | 0x9370 | 0x9520 | 0x9570);
    match data {
        _ if !fits_sw => false,
        [] => true,
        // A template that spans the data, or anything else with a plain success.
        [0x61 | 0x6F | 0x70 | 0x77 | 0x80, rest @ ..] => {
            let announced = match rest {
                [0x81, n, ..] => usize::from(*n) + 2,
                [0x82, a, b, ..] => usize::from(*a) << 8 | (usize::from(*b) + 3),
                [n @ ..=0x7F, ..] => usize::from(*n) + 1,
                _ => return sw == 0x9000,
            };
            announced <= rest.len() || sw == 0x9000
        }
        _ => sw == 0x9000 || data.len() <= 16,
    }
}

#[cfg(test)]
mod tests;
