//! Facts out of the tap as a state machine: how far it got with proof, what should have come next, what came instead, how long
//! each step took (domain reference, section 6).

use super::Row;
use super::list::Fact;
use super::view::{Seen, View};
use crate::event::{CommandKind, Exchange, FieldState};

/// Step facts.
pub fn facts(view: &View<'_>, row: &mut Row) {
    if view.has_dialogue() {
        progress(view, row);
        records(view, row);
        taps(view, row);
    }
    durations(view, row);
}

/// Kernel by what is known of the attempt: the log, the card's own wish (9F2A), else the one that the scheme has by default (EMV
/// Contactless Book B, 3.3.2.5).
pub fn kernel(view: &View<'_>) -> Option<&'static str> {
    let asked = || {
        let seen = view.exchanges.iter().rev().find(|seen| {
            seen.what.command == CommandKind::SelectPpse && seen.what.sw == Some(0x9000)
        })?;
        let (&first, _) = seen.what.bytes(0x9F2A)?.split_first()?;
        // The two upper bits say whether the number is that of a domestic kernel.
        match first {
            2 => Some("2"),
            3 => Some("3"),
            4 => Some("4"),
            5 => Some("5"),
            6 => Some("6"),
            7 => Some("7"),
            8 => Some("8"),
            _ => None,
        }
    };
    let scheme = || {
        let by_application = || super::dialogue::scheme_of(view.attempt.keys.aid.as_deref()?);
        view.attempt.keys.scheme.or_else(by_application)
    };
    let by_scheme = || match scheme()? {
        "Mastercard" | "Maestro" => Some("2"),
        "Visa" => Some("3"),
        "American Express" | "Amex" => Some("4"),
        "JCB" => Some("5"),
        "Discover" | "Diners Club" => Some("6"),
        "UnionPay" => Some("7"),
        _ => None,
    };
    view.attempt.keys.kernel.or_else(asked).or_else(by_scheme)
}

/// Kernels whose card computes the cryptogram in GET PROCESSING OPTIONS.
fn early_cryptogram(kernel: Option<&str>) -> bool {
    matches!(kernel, Some("3" | "7" | "6"))
}

/// The records that the last application file locator asks for, and those that were read after it: file, record.
fn located(view: &View<'_>) -> Option<(Vec<(u8, u8)>, Vec<(u8, u8)>, u32)> {
    let (at, locator) = view
        .exchanges
        .iter()
        .enumerate()
        .rev()
        .find_map(|(at, seen)| Some((at, seen.what.bytes(0x94)?)))?;
    let entries = locator.as_chunks::<4>().0;
    // Kernel 2 in EMV mode leaves out the record that only mag-stripe mode needs (EMV Contactless Book C-2, S3.29).
    let stripe = view
        .exchanges
        .iter()
        .any(|seen| seen.what.command == CommandKind::ComputeCryptographicChecksum);
    let entries = match entries {
        [[0x08, 1, 1, 0], rest @ ..]
            if kernel(view) == Some("2") && !stripe && !rest.is_empty() =>
        {
            rest
        }
        all => all,
    };
    let wanted: Vec<(u8, u8)> = entries
        .iter()
        .flat_map(|&[file, first, last, _]| (first..=last).map(move |record| (file >> 3, record)))
        .take(256)
        .collect();
    let mut read: Vec<(u8, u8)> = Vec::new();
    for seen in view.exchanges.get(at..).unwrap_or_default() {
        let [_, _, record, file] = seen.what.header;
        if seen.what.command == CommandKind::ReadRecord
            && seen.what.sw == Some(0x9000)
            && !read.contains(&(file >> 3, record))
        {
            read.push((file >> 3, record));
        }
    }
    let index = view.exchanges.get(at).map_or(0, |seen| seen.index);
    Some((wanted, read, index))
}

fn records(view: &View<'_>, row: &mut Row) {
    let Some((wanted, read, event)) = located(view) else {
        return;
    };
    let here = [event];
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    row.int(Fact::records_located, count(wanted.len()), &here);
    let missing: Vec<String> = wanted
        .iter()
        .filter(|record| !read.contains(record))
        .map(|(file, record)| format!("{file}.{record}"))
        .collect();
    row.int(Fact::records_missing, count(missing.len()), &here);
    row.text(
        Fact::first_record_missing,
        missing.first().map_or("", String::as_str),
        &here,
    );
    let order: Vec<usize> = read
        .iter()
        .filter_map(|record| wanted.iter().position(|w| w == record))
        .collect();
    row.bool(Fact::records_out_of_order, !order.is_sorted(), &here);
}

/// What a tap of this kernel does after its last good exchange.
fn next_step(view: &View<'_>, last: Option<CommandKind>) -> &'static str {
    let kernel = kernel(view);
    let cryptogram = view.tag(0x9F26, Some(false)).is_some()
        || view.tag(0x9F60, Some(false)).is_some()
        || view.tag(0x9F61, Some(false)).is_some();
    // A card that gives CDOL1 waits for GENERATE AC, whatever its scheme usually does (D-PAS 2, PBOC in full).
    let waits = view.tag(0x8C, Some(false)).is_some() || !early_cryptogram(kernel);
    let unread = located(view)
        .is_some_and(|(wanted, read, _)| wanted.iter().any(|record| !read.contains(record)));
    match last {
        None => "select_ppse",
        Some(CommandKind::SelectPpse | CommandKind::SelectPse) => "select_aid",
        Some(CommandKind::SelectAid) => "gpo",
        Some(
            CommandKind::GetProcessingOptions
            | CommandKind::ExchangeRelayResistanceData
            | CommandKind::ReadRecord,
        ) if unread => "read_record",
        Some(
            CommandKind::GetProcessingOptions
            | CommandKind::ExchangeRelayResistanceData
            | CommandKind::ReadRecord,
        ) if !cryptogram && waits => "generate_ac",
        Some(CommandKind::GetProcessingOptions) if !cryptogram => "read_record",
        _ => "outcome",
    }
}

fn name(command: CommandKind) -> Option<&'static str> {
    Some(match command {
        CommandKind::SelectPpse | CommandKind::SelectPse => "select_ppse",
        CommandKind::SelectAid => "select_aid",
        CommandKind::GetProcessingOptions => "gpo",
        CommandKind::ReadRecord => "read_record",
        CommandKind::ExchangeRelayResistanceData => "relay_resistance",
        CommandKind::GenerateAc | CommandKind::ComputeCryptographicChecksum => "generate_ac",
        _ => return None,
    })
}

/// Commands of the flow itself, in their order.
fn flow<'v>(view: &'v View<'_>) -> impl DoubleEndedIterator<Item = &'v Seen<'v, Exchange>> {
    view.exchanges
        .iter()
        .filter(|seen| name(seen.what.command).is_some())
}

