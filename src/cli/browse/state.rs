//! What the browser shows and how keys change it: no terminal in here, so that tests can press keys.

use std::collections::BTreeMap;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::cli::page::Row;
use crate::cli::story::{self, Depth};
use crate::event::Text;
use crate::plan::Language;
use crate::report::{CauseText, Story, Transaction, clean};

/// From this many columns on list and story stand side by side.
pub(super) const SIDE_BY_SIDE: u16 = 116;

/// What a filter looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Cause,
    Terminal,
    Merchant,
}

impl Field {
    pub(super) fn of(self, t: &Transaction) -> Option<&Text> {
        match self {
            Self::Cause => t.cause.as_ref(),
            Self::Terminal => t.terminal_id.as_ref(),
            Self::Merchant => t.merchant_id.as_ref(),
        }
    }

    pub(super) fn name(self, zh: bool) -> &'static str {
        match (self, zh) {
            (Self::Cause, false) => "cause",
            (Self::Terminal, false) => "terminal",
            (Self::Merchant, false) => "merchant",
            (Self::Cause, true) => "原因",
            (Self::Terminal, true) => "终端",
            (Self::Merchant, true) => "商户",
        }
    }
}

/// What keys mean at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They move and command.
    Normal,
    /// They are searched for.
    Searching,
    /// They choose a value of a field.
    Choosing(Chooser),
    /// Any key goes back.
    Help,
}

/// The values of a field, to choose one from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chooser {
    pub field: Field,
    /// Value (none: no filter) and how many failed attempts have it.
    pub values: Vec<(Option<Text>, usize)>,
    pub at: usize,
    /// What was typed to narrow the values.
    pub typed: String,
}

impl Chooser {
    /// Values that hold what was typed.
    pub(super) fn narrowed(&self) -> Vec<&(Option<Text>, usize)> {
        let typed = self.typed.to_lowercase();
        self.values
            .iter()
            .filter(|(value, _)| match value {
                Some(value) => value.to_lowercase().contains(&typed),
                None => typed.is_empty(),
            })
            .collect()
    }
}

/// What the loop does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Go,
    Quit,
}

/// The browser's state.
pub(crate) struct Browser {
    /// Shown in the title.
    pub name: String,
    pub attempts: u64,
    all: Vec<Transaction>,
    causes: BTreeMap<String, CauseText>,
    /// Those of `all` that pass the filters.
    pub(super) fits: Vec<usize>,
    pub(super) at: usize,
    pub(super) filters: Vec<(Field, Text)>,
    pub(super) words: String,
    pub(super) mode: Mode,
    /// The story has the keys.
    pub(super) reading: bool,
    pub(super) scroll: usize,
    pub(super) depth: Depth,
    pub(super) zh: bool,
    story: Option<Story>,
    pub(super) fault: Option<String>,
    /// Rows of the list and of the story that the last drawing had room for.
    pub(super) list_rows: usize,
    pub(super) story_rows: usize,
    pub(super) wide: bool,
}

impl Browser {
    pub(crate) fn new(
        name: String,
        attempts: u64,
        all: Vec<Transaction>,
        causes: BTreeMap<String, CauseText>,
        language: Language,
    ) -> Self {
        let mut browser = Self {
            name,
            attempts,
            all,
            causes,
            fits: Vec::new(),
            at: 0,
            filters: Vec::new(),
            words: String::new(),
            mode: Mode::Normal,
            reading: false,
            scroll: 0,
            depth: Depth::Brief,
            zh: language == Language::Zh,
            story: None,
            fault: None,
            list_rows: 10,
            story_rows: 10,
            wide: true,
        };
        browser.filter();
        browser
    }

    /// All failed attempts.
    pub(super) fn failed(&self) -> usize {
        self.all.len()
    }

    pub(super) fn row(&self, place: usize) -> Option<&Transaction> {
        self.all.get(*self.fits.get(place)?)
    }

    pub(super) fn selected(&self) -> Option<&Transaction> {
        self.row(self.at)
    }

    /// A cause's name in the language at hand.
    pub(super) fn cause_name(&self, code: &str) -> String {
        let name = self.causes.get(code).map(|text| {
            if self.zh && !text.name_zh.is_empty() {
                &text.name_zh
            } else {
                &text.name_en
            }
        });
        clean(name.map_or(code, String::as_str)).to_string()
    }

