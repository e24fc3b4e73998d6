//! The browser without a terminal: keys in, screens out.

use std::collections::BTreeMap;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::state::{Browser, Mode, Next};
use super::view;
use crate::event::Text;
use crate::plan::Language;
use crate::report::{CauseText, EventRow, EvidenceRow, Micros, Story, Transaction};

/// 2026-08-22T08:00:00Z.
const MORNING: i64 = 1_787_385_600_000_000;

fn transaction(number: i64, terminal: &str, cause: &str) -> Transaction {
    let text = |text: &str| Some(Text::new(text));
    Transaction {
        tx_id: Text::from(format!("abcdefghijklmno{}", (b'a' + number as u8) as char)),
        sale_id: Text::new("s"),
        attempt: 1,
        sale_outcome: Text::new("aborted"),
        started_at: Some(Micros(MORNING + number * 60_000_000)),
        ended_at: None,
        duration_ms: Some(1500),
        terminal_id: text(terminal),
        merchant_id: text(if number % 2 == 0 {
            "TEAHOUSE"
        } else {
            "BOOKSHOP"
        }),
        device: None,
        host: None,
        stan: Some(Text::from(format!("{number:06}"))),
        rrn: None,
        auth_code: None,
        amount_minor: Some(1200 + number),
        currency: text("CNY"),
        pan_masked: text("621234******1234"),
        pan_token: None,
        scheme: text("UnionPay"),
        aid: None,
        kernel: None,
        interface: Text::new("contactless"),
        entry_mode: None,
        stage: Text::new("activated"),
        outcome: Text::new("aborted"),
        failed: true,
        cause: text(cause),
        family: None,
        contributing: Vec::new(),
        confidence: Some(0.93),
        strength: text("strong"),
        alternatives: Vec::new(),
        missing_evidence: None,
        owners: vec![Text::new("vendor")],
        incident_id: None,
        response_code: None,
        last_sw: None,
        tvr: None,
        log_events: 1,
        apdu_events: 0,
        net_events: 0,
        link_method: Text::new("single_source"),
        link_confidence: 1.0,
    }
}

fn cause(code: &str, en: &str, zh: &str) -> (String, CauseText) {
    let text = CauseText {
        code: code.to_owned(),
        name_en: en.to_owned(),
        name_zh: zh.to_owned(),
        ..CauseText::default()
    };
    (code.to_owned(), text)
}

/// Six failed taps: four of a broken reader at one terminal, two blocked cards elsewhere.
fn browser() -> Browser {
    let all = (0..6)
        .map(|n| match n {
            2 | 4 => transaction(n, "10000007", "CARD_BLOCKED"),
            _ => transaction(n, "10000019", "HW_READER_FAULT"),
        })
        .collect();
    let causes = BTreeMap::from([
        cause("CARD_BLOCKED", "Card blocked", "卡片被锁定"),
        cause("HW_READER_FAULT", "Reader faulty", "读卡器故障"),
    ]);
    Browser::new("day1".to_owned(), 40, all, causes, Language::En)
}

fn story(transaction: &Transaction) -> Story {
    let event = |seq: u32, summary: &str| EventRow {
        tx_id: Some(transaction.tx_id.clone()),
        seq,
        at: Some(Micros(MORNING + i64::from(seq) * 1000)),
        at_source: None,
        source_id: 0,
        kind: Text::new("log"),
        locator: Text::from(format!("logs/terminal.log:{seq}")),
        step: None,
        summary: Text::new(summary),
        detail: Text::new("{}"),
    };
    Story {
        transaction: transaction.clone(),
        events: (1..40)
            .map(|n| event(n, "reader \u{1b}[31m does not answer\u{7}"))
            .collect(),
        evidence: vec![EvidenceRow {
            tx_id: transaction.tx_id.clone(),
            cause: transaction.cause.clone().unwrap_or_default(),
            rule: Text::new("r"),
            role: Text::new("decisive"),
            weight: 4.0,
            fact: Text::new("f"),
            value: Text::new("true"),
            locators: vec![Text::new("logs/terminal.log:2")],
            text_en: Text::new("The reader says nothing."),
            text_zh: Text::new("读卡器无响应。"),
        }],
        incident: None,
        sale: Vec::new(),
        causes: Vec::new(),
    }
}