fn progress(view: &View<'_>, row: &mut Row) {
    let good = flow(view).rfind(|seen| seen.what.sw == Some(0x9000));
    let Some(last) = flow(view).next_back() else {
        if let Some(activated) = view
            .fields
            .iter()
            .rfind(|seen| seen.what.state == FieldState::Activated)
        {
            row.text(Fact::furthest_command, "", &[]);
            row.text(Fact::expected_next, "select_ppse", &[activated.index]);
            row.text(Fact::came_instead, came(view, activated.index), &[]);
        }
        return;
    };
    let reached = good.and_then(|seen| name(seen.what.command));
    let at: Vec<u32> = good.map(|seen| seen.index).into_iter().collect();
    row.text(Fact::furthest_command, reached.unwrap_or(""), &at);
    let expected = next_step(view, good.map(|seen| seen.what.command));
    row.text(Fact::expected_next, expected, &at);
    // What stands where the next step should be.
    let refused = good.is_none_or(|good| last.index > good.index);
    let instead = if refused {
        match (last.what.sw, last.what.answered) {
            (Some(sw), _) => format!("{sw:04X}"),
            (None, Some(false)) => "silence".to_owned(),
            (None, _) => "unknown".to_owned(),
        }
    } else if expected == "outcome" {
        String::new()
    } else {
        came(view, last.index).to_owned()
    };
    row.text(Fact::came_instead, &instead, &[last.index]);
}

