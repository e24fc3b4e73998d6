//! Names what a terminal has to say; each vendor's file puts it into its own words.

/// One thing that terminal software writes down.
#[allow(missing_docs, reason = "the fields are what their names say")]
#[derive(Debug, Clone)]
pub enum Say<'a> {
    /// Application started.
    Boot { version: &'a str, serial: &'a str },
    /// Signed on to the host.
    SignOn { ok: bool },
    /// Sale opened.
    SaleStart {
        amount: u64,
        stan: u32,
        tid: &'a str,
    },
    /// Customer is asked to tap.
    AskCard,
    /// Field switched on.
    FieldOn,
    /// Pre-processing refused the interface.
    OverLimit { amount: u64, limit: u64 },
    /// Card in the field.
    CardFound { uid: &'a str },
    /// Nothing presented.
    NoCard { secs: i64 },
    /// Cancelled on the keypad.
    Cancelled,
    /// Several cards.
    MultiCard,
    /// Reader module does not start.
    RfInitFail,
    /// Transmission error.
    RfError,
    /// Card gone in mid-dialogue.
    Torn,
    /// Customer is asked to tap again.
    Retap,
    /// Customer is asked to look at the phone.
    SeePhone,
    /// Customer is asked to insert.
    AskChip,
    /// No application in common.
    NoAid,
    /// No payment directory.
    NoPpse,
    /// Not a processor card.
    NotCpu,
    /// Card blocked.
    CardBlocked,
    /// Application blocked.
    AppBlocked,
    /// Kernel not there.
    KernelUnsupported,
    /// CA key not loaded.
    CapkMissing { rid: &'a str, index: u8 },
    /// Card data missing or wrong.
    DataError { missing: bool },
    /// Data authentication failed.
    OdaFailed,
    /// Declined by the card.
    CardDeclined,
    /// Expired according to the terminal.
    Expired,
    /// Card wants the contact interface.
    NeedsContact,
    /// Conditions of use: 6985.
    Sw6985,
    /// Terminal parameters wrong.
    ParamError,
    /// Cardholder cannot be verified here.
    CvmImpossible,
    /// Protocol error while the card stays.
    L1Protocol,
    /// Foreign scheme not accepted.
    SchemeRefused,
    /// Card read.
    ReadOk {
        pan: &'a str,
        kernel: u8,
        arqc: &'a str,
        cid: u8,
    },
    /// Approved offline.
    OfflineApproved,
    /// PIN asked.
    PinAsk,
    /// PIN entered.
    PinDone,
    /// PIN entry cancelled.
    PinCancelled,
    /// About to go online.
    Online { host: &'a str, port: u16 },
    /// Connected.
    Connected { ms: i64 },
    /// Message sent.
    Sent {
        mti: &'a str,
        stan: u32,
        bytes: usize,
    },
    /// Message received.
    Received {
        mti: &'a str,
        f39: &'a str,
        rrn: &'a str,
        bytes: usize,
    },
    /// Sale approved.
    Approved {
        rrn: &'a str,
        auth: &'a str,
        amount: u64,
        stan: u32,
    },
    /// Sale refused by the host.
    Refused { f39: &'a str },
    /// No answer to the connect.
    ConnectTimeout { host: &'a str, port: u16, secs: i64 },
    /// Connect refused.
    ConnectRefused { host: &'a str, port: u16 },
    /// Filtered on the way.
    ConnectDenied { host: &'a str, port: u16 },
    /// Name not resolved.
    DnsFail { name: &'a str },
    /// TLS not agreed.
    TlsHandshake,
    /// Certificate not trusted.
    TlsCert { expired: bool },
    /// Connection broke.
    ConnLost,
    /// No answer in time.
    ReadTimeout { secs: i64 },
    /// Reversal queued.
    Reversal { stan: u32 },
    /// Reversal done.
    ReversalDone { stan: u32 },
    /// No network.
    LinkDown,
    /// Network back.
    LinkUp,
    /// Radio signal.
    Signal { rssi: i64 },
    /// Payment application crashed.
    Crash,
    /// System service died.
    ServiceDead,
    /// MAC or PIN key trouble.
    KeyError,
    /// Not signed on.
    NotSignedOn,
    /// Contact card inserted.
    ChipIn,
    /// Contact chip silent.
    ChipFail,
    /// Swipe failed.
    SwipeFail,
    /// Swiped.
    Swiped,
    /// External device gone.
    PeriphLost,
    /// External device back.
    PeriphBack,
    /// Security module triggered.
    Tamper,
    /// Update running.
    Update { percent: i64 },
    /// Contactless switched off.
    CtlsOff,
    /// Model without reader.
    NoCtls,
    /// Parameters in force.
    Params { version: u32, limit: u64 },
    /// Parameter download failed.
    ParamFail,
    /// Function without contactless chosen.
    ChipOnlyMenu,
    /// Module replaced.
    Repaired,
    /// Receipt.
    Printed,
    /// Card taken away.
    Removed,
    /// Clock set.
    ClockSet { was: &'a str },
}

/// A rendered line.
#[derive(Debug, Clone)]
pub struct Line {
    /// Severity letter.
    pub level: char,
    /// Component.
    pub tag: &'static str,
    /// Text.
    pub text: String,
}

/// First six and last four digits.
#[must_use]
pub fn mask(pan: &str) -> String {
    if pan.len() < 12 {
        return "****".into();
    }
    format!(
        "{}{}{}",
        &pan[..6],
        "*".repeat(pan.len() - 10),
        &pan[pan.len() - 4..]
    )
}

/// Minor units as yuan.
#[must_use]
pub fn yuan(minor: u64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}