fn press(browser: &mut Browser, keys: &str) -> Next {
    let mut next = Next::Go;
    for word in keys.split_whitespace() {
        let code = match word {
            "Enter" => KeyCode::Enter,
            "Esc" => KeyCode::Esc,
            "Down" => KeyCode::Down,
            "Up" => KeyCode::Up,
            "End" => KeyCode::End,
            "Home" => KeyCode::Home,
            "PgDn" => KeyCode::PageDown,
            "Tab" => KeyCode::Tab,
            "Back" => KeyCode::Backspace,
            other => KeyCode::Char(other.chars().next().unwrap_or(' ')),
        };
        next = browser.press(KeyEvent::new(code, KeyModifiers::NONE));
    }
    next
}

fn screen(browser: &mut Browser, columns: u16, rows: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a test backend");
    for _ in 0..2 {
        terminal
            .draw(|frame| view::draw(frame, browser, true))
            .expect("a test backend");
        if let Some(wanted) = browser.wanted().cloned() {
            browser.take(Ok(story(&wanted)));
        }
    }
    let buffer = terminal.backend().buffer();
    (0..rows)
        .map(|y| {
            let mut line = String::new();
            let mut x = 0;
            while x < columns {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += crate::cli::table::width(symbol).max(1) as u16;
            }
            format!("{}\n", line.trim_end())
        })
        .collect()
}

fn selected(browser: &Browser) -> &str {
    browser.selected().map_or("", |t| t.tx_id.as_str())
}

#[test]
fn a_wide_screen_has_list_and_story_side_by_side() {
    let mut browser = browser();
    let text = screen(&mut browser, 140, 24);
    for needle in [
        "6 failed of 40 attempts, 6 shown",
        "08-22 08:00:00 10000019",
        "HW_READER_FAULT",
        "Timeline",
        "┌ abcdefghijklmnoa ─",
        "Enter  read",
    ] {
        assert!(text.contains(needle), "{needle} is not in\n{text}");
    }
}

#[test]
fn a_narrow_screen_shows_one_after_the_other() {
    let mut browser = browser();
    let list = screen(&mut browser, 80, 20);
    assert!(list.contains("HW_READER_FAULT") && !list.contains("Timeline"));
    press(&mut browser, "Down Enter");
    let story = screen(&mut browser, 80, 20);
    assert!(
        story.contains("abcdefghijklmnob") && story.contains("Verdict"),
        "{story}"
    );
    press(&mut browser, "Esc");
    assert!(screen(&mut browser, 80, 20).contains("failed taps"));
}

#[test]
fn keys_move_and_stop_at_the_ends() {
    let mut browser = browser();
    screen(&mut browser, 80, 20);
    for (keys, id) in [
        ("Up", 'a'),
        ("Down Down", 'c'),
        ("End", 'f'),
        ("Down PgDn", 'f'),
        ("Home", 'a'),
        ("j j k", 'b'),
        ("n", 'c'),
        ("p p", 'a'),
    ] {
        press(&mut browser, keys);
        assert!(
            selected(&browser).ends_with(id),
            "{keys}: {}",
            selected(&browser)
        );
    }
    assert_eq!(press(&mut browser, "q"), Next::Quit);
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(browser.press(control_c), Next::Quit);
}

#[test]
fn a_cause_is_chosen_and_cleared() {
    let mut browser = browser();
    press(&mut browser, "c");
    let popup = screen(&mut browser, 100, 20);
    assert!(
        popup.contains("4  HW_READER_FAULT  Reader faulty"),
        "{popup}"
    );
    assert!(popup.contains("2  CARD_BLOCKED  Card blocked"), "{popup}");
    press(&mut browser, "Down Down Enter");
    assert_eq!(browser.fits, [2, 4]);
    let text = screen(&mut browser, 100, 20);
    assert!(
        text.contains("cause=CARD_BLOCKED") && text.contains("2 shown"),
        "{text}"
    );
    // The next filter counts what the first one left; its own values stay to be chosen.
    press(&mut browser, "t");
    let popup = screen(&mut browser, 100, 20);
    assert!(
        popup.contains("2  10000007") && !popup.contains("4  10000019"),
        "{popup}"
    );
    press(&mut browser, "Esc c");
    assert!(screen(&mut browser, 100, 20).contains("4  HW_READER_FAULT"));
    // Letters narrow the values.
    press(&mut browser, "r e a d e r Enter");
    assert_eq!(browser.fits.len(), 4);
    press(&mut browser, "x");
    assert_eq!(browser.fits.len(), 6);
}

