//! The rows of the output tables, column by column as the contract has them.

use crate::event::Text;

use super::row::{Alternative, Micros, table};

table! {
    /// One attempt: a row of `transactions.parquet`.
    Transaction {
        /// 16 lower-case letters, from content.
        tx_id: Text,
        /// The sale.
        sale_id: Text,
        /// Which attempt of the sale, from 1.
        attempt: u16,
        /// How the sale ended.
        sale_outcome: Text,
        /// First event.
        started_at: Option<Micros>,
        /// Last event.
        ended_at: Option<Micros>,
        /// Between them.
        duration_ms: Option<i64>,
        /// F41, or from the log.
        terminal_id: Option<Text>,
        /// F42, or from the log.
        merchant_id: Option<Text>,
        /// Host name, serial number or address of the terminal.
        device: Option<Text>,
        /// The host that was called, where known.
        host: Option<Text>,
        /// F11, six digits.
        stan: Option<Text>,
        /// F37.
        rrn: Option<Text>,
        /// F38.
        auth_code: Option<Text>,
        /// Minor units.
        amount_minor: Option<i64>,
        /// ISO 4217 letters.
        currency: Option<Text>,
        /// First six and last four digits at most.
        pan_masked: Option<Text>,
        /// Keyed token, or a name of this run.
        pan_token: Option<Text>,
        /// Payment scheme.
        scheme: Option<Text>,
        /// Application identifier, hex.
        aid: Option<Text>,
        /// Kernel.
        kernel: Option<Text>,
        /// How the card was presented.
        interface: Text,
        /// F22 as sent.
        entry_mode: Option<Text>,
        /// Last step reached.
        stage: Text,
        /// How the attempt ended.
        outcome: Text,
        /// It did not end in an approval.
        failed: bool,
        /// Code from the catalogue, `UNDETERMINED`, or nothing to explain.
        cause: Option<Text>,
        /// Family of the cause.
        family: Option<Text>,
        /// Further causes that played a part.
        contributing: Vec<Text>,
        /// Probability that the cause is right.
        confidence: Option<f64>,
        /// What the evidence is, in words.
        strength: Option<Text>,
        /// What else it could be, best first.
        alternatives: Vec<Alternative>,
        /// What would decide between the first two.
        missing_evidence: Option<Text>,
        /// Who can mend it, first the one to call.
        owners: Vec<Text>,
        /// The incident that it is part of.
        incident_id: Option<Text>,
        /// F39.
        response_code: Option<Text>,
        /// Last status word.
        last_sw: Option<Text>,
        /// Tag 95.
        tvr: Option<Text>,
        /// Linked events of logs.
        log_events: u32,
        /// Linked events of the card dialogue.
        apdu_events: u32,
        /// Linked events of captures.
        net_events: u32,
        /// Strongest key that joined the sources.
        link_method: Text,
        /// How sure the weakest joint is.
        link_confidence: f64,
    }
}

table! {
    /// One event: a row of `events.parquet`.
    EventRow {
        /// The attempt, or none.
        tx_id: Option<Text>,
        /// Order in the attempt, from 1.
        seq: u32,
        /// Aligned time.
        at: Option<Micros>,
        /// As the source's own clock says.
        at_source: Option<Micros>,
        /// The source.
        source_id: u32,
        /// Kind of event.
        kind: Text,
        /// Where it stands.
        locator: Text,
        /// The step that it shows.
        step: Option<Text>,
        /// One line, masked.
        summary: Text,
        /// Masked JSON.
        detail: Text,
    }
}

table! {
    /// One piece of evidence: a row of `evidence.parquet`.
    EvidenceRow {
        /// The attempt.
        tx_id: Text,
        /// The cause that it speaks for or against.
        cause: Text,
        /// Name in the rule file.
        rule: Text,
        /// `decisive`, `supporting`, `refuting`.
        role: Text,
        /// Log-odds, signed.
        weight: f64,
        /// Facts that the condition names.
        fact: Text,
        /// Their values.
        value: Text,
        /// Lines and frames that made the facts.
        locators: Vec<Text>,
        /// Sentence.
        text_en: Text,
        /// Sentence.
        text_zh: Text,
    }
}

