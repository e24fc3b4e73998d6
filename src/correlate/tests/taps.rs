//! Stories of presentments: what belongs to one tap, and what is the next.

use super::*;

#[test]
fn a_torn_tap_and_its_second_tap_are_two_attempts_of_one_sale() {
    let mut story = Story::default();
    story.source("pos.log", SourceKind::Log);
    story.log(10.0, Signal::SaleStart, sale("T1", 9, 1200));
    story
        .apdu(11.0, CommandKind::SelectPpse, Some(0x9000), &[])
        .apdu(11.1, CommandKind::SelectAid, Some(0x9000), &[])
        .apdu(11.2, CommandKind::GetProcessingOptions, None, &[]);
    story.log(11.6, Signal::RetryPrompt, Keys::default());
    good_tap(&mut story, 14.0, 5);
    story.log(15.0, Signal::Approved, Keys::default());
    let told = story.tell();
    let seen: Vec<_> = told
        .attempts
        .iter()
        .map(|a| (a.number, a.outcome, a.sale_outcome))
        .collect();
    assert_eq!(
        seen,
        [
            (1, Outcome::TryAgain, Outcome::Approved),
            (2, Outcome::Approved, Outcome::Approved)
        ]
    );
    assert_eq!(told.attempts[0].sale_id, told.attempts[1].sale_id);
    assert_eq!(told.attempts[1].keys.amount_minor, Some(1200));
}

#[test]
fn a_card_seen_twice_in_the_field_belongs_to_the_attempt_it_spoils() {
    let mut story = Story::default();
    story.source("pos.log", SourceKind::Log);
    story.log(0.0, Signal::SaleStart, sale("T1", 3, 900));
    let collision = Field {
        state: FieldState::Collision,
        uid: None,
        sak: None,
        phone_hint: false,
        text: Text::default(),
    };
    story.at(1.0, Keys::default(), Payload::Nfc(Box::new(collision)));
    story.log(1.1, Signal::MultipleCards, Keys::default());
    good_tap(&mut story, 7.0, 5);
    story.log(8.0, Signal::Approved, Keys::default());
    let told = story.tell();
    assert_eq!(
        told.attempts.iter().map(|a| a.outcome).collect::<Vec<_>>(),
        [Outcome::TryAgain, Outcome::Approved]
    );
}

/// The reader says that it cannot, and a chip follows, with or without a prompt in between: two attempts of one sale.
#[test]
fn a_barred_tap_and_the_chip_after_it() {
    let mut story = Story::default();
    story.source("pos.log", SourceKind::Log);
    let sale = sale("10000019", 7, 1200);
    story
        .log(10.0, Signal::SaleStart, sale.clone())
        .log(10.1, Signal::NoContactlessHardware, Keys::default())
        .log(21.0, Signal::ContactInserted, Keys::default())
        .log(27.0, Signal::Approved, sale);
    let told = story.tell();
    let outcomes: Vec<Outcome> = told.attempts.iter().map(|a| a.outcome).collect();
    assert_eq!(told.attempts.len(), 2, "{outcomes:?}");
    assert_eq!(told.attempts[0].sale_id, told.attempts[1].sale_id);
    assert_eq!(told.attempts[1].outcome, Outcome::Approved);
}

/// The terminal asked for the chip: what the host answers then, it answers to the chip, though nobody logged that it was inserted.
#[test]
fn the_host_answers_to_what_came_after_the_prompt() {
    let mut story = Story::default();
    story
        .source("pos.log", SourceKind::Log)
        .apdu(10.0, CommandKind::SelectPpse, Some(0x9000), &[])
        .apdu(10.1, CommandKind::SelectAid, Some(0x9000), &[])
        .apdu(10.2, CommandKind::GetProcessingOptions, Some(0x6984), &[])
        .log(10.3, Signal::UseChip, Keys::default())
        .log(19.0, Signal::ResponseReceived, Keys::default())
        .log(19.2, Signal::Approved, Keys::default());
    let told = story.tell();
    let outcomes: Vec<Outcome> = told.attempts.iter().map(|a| a.outcome).collect();
    assert_eq!(outcomes, [Outcome::OtherInterface, Outcome::Approved]);
}

/// Without a word that opens a sale, the next one begins where a card is read after an answer.
#[test]
fn a_card_that_is_read_after_an_answer_is_the_next_sale() {
    let mut story = Story::default();
    story.source("pos.log", SourceKind::Log);
    for at in [10.0, 40.0, 70.0] {
        story.log(at, Signal::OnlineRequest, Keys::default()).log(
            at + 1.0,
            Signal::ResponseReceived,
            Keys::default(),
        );
    }
    assert_eq!(story.tell().attempts.len(), 3);
}

/// No tap has a second cryptogram; where the payment directory of taps was read, a second one is a tap that was repeated.
#[test]
fn two_cryptograms_are_a_contact_dialogue() {
    for (directory, expected) in [(false, Interface::Contact), (true, Interface::Contactless)] {
        let mut story = Story::default();
        story.source("card.trace", SourceKind::Trace);
        if directory {
            story.apdu(1000.0, CommandKind::SelectPpse, Some(0x9000), &[]);
        }
        story.apdu(1000.1, CommandKind::SelectAid, Some(0x9000), &[]);
        for at in [1000.2, 1000.6] {
            story.apdu(at, CommandKind::GenerateAc, Some(0x9000), &[]);
        }
        assert_eq!(story.tell().attempts[0].interface, expected);
    }
}