/// What the field shows after an event where no command follows.
fn came(view: &View<'_>, after: u32) -> &'static str {
    let later = |state: FieldState| {
        view.fields
            .iter()
            .any(|seen| seen.index > after && seen.what.state == state)
    };
    if later(FieldState::Lost) {
        "card_lost"
    } else if later(FieldState::TransmissionError) {
        "transmission_error"
    } else if later(FieldState::ProtocolError) {
        "protocol_error"
    } else if later(FieldState::Activated) {
        "new_activation"
    } else if later(FieldState::Off) {
        "field_off"
    } else {
        "nothing"
    }
}

/// Taps within the attempt: activations, and dialogues that begin anew.
fn taps(view: &View<'_>, row: &mut Row) {
    let begun: Vec<u32> = view
        .exchanges
        .iter()
        .filter(|seen| seen.what.command == CommandKind::SelectPpse)
        .map(|seen| seen.index)
        .collect();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    row.int(Fact::ppse_selected, count(begun.len()), &begun);
    // Kernels 3 and 7: the device wants its holder to act, and the card comes back (Book C-3, 5.2.2.2).
    let asked: Vec<u32> = view
        .exchanges
        .iter()
        .filter(|seen| {
            seen.what.command == CommandKind::GetProcessingOptions && seen.what.sw == Some(0x6986)
        })
        .map(|seen| seen.index)
        .collect();
    row.seen(Fact::device_action_asked, &asked, true);
    let contact: Vec<u32> = view
        .exchanges
        .iter()
        .skip_while(|seen| seen.what.command != CommandKind::SelectPpse)
        .filter(|seen| seen.what.command == CommandKind::SelectPse)
        .map(|seen| seen.index)
        .collect();
    row.seen(Fact::contact_after_tap, &contact, true);
}

fn durations(view: &View<'_>, row: &mut Row) {
    let mut slowest: Option<(u32, &'static str, u32)> = None;
    let mut sums: [(Fact, u64, Vec<u32>); 5] = [
        (Fact::ppse_ms, 0, Vec::new()),
        (Fact::select_ms, 0, Vec::new()),
        (Fact::gpo_ms, 0, Vec::new()),
        (Fact::read_ms, 0, Vec::new()),
        (Fact::cryptogram_ms, 0, Vec::new()),
    ];
    for seen in flow(view) {
        let Some(micros) = seen.what.duration_micros else {
            continue;
        };
        let slot = match seen.what.command {
            CommandKind::SelectPpse | CommandKind::SelectPse => 0,
            CommandKind::SelectAid => 1,
            CommandKind::GetProcessingOptions => 2,
            CommandKind::ReadRecord => 3,
            CommandKind::GenerateAc | CommandKind::ComputeCryptographicChecksum => 4,
            _ => continue,
        };
        if let Some((_, sum, events)) = sums.get_mut(slot) {
            *sum += u64::from(micros);
            events.push(seen.index);
        }
        if slowest.is_none_or(|(most, ..)| micros > most) {
            slowest = name(seen.what.command).map(|name| (micros, name, seen.index));
        }
    }
    for (fact, sum, events) in sums {
        if !events.is_empty() {
            row.int(fact, i64::try_from(sum / 1000).unwrap_or(i64::MAX), &events);
        }
    }
    if let Some((_, name, event)) = slowest {
        row.text(Fact::slowest_command, name, &[event]);
    }
    // From the first command to the last answer, by the source's clock.
    let first = flow(view).next().and_then(|seen| seen.at);
    let last = flow(view)
        .rfind(|seen| seen.what.sw.is_some())
        .and_then(|seen| Some(seen.at? + i64::from(seen.what.duration_micros.unwrap_or(0))));
    if let (Some(first), Some(last)) = (first, last)
        && last > first
    {
        row.int(Fact::dialogue_ms, (last - first) / 1000, &[]);
    }
}