table! {
    /// One incident: a row of `incidents.parquet`.
    IncidentRow {
        /// From content.
        incident_id: Text,
        /// What the failures share.
        scope: Text,
        /// Which one.
        scope_value: Text,
        /// First failure.
        started_at: Option<Micros>,
        /// Last failure.
        ended_at: Option<Micros>,
        /// Attempts in it.
        transactions: u32,
        /// Failed ones.
        failed: u32,
        /// Expected failed ones.
        expected_failed: f64,
        /// Corrected for many comparisons.
        p_value: f64,
        /// Common cause.
        cause: Option<Text>,
        /// Sentence.
        text_en: Text,
        /// Sentence.
        text_zh: Text,
    }
}

table! {
    /// One input stream: a row of `sources.parquet`.
    SourceRow {
        /// Number in this run.
        source_id: u32,
        /// As given, plus `!member`.
        path: Text,
        /// Hash of its bytes.
        blake3: Text,
        /// Where custody asked for it.
        sha256: Option<Text>,
        /// As decoded.
        bytes: u64,
        /// Parsed, and bearing on payments.
        bytes_understood: u64,
        /// Parsed, and of no interest.
        bytes_ignored: u64,
        /// No parser knows what they are.
        bytes_not_understood: u64,
        /// Could not be read.
        bytes_unreadable: u64,
        /// Kind of evidence.
        kind: Option<Text>,
        /// Format.
        format: Option<Text>,
        /// Text encoding.
        encoding: Option<Text>,
        /// Records seen.
        records: u64,
        /// Events made.
        events: u64,
        /// Damaged ones.
        damaged_records: u64,
        /// Where and why.
        first_damage: Option<Text>,
        /// First event, aligned.
        first_at: Option<Micros>,
        /// Last event, aligned.
        last_at: Option<Micros>,
        /// Source clock minus reference.
        clock_offset_ms: Option<f64>,
        /// Parts per million.
        clock_drift_ppm: Option<f64>,
        /// How the clock was found.
        clock_method: Option<Text>,
        /// What became of it.
        status: Text,
    }
}

table! {
    /// One damaged record or limit: a row of `issues.parquet`.
    IssueRow {
        /// The source.
        source_id: u32,
        /// Where in it.
        locator: Text,
        /// Stable name.
        code: Text,
        /// How many.
        count: u64,
        /// What was expected and found.
        text: Text,
    }
}

table! {
    /// What transactions are found by.
    Keys {
        /// As in [`Transaction`].
        tx_id: Text,
        /// As in [`Transaction`].
        sale_id: Text,
        /// As in [`Transaction`].
        started_at: Option<Micros>,
        /// As in [`Transaction`].
        ended_at: Option<Micros>,
        /// As in [`Transaction`].
        terminal_id: Option<Text>,
        /// As in [`Transaction`].
        device: Option<Text>,
        /// As in [`Transaction`].
        stan: Option<Text>,
        /// As in [`Transaction`].
        rrn: Option<Text>,
        /// As in [`Transaction`].
        amount_minor: Option<i64>,
        /// As in [`Transaction`].
        merchant_id: Option<Text>,
        /// As in [`Transaction`].
        interface: Text,
        /// As in [`Transaction`].
        cause: Option<Text>,
        /// As in [`Transaction`].
        pan_masked: Option<Text>,
    }
}

table! {
    /// What a page shows of an event.
    PageEvent {
        /// As in [`EventRow`].
        tx_id: Option<Text>,
        /// As in [`EventRow`].
        at: Option<Micros>,
        /// As in [`EventRow`].
        kind: Text,
        /// As in [`EventRow`].
        locator: Text,
        /// As in [`EventRow`].
        step: Option<Text>,
        /// As in [`EventRow`].
        summary: Text,
        /// As in [`EventRow`].
        detail: Text,
    }
}
