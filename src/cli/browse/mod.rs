//! A browser in the terminal over all failed attempts of an analysis.

mod state;
#[cfg(test)]
mod tests;
mod view;

use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};

pub(crate) use state::Browser;
use state::Next;

use crate::report::{Folder, Transaction};

/// How long no key must come before a story is loaded: who holds a key down wants to get on.
const IDLE: Duration = Duration::from_millis(40);

/// Runs until the user quits.
pub(crate) fn run(browser: &mut Browser, folder: &Folder, colours: bool) -> std::io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let ending = turn(&mut terminal, browser, folder, colours);
    ratatui::try_restore()?;
    ending
}

fn turn(
    terminal: &mut DefaultTerminal,
    browser: &mut Browser,
    folder: &Folder,
    colours: bool,
) -> std::io::Result<()> {
    loop {
        terminal.draw(|frame| view::draw(frame, browser, colours))?;
        while browser.wanted().is_some() && !event::poll(IDLE)? {
            let wanted: Option<Transaction> = browser.wanted().cloned();
            if let Some(transaction) = wanted {
                let story = folder.story(transaction);
                browser.take(story.map_err(|error| error.to_string()));
            }
            terminal.draw(|frame| view::draw(frame, browser, colours))?;
        }
        // A resize is drawn like anything else.
        if let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
            && browser.press(key) == Next::Quit
        {
            return Ok(());
        }
    }
}
