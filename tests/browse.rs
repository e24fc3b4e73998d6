//! `tapscope browse` in a real (pseudo) terminal, with keys pressed.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

#[path = "common/pty.rs"]
mod pty;

mod common;
mod made;

use pty::Session;
use tapscope::attribute::Catalogue;

/// A folder as `analyze` writes it, full of hostile text, as `out` in a folder.
fn folder() -> tempfile::TempDir {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    let catalogue = Catalogue::default();
    tapscope::report::write(&made::hostile(), &catalogue, &made::plan(), &out, false).unwrap();
    parent
}

fn browse(
    parent: &tempfile::TempDir,
    columns: u16,
    rows: u16,
    environment: &[(&str, &str)],
) -> Session {
    let command = format!("{} browse out", env!("CARGO_BIN_EXE_tapscope"));
    Session::start(&command, parent.path(), columns, rows, environment)
}

#[test]
fn keys_filters_and_sizes() {
    if !pty::possible() {
        return;
    }
    let parent = folder();
    let mut session = browse(&parent, 140, 30, &[]);
    // List and story side by side, loaded by itself.
    let text = session.wait("the first screen", |t| {
        t.contains("failed taps") && t.contains("Verdict")
    });
    insta::assert_snapshot!("browse_wide", text);
    // A popup with the causes, narrowed, chosen, cleared.
    session.press("c");
    session.wait("the causes", |t| t.contains("(all)"));
    session.press("early\r");
    session.wait("one cause", |t| {
        t.contains("cause=CARD_EARLY_REMOVAL") && t.contains("1 shown")
    });
    session.press("x");
    session.wait("all again", |t| t.contains("3 shown"));
    // A narrower screen: the list alone, then the story alone.
    session.resize(80, 24);
    let text = session.wait("a narrow list", |t| {
        !t.contains("Verdict") && t.contains("failed taps")
    });
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    session.press("\r");
    let text = session.wait("a narrow story", |t| {
        t.contains("Verdict") && !t.contains("failed taps")
    });
    insta::assert_snapshot!("browse_narrow_story", text);
    session.press("d");
    session.press("G");
    session.wait("its end", |t| {
        t.contains("scroll") && !t.contains("Verdict")
    });
    session.press("\u{1b}");
    session.wait("the list again", |t| t.contains("failed taps"));
    session.press("/zzz");
    session.wait("nothing", |t| {
        t.contains("nothing fits") && t.contains("/zzz")
    });
    // By itself: right before a letter it would be Alt.
    session.press("\u{1b}");
    session.wait("all again", |t| t.contains("3 shown"));
    session.press("l");
    session.wait("Chinese", |t| t.contains("失败交易"));
    session.press("q");
    let screen = std::sync::Arc::clone(&session.screen);
    assert_eq!(session.end(), 0);
    let raw = String::from_utf8_lossy(&screen.lock().unwrap().raw).into_owned();
    // The other screen was taken and given back, the cursor is there again.
    assert!(raw.contains("\u{1b}[?1049h") && raw.contains("\u{1b}[?1049l"));
    // Of the hostile text nothing went through: no title was set, no bell was rung.
    assert!(!raw.contains("\u{1b}]") && !raw.contains('\u{7}') && !raw.contains('\u{202e}'));
}

#[test]
fn no_colour_where_none_is_wanted() {
    if !pty::possible() {
        return;
    }
    let coloured = |environment: &[(&str, &str)]| {
        let parent = folder();
        let mut session = browse(&parent, 140, 30, environment);
        session.wait("the story", |t| t.contains("Verdict"));
        session.press("\u{3}");
        let screen = std::sync::Arc::clone(&session.screen);
        assert_eq!(session.end(), 0, "Ctrl-C quits");
        let raw = String::from_utf8_lossy(&screen.lock().unwrap().raw).into_owned();
        // 31 to 36, or the same colours as 38;5;N.
        (1..=6).any(|n| {
            raw.contains(&format!("\u{1b}[3{n}m")) || raw.contains(&format!("\u{1b}[38;5;{n}"))
        })
    };
    assert!(coloured(&[]));
    assert!(!coloured(&[("NO_COLOR", "1")]));
}

#[test]
fn inspect_fits_its_terminal() {
    if !pty::possible() {
        return;
    }
    for (columns, environment, colours) in [
        (80, &[][..], true),
        (140, &[][..], true),
        (100, &[("NO_COLOR", "1")][..], false),
        (100, &[("TERM", "dumb")][..], false),
    ] {
        let parent = folder();
        let command = format!("{} inspect out stan=123", env!("CARGO_BIN_EXE_tapscope"));
        let session = Session::start(&command, parent.path(), columns, 100, environment);
        let screen = std::sync::Arc::clone(&session.screen);
        assert_eq!(session.end(), 0);
        std::thread::sleep(std::time::Duration::from_millis(200));
        let screen = screen.lock().unwrap();
        let text = screen.text();
        assert!(text.contains("► 08:00:01.200"), "{text}");
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(
            widest <= usize::from(columns),
            "{widest} of {columns}:\n{text}"
        );
        assert!(
            widest + 20 > usize::from(columns),
            "the room is used: {widest} of {columns}"
        );
        let raw = String::from_utf8_lossy(&screen.raw).into_owned();
        assert_eq!(
            raw.contains("\u{1b}["),
            colours,
            "{columns} {environment:?}"
        );
    }
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let parent = folder();
    let output = common::tapscope()
        .args(["browse", "out"])
        .current_dir(parent.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(
        words.contains("needs a terminal") && words.contains("tapscope query out"),
        "{words}"
    );
}
