//! A log line that bears on a payment, and what it says in terms of the field.

use super::Text;

/// How serious the source calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Severity {
    /// Not said.
    #[default]
    Unknown,
    /// Verbose, trace, debug.
    Debug,
    /// Information.
    Info,
    /// Warning.
    Warning,
    /// Error, fatal.
    Error,
}

/// A line, and what it says.
#[derive(Debug, Clone)]
pub struct LogEvent {
    /// What it says; `Note` where it only carries keys.
    pub signal: Signal,
    /// A vendor's result code and whose it is: `("SUNMI", "-4141")`.
    pub code: Option<(&'static str, Text)>,
    /// How serious the source calls it.
    pub severity: Severity,
    /// Further values by name that the line states (masked): `limit_minor`, `uid`, `rssi_dbm`, `timer_ms`, `version`, `ops`, `ui`, `tvr`, `sw`, `f39`, `error_indication`.
    pub values: Vec<(&'static str, Text)>,
    /// The text, masked, one line.
    pub text: Text,
}

macro_rules! signals {
    ($($(#[$doc:meta])* $name:ident = $id:literal,)*) => {
        /// What a log line says, in the field's terms. The closed vocabulary between wording (open, data) and facts (closed, code).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Signal { $($(#[$doc])* $name,)* }

        impl Signal {
            /// Every signal, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name that wording tables and facts use.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// The signal of that name.
            #[must_use]
            pub fn from_id(id: &str) -> Option<Self> {
                match id { $($id => Some(Self::$name),)* _ => None }
            }
        }
    };
}

signals! {
    /// Carries keys (trace number, amount, terminal) and no judgement.
    Note = "note",
    /// A sale begins: amount known, card asked for.
    SaleStart = "sale_start",
    /// "Tap your card" and the like.
    PresentCard = "present_card",
    /// The field was switched on, polling started.
    PollingStart = "polling_start",
    /// Polling ended with no card.
    PollTimeout = "poll_timeout",
    /// A card was detected.
    CardDetected = "card_detected",
    /// The card was read to the end.
    CardReadOk = "card_read_ok",
    /// The card was removed or lost while being read.
    CardRemoved = "card_removed",
    /// More than one card.
    MultipleCards = "multiple_cards",
    /// Please tap again.
    RetryPrompt = "retry_prompt",
    /// Please insert (or swipe) the card.
    UseChip = "use_chip",
    /// Please look at the phone.
    SeePhone = "see_phone",
    /// Amount above the contactless limit.
    LimitExceeded = "limit_exceeded",
    /// Contactless switched off by parameter, menu or system.
    ContactlessOff = "contactless_off",
    /// The device has no contactless hardware.
    NoContactlessHardware = "no_contactless_hardware",
    /// Contactless module failed to start or to pass its self-test.
    ReaderInitFailed = "reader_init_failed",
    /// Driver-level input/output error of the reader chip.
    ReaderIoError = "reader_io_error",
    /// CRC, parity or frame error on the air.
    RfTransmissionError = "rf_transmission_error",
    /// Block protocol error on the air.
    RfProtocolError = "rf_protocol_error",
    /// The application identifier list is empty, or nothing in common with the card.
    NoCommonAid = "no_common_aid",
    /// The kernel that the card asks for is not there.
    KernelUnsupported = "kernel_unsupported",
    /// Kernel or processing parameters are wrong.
    KernelParameters = "kernel_parameters",
    /// Application or card blocked.
    CardBlocked = "card_blocked",
    /// Card expired, as the terminal says.
    CardExpired = "card_expired",
    /// Card data missing or wrong.
    CardDataInvalid = "card_data_invalid",
    /// No contactless or payment application on the card.
    CardNotContactless = "card_not_contactless",
    /// The card declined offline.
    OfflineDeclined = "offline_declined",
    /// Offline data authentication failed.
    OdaFailed = "oda_failed",
    /// Certification authority public key missing, expired or corrupt.
    CapkMissing = "capk_missing",
    /// Parameter, AID or key download failed.
    ParameterDownloadFailed = "parameter_download_failed",
    /// A PIN was asked for.
    PinAsked = "pin_asked",
    /// PIN entry cancelled or timed out.
    PinCancelled = "pin_cancelled",
    /// PIN wrong.
    PinWrong = "pin_wrong",
    /// Cardholder verification is needed and cannot be done here.
    CvmNotPossible = "cvm_not_possible",
    /// Sale cancelled by cardholder or cashier.
    Cancelled = "cancelled",
    /// The kernel ended with a request to go online.
    OnlineRequest = "online_request",
    /// Connecting to the host.
    Connecting = "connecting",
    /// Connected.
    Connected = "connected",
    /// Request sent.
    RequestSent = "request_sent",
    /// Response received.
    ResponseReceived = "response_received",
    /// Name not resolved.
    DnsFailed = "dns_failed",
    /// Connect time-out.
    ConnectTimeout = "connect_timeout",
    /// Connection refused.
    ConnectRefused = "connect_refused",
    /// A firewall dropped or refused a connection.
    Blocked = "blocked",
    /// Network unreachable, no link, no registration.
    LinkDown = "link_down",
    /// Signal weak.
    SignalLow = "signal_low",
    /// Roamed to another access point or cell.
    Roamed = "roamed",
    /// No answer in time.
    ReadTimeout = "read_timeout",
    /// Connection reset or closed while waiting.
    ConnectionReset = "connection_reset",
    /// TLS failed for a reason that is not a certificate.
    TlsFailed = "tls_failed",
    /// TLS failed because of a certificate.
    TlsCertificate = "tls_certificate",
    /// Message authentication or key wrong, at the terminal.
    KeyError = "key_error",
    /// Not signed on, batch full, must settle.
    NotSignedOn = "not_signed_on",
    /// Signed on.
    SignOn = "sign_on",
    /// Terminal not registered or merchant invalid, as the terminal says.
    NotRegistered = "not_registered",
    /// The merchant or terminal does not take this scheme or card type.
    SchemeNotAccepted = "scheme_not_accepted",
    /// Reversal queued or sent.
    Reversal = "reversal",
    /// Approved.
    Approved = "approved",
    /// Declined, or failed without saying why.
    Declined = "declined",
    /// Transaction ended, result not said.
    SaleEnd = "sale_end",
    /// Fall-back to contact or magnetic stripe.
    Fallback = "fallback",
    /// Contact chip read failed.
    ContactReadFailed = "contact_read_failed",
    /// Contact chip inserted and powered.
    ContactInserted = "contact_inserted",
    /// Magnetic stripe read failed.
    MagstripeReadFailed = "magstripe_read_failed",
    /// Crash of the payment application.
    AppCrash = "app_crash",
    /// Service of the operating system died, or the device restarted.
    ServiceDied = "service_died",
    /// Update running.
    UpdateRunning = "update_running",
    /// The clock is wrong or jumped.
    ClockBad = "clock_bad",
    /// Battery low, power dip.
    LowPower = "low_power",
    /// Reader, PIN pad or cable lost.
    PeripheralLost = "peripheral_lost",
    /// Tamper, keys erased.
    Tamper = "tamper",
    /// Another kind of payment: QR code, face.
    OtherPayment = "other_payment",
    /// A menu or function was chosen that does not open the reader, or the amount was edited.
    CashierAction = "cashier_action",
    /// Duplicate transaction, as the terminal or host says.
    Duplicate = "duplicate",
    /// Host or system under maintenance, as said in words.
    HostMaintenance = "host_maintenance",
    /// Message could not be built or was rejected for its format.
    FormatError = "format_error",
    /// A configuration value is stated (limit, host, version).
    ConfigValue = "config_value",
    /// The reader was repaired or replaced.
    Repaired = "repaired",
    /// A vendor's error that no table maps.
    OtherError = "other_error",
}