    /// The attempt whose story is on the screen and not loaded yet.
    pub(crate) fn wanted(&self) -> Option<&Transaction> {
        let selected = self.selected()?;
        let visible = self.wide || self.reading;
        let loaded = self
            .story
            .as_ref()
            .is_some_and(|story| story.transaction.tx_id == selected.tx_id);
        (visible && !loaded && self.fault.is_none()).then_some(selected)
    }

    /// Takes what was loaded, or why it could not be.
    pub(crate) fn take(&mut self, story: Result<Story, String>) {
        match story {
            Ok(story) => {
                self.story = Some(story);
                self.fault = None;
            }
            Err(fault) => self.fault = Some(clean(&fault).to_string()),
        }
    }

    /// The story's rows for so many columns; empty while it is not loaded.
    pub(super) fn story_page(&self, columns: usize) -> Vec<Row> {
        let selected = self.selected().map(|t| &t.tx_id);
        match &self.story {
            Some(story) if Some(&story.transaction.tx_id) == selected => {
                let language = if self.zh { Language::Zh } else { Language::En };
                story::tell(story, language, self.depth, columns).rows
            }
            _ => Vec::new(),
        }
    }

    pub(crate) fn press(&mut self, key: KeyEvent) -> Next {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Next::Quit;
        }
        match self.mode.clone() {
            Mode::Help => self.mode = Mode::Normal,
            Mode::Searching => self.search(key.code),
            Mode::Choosing(chooser) => self.choose(chooser, key.code),
            Mode::Normal => return self.command(key.code),
        }
        Next::Go
    }

    fn command(&mut self, key: KeyCode) -> Next {
        let page = if self.reading {
            self.story_rows
        } else {
            self.list_rows
        }
        .saturating_sub(1)
        .max(1);
        match key {
            KeyCode::Char('q') => return Next::Quit,
            KeyCode::Esc | KeyCode::Left | KeyCode::Char('h') if self.reading => {
                self.reading = false;
            }
            KeyCode::Enter | KeyCode::Right if self.selected().is_some() => self.reading = true,
            KeyCode::Tab if self.selected().is_some() => self.reading = !self.reading,
            KeyCode::Down | KeyCode::Char('j') => self.move_by(1, false),
            KeyCode::Up | KeyCode::Char('k') => self.move_by(1, true),
            KeyCode::PageDown | KeyCode::Char(' ') => self.move_by(page, false),
            KeyCode::PageUp => self.move_by(page, true),
            KeyCode::Home | KeyCode::Char('g') => self.move_by(usize::MAX, true),
            KeyCode::End | KeyCode::Char('G') => self.move_by(usize::MAX, false),
            KeyCode::Char('n') => self.step(false),
            KeyCode::Char('p') => self.step(true),
            KeyCode::Char('/') => self.mode = Mode::Searching,
            KeyCode::Char('c') => self.open(Field::Cause),
            KeyCode::Char('t') => self.open(Field::Terminal),
            KeyCode::Char('m') => self.open(Field::Merchant),
            KeyCode::Char('x') => {
                self.filters.clear();
                self.words.clear();
                self.filter();
            }
            KeyCode::Char('d') => {
                self.depth = match self.depth {
                    Depth::Brief => Depth::Decoded,
                    Depth::Decoded => Depth::Whole,
                    Depth::Whole => Depth::Brief,
                };
            }
            KeyCode::Char('l') => self.zh = !self.zh,
            KeyCode::Char('?') => self.mode = Mode::Help,
            _ => {}
        }
        Next::Go
    }

    /// Moves in the story where that has the keys, else in the list.
    fn move_by(&mut self, rows: usize, up: bool) {
        if self.reading {
            self.scroll = if up {
                self.scroll.saturating_sub(rows)
            } else {
                self.scroll.saturating_add(rows)
            };
            return;
        }
        let last = self.fits.len().saturating_sub(1);
        let to = if up {
            self.at.saturating_sub(rows)
        } else {
            self.at.saturating_add(rows).min(last)
        };
        self.select(to);
    }

    /// The next or last attempt, whoever has the keys.
    fn step(&mut self, up: bool) {
        let reading = std::mem::take(&mut self.reading);
        self.move_by(1, up);
        self.reading = reading;
    }

    fn select(&mut self, to: usize) {
        if to != self.at {
            self.scroll = 0;
            self.fault = None;
        }
        self.at = to;
    }

    fn search(&mut self, key: KeyCode) {
        match key {
            KeyCode::Enter => self.mode = Mode::Normal,
            KeyCode::Esc => {
                self.words.clear();
                self.mode = Mode::Normal;
            }
            KeyCode::Backspace => {
                self.words.pop();
            }
            KeyCode::Char(c) => self.words.push(c),
            _ => return,
        }
        self.filter();
    }

    fn open(&mut self, field: Field) {
        let mut counts: BTreeMap<&Text, usize> = BTreeMap::new();
        let mut all = 0;
        for transaction in self.all.iter().filter(|t| self.passes(t, Some(field))) {
            all += 1;
            if let Some(value) = field.of(transaction) {
                *counts.entry(value).or_default() += 1;
            }
        }
        let mut values: Vec<(Option<Text>, usize)> = counts
            .into_iter()
            .map(|(value, count)| (Some(value.clone()), count))
            .collect();
        values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        values.insert(0, (None, all));
        let now = self.filters.iter().find(|(known, _)| *known == field);
        let at = now
            .and_then(|(_, value)| values.iter().position(|(v, _)| v.as_ref() == Some(value)))
            .unwrap_or(0);
        self.mode = Mode::Choosing(Chooser {
            field,
            values,
            at,
            typed: String::new(),
        });
    }

    fn choose(&mut self, mut chooser: Chooser, key: KeyCode) {
        let last = chooser.narrowed().len().saturating_sub(1);
        match key {
            KeyCode::Esc => {
                self.mode = Mode::Normal;
                return;
            }
            KeyCode::Enter => {
                let value = chooser.narrowed().get(chooser.at).map(|v| v.0.clone());
                if let Some(value) = value {
                    self.filters.retain(|(field, _)| *field != chooser.field);
                    if let Some(value) = value {
                        self.filters.push((chooser.field, value));
                    }
                    self.filter();
                }
                self.mode = Mode::Normal;
                return;
            }
            KeyCode::Down => chooser.at = (chooser.at + 1).min(last),
            KeyCode::Up => chooser.at = chooser.at.saturating_sub(1),
            KeyCode::PageDown => chooser.at = (chooser.at + 10).min(last),
            KeyCode::PageUp => chooser.at = chooser.at.saturating_sub(10),
            KeyCode::Backspace => {
                chooser.typed.pop();
                chooser.at = 0;
            }
            KeyCode::Char(c) => {
                chooser.typed.push(c);
                chooser.at = 0;
            }
            _ => {}
        }
        self.mode = Mode::Choosing(chooser);
    }

    fn filter(&mut self) {
        let selected = self.selected().map(|t| t.tx_id.clone());
        self.fits = (0..self.all.len())
            .filter(|index| self.all.get(*index).is_some_and(|t| self.passes(t, None)))
            .collect();
        // Who was looked at stays so where that is possible.
        let kept = selected.and_then(|id| {
            self.fits
                .iter()
                .position(|index| self.all.get(*index).is_some_and(|t| t.tx_id == id))
        });
        if kept.is_none() {
            self.scroll = 0;
            self.fault = None;
        }
        self.at = kept.unwrap_or(0);
        if self.fits.is_empty() {
            self.reading = false;
        }
    }

    /// Fits all filters, but for the one of the field left out.
    fn passes(&self, t: &Transaction, but: Option<Field>) -> bool {
        self.filters
            .iter()
            .filter(|(field, _)| Some(*field) != but)
            .all(|(field, value)| field.of(t) == Some(value))
            && self.holds_words(t)
    }

    /// Every word stands somewhere in what a line can be known by.
    fn holds_words(&self, t: &Transaction) -> bool {
        if self.words.trim().is_empty() {
            return true;
        }
        let cause = t.cause.as_deref().and_then(|code| self.causes.get(code));
        let optional = [
            &t.terminal_id,
            &t.merchant_id,
            &t.device,
            &t.host,
            &t.stan,
            &t.rrn,
            &t.auth_code,
            &t.pan_masked,
            &t.scheme,
            &t.cause,
            &t.response_code,
            &t.last_sw,
        ];
        let mut text = format!(
            "{} {} {} {}",
            t.tx_id,
            t.interface,
            t.outcome,
            story::money(t)
        );
        for part in optional.into_iter().flatten() {
            text.push(' ');
            text.push_str(part);
        }
        if let Some(cause) = cause {
            text.push(' ');
            text.push_str(&cause.name_en);
            text.push_str(&cause.name_zh);
        }
        let text = text.to_lowercase();
        self.words
            .to_lowercase()
            .split_whitespace()
            .all(|word| text.contains(word))
    }
}