#[test]
fn words_are_searched_as_they_are_typed() {
    let mut browser = browser();
    press(&mut browser, "End / b l o c k e d");
    assert_eq!(browser.fits, [2, 4]);
    assert_eq!(browser.mode, Mode::Searching);
    // `q` is a letter here.
    press(&mut browser, "q");
    assert!(browser.fits.is_empty());
    assert!(screen(&mut browser, 100, 20).contains("nothing fits"));
    press(&mut browser, "Back Enter");
    assert_eq!((browser.fits.len(), &browser.mode), (2, &Mode::Normal));
    press(&mut browser, "/ Esc");
    assert_eq!(browser.fits.len(), 6);
}

#[test]
fn who_is_looked_at_stays_so() {
    let mut browser = browser();
    press(&mut browser, "End");
    let id = selected(&browser).to_owned();
    press(&mut browser, "c Down Enter");
    assert_eq!(selected(&browser), id);
    press(&mut browser, "x");
    assert_eq!(selected(&browser), id);
}

#[test]
fn a_story_scrolls_no_further_than_its_end() {
    let mut browser = browser();
    press(&mut browser, "Enter");
    screen(&mut browser, 80, 20);
    press(&mut browser, "End");
    let end = screen(&mut browser, 80, 20);
    assert!(end.contains("logs/terminal.log:2"), "{end}");
    let scrolled = browser.scroll;
    press(&mut browser, "Down Down");
    screen(&mut browser, 80, 20);
    assert_eq!(browser.scroll, scrolled);
    // Another attempt begins at its top.
    press(&mut browser, "n");
    assert_eq!(browser.scroll, 0);
}

#[test]
fn nothing_of_the_data_moves_the_cursor() {
    let mut browser = browser();
    press(&mut browser, "Enter");
    let text = screen(&mut browser, 120, 60);
    assert!(text.contains("\\x1b[31m"), "{text}");
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
}

#[test]
fn chinese_on_a_key() {
    let mut browser = browser();
    press(&mut browser, "l");
    let text = screen(&mut browser, 140, 24);
    for needle in ["失败交易", "读卡器故障", "时间线", "退出"] {
        assert!(text.contains(needle), "{needle} is not in\n{text}");
    }
}

#[test]
fn any_size_is_drawn() {
    let mut browser = browser();
    for keys in ["", "Enter", "Esc c", "Esc ?", "x /", "Esc"] {
        press(&mut browser, keys);
        for (columns, rows) in [(1, 1), (8, 3), (20, 5), (79, 24), (117, 4), (250, 80)] {
            screen(&mut browser, columns, rows);
        }
    }
    let mut empty = Browser::new(
        "none".to_owned(),
        0,
        Vec::new(),
        BTreeMap::new(),
        Language::En,
    );
    press(&mut empty, "Down Enter Tab PgDn c Enter");
    assert!(screen(&mut empty, 100, 10).contains("nothing fits"));
}

#[test]
fn what_cannot_be_loaded_is_said() {
    let mut browser = browser();
    press(&mut browser, "Enter");
    browser.take(Err("events.parquet: damaged \u{1b}".to_owned()));
    assert!(browser.wanted().is_none(), "not tried again and again");
    let mut terminal = Terminal::new(TestBackend::new(80, 10)).expect("a test backend");
    terminal
        .draw(|frame| view::draw(frame, &mut browser, false))
        .expect("a test backend");
    let text: String = terminal
        .backend()
        .buffer()
        .content()
        .iter()
        .map(|c| c.symbol())
        .collect();
    assert!(text.contains("events.parquet: damaged \\x1b"), "{text}");
    press(&mut browser, "Esc Down Enter");
    assert!(browser.wanted().is_some(), "the next one is");
}
