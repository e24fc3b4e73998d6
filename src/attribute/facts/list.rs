//! The list of facts: name, type, group, unit and meaning of each column of the facts table.
//!
//! The group says what can observe a fact, and with that, when it is NULL. Text facts are empty where a source covered the
//! attempt and there was nothing of the kind.

use crate::attribute::model::{FactDef, FactType};

/// What can observe a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// The attempt as correlated.
    Attempt,
    /// The card dialogue.
    Dialogue,
    /// Card verification results inside 9F10.
    CardData,
    /// The card's data storage.
    Storage,
    /// The kernel: from the dialogue or the log.
    Kernel,
    /// The terminal's log.
    Log,
    /// ISO 8583 messages.
    Message,
    /// The network.
    Network,
    /// Other attempts of the same sale or card.
    Sale,
    /// Comparison with other attempts.
    Group,
}

impl Group {
    /// When a fact of the group is NULL.
    #[must_use]
    pub const fn null_when(self) -> &'static str {
        match self {
            Self::Attempt => "the sources do not say",
            Self::Dialogue => "no card dialogue or log covers it, or there was nothing to measure",
            Self::CardData => "no 9F10 was seen, or its layout is not published or has no such bit",
            Self::Storage => "no data storage was used, or the source does not show it",
            Self::Kernel => "neither dialogue nor log nor message shows it",
            Self::Log => "no log of the terminal covers the attempt",
            Self::Message => {
                "no capture or log shows messages of the attempt, or there was nothing to measure"
            }
            Self::Network => {
                "no capture or log covers the terminal, or there was nothing to measure"
            }
            Self::Sale => "the attempt belongs to no known sale or its time is not known",
            Self::Group => "nothing to compare with, or the attempt needs no explanation",
        }
    }

    /// The group that it counts as where independent evidence is counted: parts of one dialogue are one witness.
    #[must_use]
    pub const fn witness(self) -> Self {
        match self {
            Self::CardData | Self::Storage => Self::Dialogue,
            other => other,
        }
    }

    /// The source that would show it, as `missing_evidence` names it.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::Dialogue | Self::CardData | Self::Storage | Self::Kernel => "card trace",
            Self::Log | Self::Attempt => "terminal log",
            Self::Message => "host log or decrypted messages",
            Self::Network => "network capture",
            Self::Sale | Self::Group => "inputs of more terminals and a longer time",
        }
    }
}

macro_rules! facts {
    ($($name:ident: $ty:ident, $group:ident, $unit:literal, $meaning:literal;)*) => {
        /// A fact, by the name of its column.
        #[allow(non_camel_case_types, reason = "the variants are column names")]
        #[allow(missing_docs, reason = "each is documented by FACTS")]
        #[allow(dead_code, reason = "signal facts are set by offset")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Fact { $($name,)* }

        /// All facts, in column order.
        pub const FACTS: &[FactDef] = &[$(FactDef {
            name: stringify!($name),
            ty: FactType::$ty,
            unit: $unit,
            meaning: $meaning,
            null_when: Group::$group.null_when(),
        },)*];

        /// The group of each fact, in column order.
        pub const GROUPS: &[Group] = &[$(Group::$group,)*];
    };
}

facts! {
    stage: Text, Attempt, "", "Last step reached.";
    step: Int, Attempt, "", "The same as a number: 0 started, 1 polling, 2 activated, 3 PPSE, 4 selected, 5 GPO, 6 read, 7 cryptogram, 8 outcome, 9 request, 10 answer, 11 completed.";
    outcome: Text, Attempt, "", "How the attempt ended.";
    sale_outcome: Text, Attempt, "", "How the sale ended.";
    failed: Bool, Attempt, "", "The attempt did not end in an approval that stood.";
    attempt_number: Int, Attempt, "", "Which attempt of the sale this is, from 1.";
    interface: Text, Attempt, "", "How the card was presented.";
    is_tap: Bool, Attempt, "", "Contactless by what the sources show; true also where nothing says otherwise.";
    scheme: Text, Attempt, "", "Card scheme.";
    kernel: Text, Attempt, "", "Kernel number: from the log, the card's wish in the PPSE (9F2A), or by the scheme of a tap whose dialogue was seen.";
    aid: Text, Attempt, "", "Application identifier selected, hex.";
    issuer_bin: Text, Attempt, "", "First six digits of the card number.";
    amount_minor: Int, Attempt, "minor units", "Amount.";
    amount_zero: Bool, Attempt, "", "The amount is zero.";
    limit_expected_minor: Int, Attempt, "minor units", "Contactless limit of the terminal, as the inventory states it.";
    log_covered: Bool, Attempt, "", "A log of the terminal runs through the attempt.";
    apdu_covered: Bool, Attempt, "", "Card dialogues of the terminal are recorded around the attempt.";
    capture_covered: Bool, Attempt, "", "A capture shows the terminal around the attempt.";
    night_window: Bool, Attempt, "", "Local time lies in a usual maintenance window: 22:50 to 05:00.";
    field_on: Bool, Dialogue, "", "The radio field was switched on.";
    card_answered: Bool, Dialogue, "", "A card answered in the field.";
    no_card_polled: Bool, Dialogue, "", "Polling ran its whole time and no card answered.";
    collision: Bool, Dialogue, "", "More than one card answered.";
    activation_failed: Bool, Dialogue, "", "A card answered and could not be activated (no ATS, bad ATQA).";
    not_iso_dep: Bool, Dialogue, "", "The card is not ISO/IEC 14443-4 (SAK without bit 6).";
    card_lost: Bool, Dialogue, "", "The link to the card was lost.";
    transmission_errors: Int, Dialogue, "", "CRC, parity and framing errors on the air.";
    protocol_errors: Int, Dialogue, "", "Block protocol errors on the air.";
    waiting_time_extensions: Int, Dialogue, "", "Times the card asked for more time.";
    present_after: Bool, Dialogue, "", "The card still answered after the failure.";
    activations: Int, Dialogue, "", "How often a card was activated.";
    distinct_uids: Int, Dialogue, "", "How many different UIDs answered.";
    phone_hint: Bool, Dialogue, "", "UID or data objects say that it is a phone or watch.";
    form_factor_card: Bool, Dialogue, "", "Tag 9F6E says that it is a plastic card.";
    ppse_sw: Text, Dialogue, "", "Status word of SELECT PPSE; empty: not answered.";
    ppse_aids: Int, Dialogue, "", "Applications that the PPSE lists.";
    ppse_payment_aids: Int, Dialogue, "", "Those of them that belong to a payment scheme.";
    ppse_schemes: Text, Dialogue, "", "Schemes that the PPSE lists, comma separated.";
    ppse_kernel_id: Text, Dialogue, "", "Kernel identifier that the card asks for (9F2A).";
    aid_select_sw: Text, Dialogue, "", "Status word of the last SELECT by AID; empty: none was sent or answered.";
    aid_selected: Bool, Dialogue, "", "An application was selected.";
    no_aid_selected_after_ppse: Bool, Dialogue, "", "The PPSE listed applications and none was selected.";
    gpo_tried: Int, Dialogue, "", "GET PROCESSING OPTIONS sent.";
    gpo_sw: Text, Dialogue, "", "Status word of the last GET PROCESSING OPTIONS.";
    gpo_answered: Bool, Dialogue, "", "The last GET PROCESSING OPTIONS was answered; null where none was sent.";
    read_record_sw: Text, Dialogue, "", "First status word of READ RECORD other than 9000.";
    records_read: Int, Dialogue, "", "Records read with 9000.";
    gac_sw: Text, Dialogue, "", "Status word of GENERATE AC.";
    gac_requested: Text, Dialogue, "", "Cryptogram that the terminal asked for: AAC, TC, ARQC.";
    unanswered_command: Text, Dialogue, "", "Command of the dialogue that got no answer, first one: `select_ppse`, `select_aid`, `gpo`, `read_record`, `generate_ac`, `other`; empty: all were answered.";
    lost_mid_dialogue: Bool, Dialogue, "", "GPO, READ RECORD or GENERATE AC got no answer after at least one clean exchange and no transmission error.";
    clean_before_loss: Bool, Dialogue, "", "No transmission or protocol error came before the loss.";
    card_error_sw: Text, Dialogue, "", "6FFF, 6581, 6400 or 6F00 answered to SELECT or GPO.";
    cid: Text, Dialogue, "", "Cryptogram that the card gave: ARQC, TC, AAC; empty: none.";
    has_cryptogram: Bool, Dialogue, "", "Tag 9F26 was seen.";
    missing_mandatory: Text, Dialogue, "", "Mandatory data object that was absent after reading, hex tag; empty: none.";
    tlv_fault: Text, Dialogue, "", "What is wrong with the card's data: a stable name; empty: nothing.";
    pan_mismatch: Bool, Dialogue, "", "Tags 5A and 57 hold different numbers.";
    card_expired: Bool, Dialogue, "", "The card's expiry lies before the true date.";
    card_expired_by_terminal: Bool, Dialogue, "", "The card's expiry lies before the date that the terminal used (9A).";
    not_yet_effective: Bool, Dialogue, "", "Tag 5F25 lies after the date that the terminal used.";
    terminal_date: Text, Dialogue, "YYMMDD", "Tag 9A.";
    recover_ac: Bool, Dialogue, "", "RECOVER AC was sent: an earlier tap was torn.";
    relay_resistance_failed: Bool, Dialogue, "", "EXCHANGE RELAY RESISTANCE DATA failed.";
    pin_verify_sw: Text, Dialogue, "", "Status word of VERIFY.";
    capk_index: Text, Dialogue, "", "Tag 8F: index of the authority key that the card needs.";
    unattended: Bool, Dialogue, "", "Terminal type (9F35) is unattended.";
    ec_balance_short: Bool, Dialogue, "", "Offline balance (9F5D, 9F79) is below the amount.";
    see_phone_flag: Bool, Dialogue, "", "DF4B says that the cardholder must act on the device.";
    apdu_total_ms: Int, Dialogue, "ms", "Sum of the command times.";
    contact_dialogue_ok: Bool, Dialogue, "", "The contact chip answered in this attempt.";
    furthest_command: Text, Dialogue, "", "Last command of the flow that was answered with 9000: `select_ppse`, `select_aid`, `gpo`, `read_record`, `relay_resistance`, `generate_ac`; empty: none.";
    expected_next: Text, Dialogue, "", "What the kernel does after that: one of the same names, or `outcome` where the card has said all.";
    came_instead: Text, Dialogue, "", "What came in its place: a status word, `silence` (no answer), `unknown` (the source does not show the answer), `card_lost`, `transmission_error`, `protocol_error`, `new_activation`, `field_off`, `nothing` (the dialogue just ends); empty: nothing is missing.";
    records_located: Int, Dialogue, "", "Records that the application file locator (94) asks for.";
    records_missing: Int, Dialogue, "", "Those of them that were not read with 9000.";
    first_record_missing: Text, Dialogue, "", "The first of them, as FILE.RECORD; empty: none.";
    records_out_of_order: Bool, Dialogue, "", "Records were read in another order than the locator's.";
    ppse_selected: Int, Dialogue, "", "How often SELECT PPSE was sent: more than once is a further tap or a retry.";
    device_action_asked: Bool, Dialogue, "", "GET PROCESSING OPTIONS was answered with 6986: the holder must act on the device.";
    contact_after_tap: Bool, Dialogue, "", "A contact dialogue (1PAY.SYS.DDF01) follows the tap in the same attempt.";
    ppse_ms: Int, Dialogue, "ms", "Time of SELECT PPSE, all of them.";
    select_ms: Int, Dialogue, "ms", "Time of SELECT by AID, all of them.";
    gpo_ms: Int, Dialogue, "ms", "Time of GET PROCESSING OPTIONS, all of them.";
    read_ms: Int, Dialogue, "ms", "Time of READ RECORD, all of them.";
    cryptogram_ms: Int, Dialogue, "ms", "Time of GENERATE AC or COMPUTE CRYPTOGRAPHIC CHECKSUM.";
    slowest_command: Text, Dialogue, "", "Command of the flow that took longest.";
    dialogue_ms: Int, Dialogue, "ms", "From the first command of the flow to the last answer.";
    pdol_fault: Text, Dialogue, "", "What is wrong with the data of GET PROCESSING OPTIONS against the PDOL: `gpo_length_wrong`, `gpo_data_malformed`, `dol_ttq_zero`, `dol_amount_not_decimal`, `dol_date_impossible`, `dol_unpredictable_number_zero`, `dol_country_zero`, `dol_currency_zero`, `dol_repeated_tag` …; empty: nothing.";
    cdol_fault: Text, Dialogue, "", "The same for GENERATE AC and COMPUTE CRYPTOGRAPHIC CHECKSUM: `cdol_length_wrong`, `udol_length_wrong`, `dol_…`; empty: nothing.";
    command_fault: Text, Dialogue, "", "A command that the terminal built wrong: `lc_zero`, `lc_too_long`, `lc_too_short`, `le_missing`; empty: none.";
    iad_layout: Text, Dialogue, "", "Layout of issuer application data (9F10): `vis`, `vis2`, `unionpay`, `mchip`, `ccd`; empty: unknown.";
    cryptogram_version: Text, Dialogue, "", "Cryptogram version number (or common core identifier) in 9F10, hex.";
    cvr: Text, Dialogue, "", "Card verification results in 9F10, hex.";
    cvr_first_ac: Text, CardData, "", "Cryptogram that the card gave first (GENERATE AC or GPO), by its own account: `AAC`, `TC`, `ARQC`.";
    cvr_second_ac: Text, CardData, "", "The same for the second GENERATE AC: `AAC`, `TC`, `not_requested`.";
    cvr_contradicts_cid: Bool, CardData, "", "The card's own account and cryptogram information data (9F27) name different cryptograms.";
    cvr_pin: Text, CardData, "", "Offline PIN by the card's account: `ok`, `failed`, `not_performed`.";
    cvr_pin_tries: Int, CardData, "tries", "PIN tries left, modulo 16.";
    cvr_pin_try_limit: Bool, CardData, "", "The PIN may not be tried any more.";
    cvr_device_verified: Bool, CardData, "", "The device verified its holder (Visa's format for mobile devices).";
    cvr_last_online_incomplete: Bool, CardData, "", "The online transaction before this one was not completed.";
    cvr_unable_online: Bool, CardData, "", "The card was told that the terminal could not go online.";
    cvr_issuer_auth_failed: Bool, CardData, "", "Issuer authentication failed, now or in the last online transaction.";
    cvr_scripts: Int, CardData, "commands", "Issuer script commands that the card has processed, modulo 16.";
    cvr_script_failed: Bool, CardData, "", "An issuer script failed.";
    cvr_oda_failed_before: Bool, CardData, "", "Offline data authentication failed in the transaction before this one.";
    cvr_offline_limit: Bool, CardData, "", "A counter or sum of offline transactions passed a limit of the card.";
    cvr_go_online_next: Bool, CardData, "", "The issuer told the card to go online with its next transaction.";
    cvr_new_card: Bool, CardData, "", "The card was never online.";
    cvr_date_check_failed: Bool, CardData, "", "The card's own date check failed (M/Chip).";
    ac_lower_than_asked: Bool, Dialogue, "", "GENERATE AC was answered with a lower cryptogram than asked for (ARQC for TC, AAC for either): the card decided.";
    cvm_method: Text, Dialogue, "", "Method in CVM results (9F34): `online_pin`, `no_cvm`, `signature`, `device`, `plaintext_pin`, `enciphered_pin`, `none_performed`, `fail` …";
    cvm_condition: Text, Dialogue, "", "Condition code in CVM results, hex.";
    cvm_result: Text, Dialogue, "", "Result in CVM results: `failed`, `successful`, `unknown`.";
    cvm_list: Text, Dialogue, "", "Methods of the card's CVM list (8E), each once, comma separated.";
    oda_methods: Text, Dialogue, "", "Offline authentication that the AIP offers: `SDA`, `DDA`, `CDA`, comma separated; empty: none.";
    oda_data_present: Bool, Dialogue, "", "The records hold key index, issuer certificate, and a signature or the card's certificate.";
    relay_exchanges: Int, Dialogue, "", "EXCHANGE RELAY RESISTANCE DATA sent.";
    relay_micros: Int, Dialogue, "µs", "Longest of them.";
    relay_too_slow: Bool, Dialogue, "", "One took longer than the card's own upper limit.";
    magstripe_mode: Bool, Dialogue, "", "The tap ran in mag-stripe mode (COMPUTE CRYPTOGRAPHIC CHECKSUM, CVC3).";
    issuer_scripts: Int, Dialogue, "", "Issuer script commands sent.";
    issuer_script_sw: Text, Dialogue, "", "First status word of a script command that failed; empty: none did.";
    data_storage: Bool, Dialogue, "", "Data storage was used: its objects in GET PROCESSING OPTIONS or GENERATE AC, data envelopes, READ DATA or WRITE DATA.";
    storage_kind: Text, Dialogue, "", "Kinds of data storage used, comma separated: `integrated`, `standalone`, `kernel_8`; empty: none.";
    storage_read: Text, Storage, "", "What was read from the card's storage, tags in hex (READ DATA: its parameters), comma separated; empty: nothing.";
    storage_written: Text, Storage, "", "What was written to it with status 9000, the same way; empty: nothing.";
    storage_failed: Text, Storage, "", "First storage command that failed: `read` or `write`, the tag, and why: a status word, `silence`, `nothing` (no data), `summary differs`, `unchanged`, `incomplete`; empty: none.";
    storage_write_stands: Bool, Storage, "", "What was written with GENERATE AC is on the card, by its summaries (DF8101, DF8102) or the kernel's account (DF810B).";
    form_factor: Text, Dialogue, "", "Tag 9F6E, hex: form factor (Visa), third party data (Mastercard), reader capabilities (Amex).";
    atc: Int, Dialogue, "", "Application transaction counter (9F36).";
    track2_read: Bool, Dialogue, "", "Track 2 equivalent data (57) were read.";
    ops: Text, Kernel, "", "Outcome parameter set, byte 1 (`30` is online request); empty: none.";
    ui: Text, Kernel, "", "User interface message identifier; empty: none.";
    ei_l1: Text, Kernel, "", "Error indication, level 1; empty: none or `00`.";
    ei_l2: Text, Kernel, "", "Error indication, level 2; empty: none or `00`.";
    ei_l3: Text, Kernel, "", "Error indication, level 3; empty: none or `00`.";
    tvr: Text, Kernel, "", "Tag 95.";
    tvr_oda_failed: Bool, Kernel, "", "TVR: SDA, DDA or CDA failed.";
    tvr_icc_data_missing: Bool, Kernel, "", "TVR: ICC data missing.";
    tvr_exception_file: Bool, Kernel, "", "TVR: card is on the exception file.";
    tvr_version_differs: Bool, Kernel, "", "TVR: application versions differ.";
    tvr_expired: Bool, Kernel, "", "TVR: expired application.";
    tvr_not_effective: Bool, Kernel, "", "TVR: application not yet effective.";
    tvr_service_not_allowed: Bool, Kernel, "", "TVR: requested service not allowed.";
    tvr_cvm_failed: Bool, Kernel, "", "TVR: cardholder verification failed.";
    tvr_cvm_unknown: Bool, Kernel, "", "TVR: unrecognised CVM.";
    tvr_pin_tries: Bool, Kernel, "", "TVR: PIN try limit exceeded.";
    tvr_pin_pad: Bool, Kernel, "", "TVR: PIN pad not present or not working.";
    tvr_pin_not_entered: Bool, Kernel, "", "TVR: PIN was not entered.";
    tvr_issuer_auth_failed: Bool, Kernel, "", "TVR: issuer authentication failed.";
    tvr_relay: Bool, Kernel, "", "TVR: relay resistance exceeded (kernels 2 and 8).";
    ttq_emv_mode: Bool, Kernel, "", "TTQ: EMV mode (qVSDC, qPBOC) supported.";
    ttq_online_pin: Bool, Kernel, "", "TTQ: online PIN supported.";
    ttq_cvm_required: Bool, Kernel, "", "TTQ: CVM required.";
    ttq_cdcvm: Bool, Kernel, "", "TTQ: consumer device CVM supported.";
    ctq_present: Bool, Kernel, "", "The card sent CTQ.";
    ctq_online_pin: Bool, Kernel, "", "CTQ: online PIN required.";
    ctq_cdcvm: Bool, Kernel, "", "CTQ: consumer device CVM performed.";
    ctq_switch: Bool, Kernel, "", "CTQ: a bit that asks to switch interface.";
    ctq_go_online_if_expired: Bool, Kernel, "", "CTQ: go online if expired.";
    cvm: Text, Kernel, "", "First byte of CVM results (9F34).";
    reader_limit_minor: Int, Kernel, "minor units", "Contactless transaction limit that the terminal states (log value, DF8124, DF8125, DF20).";
    cvm_limit_minor: Int, Kernel, "minor units", "CVM limit that the terminal states (log value, DF8126, DF21).";
    amount_at_limit: Bool, Kernel, "", "The amount is at or above the stated contactless limit.";
    limit_absurd: Bool, Kernel, "", "The stated contactless limit is below one unit of currency.";
    log_note: Bool, Log, "", "Carries keys (trace number, amount, terminal) and no judgement.";
    log_sale_start: Bool, Log, "", "A sale begins: amount known, card asked for.";
    log_present_card: Bool, Log, "", "“Tap your card” and the like.";
    log_polling_start: Bool, Log, "", "The field was switched on, polling started.";
    log_poll_timeout: Bool, Log, "", "Polling ended with no card.";
    log_card_detected: Bool, Log, "", "A card was detected.";
    log_card_read_ok: Bool, Log, "", "The card was read to the end.";
    log_card_removed: Bool, Log, "", "The card was removed or lost while being read.";
    log_multiple_cards: Bool, Log, "", "More than one card.";
    log_retry_prompt: Bool, Log, "", "Please tap again.";
    log_use_chip: Bool, Log, "", "Please insert (or swipe) the card.";
    log_see_phone: Bool, Log, "", "Please look at the phone.";
    log_limit_exceeded: Bool, Log, "", "Amount above the contactless limit.";
    log_contactless_off: Bool, Log, "", "Contactless switched off by parameter, menu or system.";
    log_no_contactless_hardware: Bool, Log, "", "The device has no contactless hardware.";
    log_reader_init_failed: Bool, Log, "", "Contactless module failed to start or to pass its self-test.";
    log_reader_io_error: Bool, Log, "", "Driver-level input/output error of the reader chip.";
    log_rf_transmission_error: Bool, Log, "", "CRC, parity or frame error on the air.";
    log_rf_protocol_error: Bool, Log, "", "Block protocol error on the air.";
    log_no_common_aid: Bool, Log, "", "The application identifier list is empty, or nothing in common with the card.";
    log_kernel_unsupported: Bool, Log, "", "The kernel that the card asks for is not there.";
    log_kernel_parameters: Bool, Log, "", "Kernel or processing parameters are wrong.";
    log_card_blocked: Bool, Log, "", "Application or card blocked.";
    log_card_expired: Bool, Log, "", "Card expired, as the terminal says.";
    log_card_data_invalid: Bool, Log, "", "Card data missing or wrong.";
    log_card_not_contactless: Bool, Log, "", "No contactless or payment application on the card.";
    log_offline_declined: Bool, Log, "", "The card declined offline.";
    log_oda_failed: Bool, Log, "", "Offline data authentication failed.";
    log_capk_missing: Bool, Log, "", "Certification authority public key missing, expired or corrupt.";
    log_parameter_download_failed: Bool, Log, "", "Parameter, AID or key download failed.";
    log_pin_asked: Bool, Log, "", "A PIN was asked for.";
    log_pin_cancelled: Bool, Log, "", "PIN entry cancelled or timed out.";
    log_pin_wrong: Bool, Log, "", "PIN wrong.";
    log_cvm_not_possible: Bool, Log, "", "Cardholder verification is needed and cannot be done here.";
    log_cancelled: Bool, Log, "", "Sale cancelled by cardholder or cashier.";
    log_online_request: Bool, Log, "", "The kernel ended with a request to go online.";
    log_connecting: Bool, Log, "", "Connecting to the host.";
    log_connected: Bool, Log, "", "Connected.";
    log_request_sent: Bool, Log, "", "Request sent.";
    log_response_received: Bool, Log, "", "Response received.";
    log_dns_failed: Bool, Log, "", "Name not resolved.";
    log_connect_timeout: Bool, Log, "", "Connect time-out.";
    log_connect_refused: Bool, Log, "", "Connection refused.";
    log_blocked: Bool, Log, "", "A firewall's log: the connection was dropped or refused.";
    log_link_down: Bool, Log, "", "Network unreachable, no link, no registration.";
    log_signal_low: Bool, Log, "", "Signal weak.";
    log_roamed: Bool, Log, "", "Roamed to another access point or cell.";
    log_read_timeout: Bool, Log, "", "No answer in time.";
    log_connection_reset: Bool, Log, "", "Connection reset or closed while waiting.";
    log_tls_failed: Bool, Log, "", "TLS failed for a reason that is not a certificate.";
    log_tls_certificate: Bool, Log, "", "TLS failed because of a certificate.";
    log_key_error: Bool, Log, "", "Message authentication or key wrong, at the terminal.";
    log_not_signed_on: Bool, Log, "", "Not signed on, batch full, must settle.";
    log_sign_on: Bool, Log, "", "Signed on.";
    log_not_registered: Bool, Log, "", "Terminal not registered or merchant invalid, as the terminal says.";
    log_scheme_not_accepted: Bool, Log, "", "The terminal says that this scheme or card type is not taken here.";
    log_reversal: Bool, Log, "", "Reversal queued or sent.";
    log_approved: Bool, Log, "", "Approved.";
    log_declined: Bool, Log, "", "Declined, or failed without saying why.";
    log_sale_end: Bool, Log, "", "Transaction ended, result not said.";
    log_fallback: Bool, Log, "", "Fall-back to contact or magnetic stripe.";
    log_contact_read_failed: Bool, Log, "", "Contact chip read failed.";
    log_contact_inserted: Bool, Log, "", "Contact chip inserted and powered.";
    log_magstripe_read_failed: Bool, Log, "", "Magnetic stripe read failed.";
    log_app_crash: Bool, Log, "", "Crash of the payment application.";
    log_service_died: Bool, Log, "", "Service of the operating system died, or the device restarted.";
    log_update_running: Bool, Log, "", "Update running.";
    log_clock_bad: Bool, Log, "", "The clock is wrong or jumped.";
    log_low_power: Bool, Log, "", "Battery low, power dip.";
    log_peripheral_lost: Bool, Log, "", "Reader, PIN pad or cable lost.";
    log_tamper: Bool, Log, "", "Tamper, keys erased.";
    log_other_payment: Bool, Log, "", "Another kind of payment: QR code, face.";
    log_cashier_action: Bool, Log, "", "A menu or function was chosen that does not open the reader, or the amount was edited.";
    log_duplicate: Bool, Log, "", "Duplicate transaction, as the terminal or host says.";
    log_host_maintenance: Bool, Log, "", "Host or system under maintenance, as said in words.";
    log_format_error: Bool, Log, "", "Message could not be built or was rejected for its format.";
    log_config_value: Bool, Log, "", "A configuration value is stated (limit, host, version).";
    log_repaired: Bool, Log, "", "The reader was repaired or replaced.";
    log_other_error: Bool, Log, "", "A vendor's error that no table maps.";
    sdk_code: Text, Log, "", "Last result code of a vendor's kit that names a trouble: `SUNMI -4141`; empty: none.";
    sdk_causes: Text, Log, "", "Causes that the code tables link with the codes seen, each between bars: `|CARD_EXPIRED|`.";
    reader_init_failures: Int, Log, "", "How many lines say that the reader failed to start.";
    rssi_dbm: Int, Log, "dBm", "Weakest signal stated.";
    signal_good: Bool, Log, "", "The signal was stated and good (above -70 dBm).";
    limit_prompt_before_field: Bool, Log, "", "A limit message or \"insert\" came and the field was never on.";
    pin_entered: Bool, Log, "", "A PIN was entered (log, F52 or TVR).";
    request_seen: Bool, Message, "", "A request was sent.";
    response_seen: Bool, Message, "", "An answer came.";
    f39: Text, Message, "", "Response code; empty: no answer with one.";
    response_ms: Int, Message, "ms", "Request to answer.";
    no_response: Bool, Message, "", "A request was sent and no answer came.";
    late_response: Bool, Message, "", "The answer came after the terminal had given up.";
    mti: Int, Message, "", "Message type of the request.";
    purpose: Text, Message, "", "What the request is for: `purchase`, `refund or void`, `balance enquiry` …; empty: no request with fields.";
    management: Text, Message, "", "What else the terminal and the host exchanged around it, comma separated: `sign in`, `settlement`, `chip card parameter download` …; empty: nothing.";
    processing_code: Text, Message, "", "F3.";
    entry_mode: Text, Message, "", "F22.";
    entry_tap: Bool, Message, "", "F22 says contactless.";
    entry_fallback: Bool, Message, "", "F22 says magnetic stripe (fall-back where the card has a chip).";
    pin_present: Bool, Message, "", "F52 was sent.";
    f14_sent: Bool, Message, "", "The request carries the card's expiry in F14 (it may stand in F35 as well, which is not kept).";
    f55_present: Bool, Message, "", "F55 was sent.";
    f55_without_cryptogram: Bool, Message, "", "A tap was sent without F55 or without 9F26 in it.";
    f55_differences: Text, Message, "", "Data objects that differ between F55 and the card dialogue, hex tags, comma separated.";
    reversal_seen: Bool, Message, "", "A reversal was sent.";
    reversal_reason: Text, Message, "", "Reason of the reversal: message reason code or F39 of the 0400.";
    duplicate_request: Bool, Message, "", "The same request was sent twice.";
    sign_on_refused: Bool, Message, "", "A sign-on or echo in the attempt was refused.";
    processing_demand: Int, Message, "", "What the host asks for in the header (UnionPay POS).";
    response_approved: Bool, Message, "", "The response code means approval.";
    retry_code: Bool, Message, "", "The response code asks to try later.";
    traffic_seen: Bool, Network, "", "The capture holds traffic of the attempt.";
    connect_attempted: Bool, Network, "", "A connection was tried.";
    server: Text, Network, "", "Host side of the connection.";
    syn_count: Int, Network, "", "SYNs sent.";
    syn_unanswered: Bool, Network, "", "The connection was never answered.";
    connect_ok: Bool, Network, "", "The connection was opened.";
    connect_refused: Bool, Network, "", "The connection was refused.";
    connect_ms: Int, Network, "ms", "SYN to SYN-ACK.";
    reset_mid: Bool, Network, "", "The connection was reset after the request and before the answer.";
    reset_by: Text, Network, "", "Who reset it: `client`, `server`, `middlebox`; empty: nobody.";
    fin_early: Bool, Network, "", "The server closed after the request and before the answer.";
    request_acked: Bool, Network, "", "TCP acknowledged the request.";
    ack_ms: Int, Network, "ms", "Until TCP acknowledged the request.";
    data_unacked: Bool, Network, "", "Data of the terminal was never acknowledged.";
    retransmissions: Int, Network, "", "Segments sent again.";
    rtt_ms: Int, Network, "ms", "Median round trip.";
    rtt_high: Bool, Network, "", "Connect or round trip time is 5 times the median of all terminals, or a second and more.";
    zero_windows: Int, Network, "", "Zero windows advertised.";
    opaque: Bool, Network, "", "The connection carried TLS: the messages inside cannot be seen.";
    dns_failed: Bool, Network, "", "A name was not resolved (server failure, refused, no answer).";
    dns_nx: Bool, Network, "", "A name does not exist.";
    dns_name: Text, Network, "", "Name that was not resolved, or the last one resolved.";
    dns_ms: Int, Network, "ms", "Until the name was answered.";
    tls_alert: Int, Network, "", "TLS alert description; -1: none.";
    tls_alert_from: Text, Network, "", "Who sent the alert: `client`, `server`.";
    tls_no_server_hello: Bool, Network, "", "ClientHello got no ServerHello.";
    tls_client_old: Bool, Network, "", "The terminal offers no more than TLS 1.1.";
    tls_cert_invalid: Bool, Network, "", "The server's certificate is outside its validity at the true time.";
    tls_issuer: Text, Network, "", "Issuer of the server's certificate.";
    tls_version: Text, Network, "", "Version of TLS that the host chose; empty: none was seen.";
    tls_cipher: Text, Network, "", "Cipher suite that the host chose.";
    tls_name: Text, Network, "", "Name that the terminal asked the host for (SNI).";
    tls_name_wrong: Bool, Network, "", "The host's certificate is not for the name that the terminal asked for.";
    tls_chain_incomplete: Bool, Network, "", "The host sent its certificate without that of the issuer.";
    tls_self_issued: Bool, Network, "", "The host's certificate names itself as its issuer.";
    tls_resumed: Bool, Network, "", "The handshake resumed an earlier session.";
    tls_stalled: Bool, Network, "", "A handshake began and neither ended nor failed with an alert.";
    tls_decrypted: Bool, Network, "", "The messages inside TLS were read with secrets.";
    opaque_answer_ms: Int, Network, "ms", "Last request-sized record of TLS to the answer-sized one after it.";
    opaque_unanswered: Bool, Network, "", "No answer-sized record of TLS followed the last request-sized one.";
    half_open: Bool, Network, "", "The terminal used a connection that had been idle for 30 s or more and that the host had given up.";
    idle_close: Bool, Network, "", "The host closed or reset the connection after 10 s or more without data.";
    http_result: Text, Network, "", "What a payment gateway's JSON says of the result; empty: nothing.";
    http_ms: Int, Network, "ms", "HTTP request to answer.";
    icmp: Text, Network, "", "ICMP error as version/type/code: `4/3/13`; empty: none.";
    link_fault: Text, Network, "", "Failure of the terminal's own network: `no_arp_answer`, `no_dhcp_answer`, `dhcp_refused`; empty: none.";
    http_status: Int, Network, "", "HTTP status; 0: none.";
    http_redirect: Bool, Network, "", "An HTTP redirect or login page answered on the way.";
    network_trouble: Bool, Network, "", "Any trouble on the way to the host: name, connection, TLS, loss.";
    clock_error_s: Int, Network, "s", "Terminal's date and time against the true time, without the zone.";
    clock_wrong: Bool, Network, "", "The terminal's clock is off by more than a day.";
    retry_ok: Bool, Sale, "", "A later tap of the sale within 60 s was approved or got past the step of this one.";
    retry_approved: Bool, Sale, "", "A later tap of the sale within 60 s was approved.";
    retry_phone: Bool, Sale, "", "A later tap of the sale within 60 s was approved, and it was a phone.";
    retap_of_lost: Bool, Sale, "", "An earlier attempt of the sale lost the card.";
    same_card_before: Bool, Sale, "", "An earlier tap of the sale was with the same card, by its number or its fixed UID; null where there was none or it cannot be told.";
    same_card_after: Bool, Sale, "", "A later tap of the sale was with the same card; null as above.";
    retap_ms: Int, Sale, "ms", "From the end of this tap to the beginning of the next tap of the sale; null where there is none.";
    see_phone_before: Bool, Sale, "", "An earlier tap of the sale ended with the device asking its holder to act (6986, DF4B).";
    see_phone_retap: Bool, Sale, "", "The device asked its holder to act and was tapped again in the sale; null where it asked nothing.";
    contact_ok_after: Bool, Sale, "", "The contact chip worked in a later attempt of the sale.";
    contact_approved_after: Bool, Sale, "", "A later attempt by contact chip was approved.";
    contact_failed_after: Bool, Sale, "", "A later attempt by contact chip failed to read.";
    other_interface_after: Bool, Sale, "", "The sale went on with another interface.";
    duplicate_of_approved: Bool, Sale, "", "An earlier attempt with the same card and amount within two minutes was approved.";
    earlier_tap_failed: Bool, Sale, "", "An earlier tap of the sale failed.";
    earlier_tap_mute: Bool, Sale, "", "An earlier tap of the sale waited its whole time and no card came to talk.";
    earlier_answer_lost: Bool, Sale, "", "An earlier attempt of the sale got no answer in time.";
    pin_retry_approved: Bool, Sale, "", "A later attempt of the sale with PIN was approved.";
    sale_attempts: Int, Sale, "", "Attempts of the sale.";
    smaller_amount_approved: Bool, Sale, "", "The same card got a smaller amount approved within an hour.";
    term_taps: Int, Group, "", "Taps at the terminal in all inputs.";
    term_taps_ok: Int, Group, "", "Taps at the terminal that got past activation.";
    term_fail_run: Int, Group, "", "Taps in a row at the terminal, around this one, that got no card to answer.";
    term_fail_run_sales: Int, Group, "", "Different cards or sales in that run.";
    term_tap_ok_near: Bool, Group, "", "A tap at the terminal got past activation within 30 minutes.";
    term_other_interface_ok: Bool, Group, "", "Another interface was approved at the terminal within two hours.";
    term_approvals: Int, Group, "", "Approvals at the terminal.";
    term_rf_error_rate: Float, Group, "ratio", "Share of the terminal's taps with radio trouble.";
    fleet_rf_error_rate: Float, Group, "ratio", "Share of all other taps with radio trouble.";
    term_rf_high: Bool, Group, "", "Radio trouble at the terminal is at least 5 times as frequent as elsewhere, with three cards or more, beyond chance.";
    term_collision_rate: Float, Group, "ratio", "Share of the terminal's taps with collisions.";
    term_expired_cards: Int, Group, "", "Different cards that the terminal called expired.";
    term_clock_wrong: Bool, Group, "", "The terminal's clock is off by more than a day in this or a near attempt.";
    term_pin_wrong_cards: Int, Group, "", "Different cards in a row whose PIN was called wrong at the terminal.";
    term_key_failures: Int, Group, "", "Attempts at the terminal refused for keys or MAC.";
    term_limit_refusals: Int, Group, "", "Attempts at the terminal refused for the contactless limit.";
    term_max_tap_ok_minor: Int, Group, "minor units", "Largest amount that passed by tap at the terminal.";
    term_init_failed_after_restart: Bool, Group, "", "The reader failed to start again in later sales.";
    term_works_after_restart: Bool, Group, "", "A tap passed at the terminal within 30 minutes after a failed start, with no repair.";
    term_same_aid_ok: Bool, Group, "", "The same application was selected at this terminal with another card.";
    term_same_scheme_ok: Bool, Group, "", "A tap of the same scheme got past selection at this terminal.";
    term_capk_fail_cards: Int, Group, "", "Different cards of the same scheme and key index (8F) whose authentication failed here.";
    term_capk_ok_cards: Int, Group, "", "Different cards of the same scheme and key index (8F) whose authentication passed here.";
    term_capk_others_ok: Int, Group, "", "Different cards of the same scheme with another key index (8F) whose authentication passed here.";
    term_unopened_run: Int, Group, "", "Taps in a row at the terminal, around this one, that were sent to the chip with the field never on and no limit reached.";
    term_same_error_cards: Int, Group, "", "Different cards at the terminal, within six hours, whose dialogue broke with the same command and status word.";
    neighbours_tap_ok: Bool, Group, "", "Other terminals of the merchant or site took taps within 30 minutes.";
    others_accept_amount: Bool, Group, "", "Other terminals took a tap of this amount or more.";
    merchant_taps_refused: Int, Group, "", "Taps at the merchant refused as not permitted (03, 12, 40, 57, 58).";
    merchant_issuers_refused: Int, Group, "", "Different issuers among them.";
    merchant_taps_approved: Int, Group, "", "Taps at the merchant that were approved.";
    merchant_other_approved: Int, Group, "", "Payments at the merchant on other interfaces that were approved.";
    merchant_other_refused: Int, Group, "", "Payments at the merchant on other interfaces refused with the same code.";
    merchant_scheme_ok: Bool, Group, "", "The scheme was accepted at another terminal of the merchant.";
    merchant_scheme_refused_terminals: Int, Group, "", "Terminals of the merchant that found no application in common with the scheme.";
    merchant_approvals: Int, Group, "", "Approvals at the merchant.";
    card_ok_elsewhere: Bool, Group, "", "The same card tapped well at another terminal within a day.";
    card_ok_here: Bool, Group, "", "The same card tapped well at this terminal within a day.";
    card_fail_terminals: Int, Group, "", "Other terminals where the same card failed alike.";
    card_contact_ok: Bool, Group, "", "The same card was approved by contact within ten minutes.";
    card_taps_today: Int, Group, "", "Taps of the same card in all inputs before this one.";
    card_pin_wrong_before: Int, Group, "", "Times the same card's PIN was wrong before.";
    issuer_attempts: Int, Group, "", "Requests to the issuer within ten minutes.";
    issuer_fail_share: Float, Group, "ratio", "Share of them that failed for the issuer or system.";
    others_fail_share: Float, Group, "ratio", "The same for all other issuers.";
    issuer_fail: Bool, Group, "", "The issuer's requests fail, others pass, beyond chance.";
    same_code_issuers: Int, Group, "", "Different issuers with the same response code within ten minutes.";
    host_attempts: Int, Group, "", "Online attempts of all terminals within five minutes.";
    host_fail_share: Float, Group, "ratio", "Share of them that failed for the host or the way to it.";
    host_fail_terminals: Int, Group, "", "Terminals among the failing.";
    fleet_fail: Bool, Group, "", "At least a fifth of all online attempts fail for the host, at three terminals or more, beyond chance.";
    all_modes_fail: Bool, Group, "", "Other interfaces fail in the same window as well.";
    sharp_edges: Bool, Group, "", "The failures begin and end within a minute of full success.";
    host_timeout_share: Float, Group, "ratio", "Share of online attempts within five minutes that got no answer.";
    site_terminals: Int, Group, "", "Terminals of the site online within five minutes.";
    site_net_fail_terminals: Int, Group, "", "Those of them with slow or failing network.";
    site_net_share: Float, Group, "ratio", "Their share.";
    other_sites_net_share: Float, Group, "ratio", "The same for all other sites.";
    site_net_fail: Bool, Group, "", "The site's network is bad, other sites are well, beyond chance.";
    site_load_ratio: Float, Group, "ratio", "Attempts a minute at the site against its own mean.";
    server_ok_site: Bool, Group, "", "Other terminals of the site reach the same server in the window.";
    server_ok_elsewhere: Bool, Group, "", "Terminals of other sites reach the same server in the window.";
    others_connected: Bool, Group, "", "Other terminals reached a host within 30 minutes.";
    server_used_by_others: Bool, Group, "", "Another terminal reached the same server, or one of the same site or four others try to.";
    server_ok_here: Bool, Group, "", "The terminal itself reached the same server at another time.";
    other_server_ok_site: Bool, Group, "", "The site reaches other servers in the window.";
    name_used_by_others: Bool, Group, "", "The same name was resolved for another terminal, or one of the same site or four others ask for it.";
    name_ok_elsewhere: Bool, Group, "", "The same name is resolved for other sites.";
    tls_issuer_differs: Bool, Group, "", "Other sites see another certificate issuer for the same server.";
    tls_ok_others: Bool, Group, "", "Other terminals set up TLS with the same server.";
    tls_fail_terminals: Int, Group, "", "Terminals with the same alert from the same server.";
    refused_terminals: Int, Group, "", "Terminals whose connection was refused or dropped within five minutes.";
    sale_same_error: Int, Group, "", "Attempts of the sale that failed with the same command and error after as many records were read, this one among them.";
    bin_same_error: Int, Group, "", "Attempts of the same issuer range that failed with the same command and error.";
    bin_other_terminals_ok: Bool, Group, "", "The same issuer range taps well at terminals where this error never occurs.";
}

impl Fact {
    /// Its column.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Column of a fact by its name.
#[must_use]
pub fn fact_index(name: &str) -> Option<usize> {
    FACTS.iter().position(|fact| fact.name == name)
}
