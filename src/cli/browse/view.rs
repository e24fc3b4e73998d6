//! Draws the browser: title, list, story, keys.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::state::{Browser, Chooser, Mode, SIDE_BY_SIDE};
use crate::cli::output::Paint;
use crate::cli::page::Row;
use crate::cli::story::money;
use crate::cli::table::{pad, width};
use crate::report::{Micros, Transaction, clean, readable};

/// Draws all of it. `colours` is false where the user wants none.
pub(crate) fn draw(frame: &mut Frame<'_>, browser: &mut Browser, colours: bool) {
    let area = frame.area();
    browser.wide = area.width >= SIDE_BY_SIDE;
    let [title, body, bottom] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(area);
    let view = View { colours };
    frame.render_widget(Paragraph::new(view.title(browser)), title);
    if browser.wide {
        let [left, right] =
            Layout::horizontal([Constraint::Percentage(42), Constraint::Min(60)]).areas(body);
        view.list(frame, browser, left);
        view.story(frame, browser, right);
    } else if browser.reading {
        view.story(frame, browser, body);
    } else {
        view.list(frame, browser, body);
    }
    frame.render_widget(Paragraph::new(view.keys(browser, bottom.width)), bottom);
    match browser.mode.clone() {
        Mode::Choosing(chooser) => view.chooser(frame, browser, &chooser, body),
        Mode::Help => view.help(frame, browser, body),
        Mode::Normal | Mode::Searching => {}
    }
}

struct View {
    colours: bool,
}

impl View {
    fn style(&self, paint: Option<Paint>) -> Style {
        let style = Style::new();
        match paint {
            None => style,
            Some(Paint::Bold) => style.add_modifier(Modifier::BOLD),
            Some(Paint::Dim) => style.add_modifier(Modifier::DIM),
            Some(_) if !self.colours => style,
            Some(Paint::Red) => style.fg(Color::Red),
            Some(Paint::Green) => style.fg(Color::Green),
            Some(Paint::Yellow) => style.fg(Color::Yellow),
            Some(Paint::Blue) => style.fg(Color::Blue),
            Some(Paint::Magenta) => style.fg(Color::Magenta),
            Some(Paint::Cyan) => style.fg(Color::Cyan),
        }
    }

    fn line(&self, row: &Row) -> Line<'static> {
        row.iter()
            .map(|word| Span::styled(word.text.clone(), self.style(word.paint)))
            .collect()
    }

    fn title(&self, browser: &Browser) -> Vec<Line<'static>> {
        let (failed, shown) = (browser.failed(), browser.fits.len());
        let text = if browser.zh {
            format!("共{}笔，失败{failed}笔，显示{shown}笔", browser.attempts)
        } else {
            format!(
                "{failed} failed of {} attempts, {shown} shown",
                browser.attempts
            )
        };
        let first = Line::from(vec![
            Span::styled(" tapscope ", self.style(Some(Paint::Bold))),
            Span::styled(
                format!("{}  ", clean(&browser.name)),
                self.style(Some(Paint::Cyan)),
            ),
            Span::raw(text),
        ]);
        let mut second = vec![Span::raw(" ")];
        for (field, value) in &browser.filters {
            let text = format!("{}={}  ", field.name(browser.zh), clean(value));
            second.push(Span::styled(text, self.style(Some(Paint::Yellow))));
        }
        let searching = browser.mode == Mode::Searching;
        if searching || !browser.words.is_empty() {
            let cursor = if searching { "█" } else { "" };
            let text = format!("/{}{cursor}", clean(&browser.words));
            second.push(Span::styled(text, self.style(Some(Paint::Yellow))));
        }
        vec![first, Line::from(second)]
    }

    fn block(&self, title: String, active: bool) -> Block<'static> {
        let paint = if active { Paint::Bold } else { Paint::Dim };
        Block::bordered()
            .title(title)
            .border_style(self.style(Some(paint)))
    }

    fn list(&self, frame: &mut Frame<'_>, browser: &mut Browser, area: Rect) {
        let title = if browser.zh {
            " 失败交易 "
        } else {
            " failed taps "
        };
        let block = self.block(title.to_owned(), !browser.reading);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let rows = usize::from(inner.height);
        browser.list_rows = rows;
        let columns = usize::from(inner.width);
        if browser.fits.is_empty() {
            let none = if browser.zh {
                "没有符合的交易；按 x 清除筛选"
            } else {
                "nothing fits; x clears the filters"
            };
            frame.render_widget(Paragraph::new(none), inner);
            return;
        }
        // The selected one stays in the middle third where it can.
        let top = browser
            .at
            .saturating_sub(rows / 2)
            .min(browser.fits.len().saturating_sub(rows));
        let lines: Vec<Line<'static>> = (top..top + rows)
            .filter_map(|place| Some((place, browser.row(place)?)))
            .map(|(place, transaction)| {
                let text = item(transaction, columns, browser);
                let style = if place == browser.at {
                    Style::new().add_modifier(Modifier::REVERSED)
                } else {
                    Style::new()
                };
                Line::styled(text, style)
            })
            .collect();
        frame.render_widget(Paragraph::new(lines), inner);
    }

    fn story(&self, frame: &mut Frame<'_>, browser: &mut Browser, area: Rect) {
        let id = browser.selected().map(|t| clean(&t.tx_id).to_string());
        let title = id.map_or(String::new(), |id| format!(" {id} "));
        let block = self.block(title, browser.reading);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        browser.story_rows = usize::from(inner.height);
        if let Some(fault) = &browser.fault {
            let text = Span::styled(fault.clone(), self.style(Some(Paint::Red)));
            frame.render_widget(Paragraph::new(Line::from(text)), inner);
            return;
        }
        let rows = browser.story_page(usize::from(inner.width));
        let last = rows.len().saturating_sub(usize::from(inner.height));
        browser.scroll = browser.scroll.min(last);
        let lines: Vec<Line<'static>> = rows
            .iter()
            .skip(browser.scroll)
            .take(usize::from(inner.height))
            .map(|row| self.line(row))
            .collect();
        frame.render_widget(Paragraph::new(lines), inner);
    }

    /// As many keys as there is room for.
    fn keys(&self, browser: &Browser, columns: u16) -> Line<'static> {
        let keys: &[(&str, &str, &str)] = match (&browser.mode, browser.reading) {
            (Mode::Searching, _) => &[("Enter", "keep", "保留"), ("Esc", "clear", "清除")],
            (Mode::Choosing(_), _) => &[
                ("↑↓", "move", "移动"),
                ("Enter", "choose", "选择"),
                ("Esc", "back", "返回"),
                ("letters", "narrow", "输入筛选"),
            ],
            (Mode::Help, _) => &[("any key", "back", "返回")],
            (Mode::Normal, true) => &[
                ("↑↓", "scroll", "滚动"),
                ("Esc", "list", "列表"),
                ("n p", "next, previous", "下一笔、上一笔"),
                ("d", "more detail", "更多细节"),
                ("l", "中文", "English"),
                ("?", "keys", "按键"),
                ("q", "quit", "退出"),
            ],
            (Mode::Normal, false) => &[
                ("↑↓", "move", "移动"),
                ("Enter", "read", "查看"),
                ("/", "search", "搜索"),
                ("c", "cause", "原因"),
                ("t", "terminal", "终端"),
                ("m", "merchant", "商户"),
                ("x", "clear", "清除"),
                ("?", "keys", "按键"),
                ("q", "quit", "退出"),
                ("l", "中文", "English"),
            ],
        };
        let mut spans = Vec::new();
        let mut used = 0;
        for (key, en, zh) in keys {
            let name = if browser.zh { zh } else { en };
            let wide = width(key) + width(name) + 4;
            if used + wide > usize::from(columns) {
                break;
            }
            used += wide;
            let key = format!(" {key} ");
            spans.push(Span::styled(
                key,
                Style::new().add_modifier(Modifier::REVERSED),
            ));
            spans.push(Span::raw(format!(" {name} ")));
        }
        Line::from(spans)
    }

    fn chooser(&self, frame: &mut Frame<'_>, browser: &Browser, chooser: &Chooser, area: Rect) {
        let all = if browser.zh { "（全部）" } else { "(all)" };
        let narrowed = chooser.narrowed();
        let lines: Vec<(String, usize)> = narrowed
            .iter()
            .map(|(value, count)| {
                let text = match value {
                    None => all.to_owned(),
                    Some(value) if chooser.field == super::state::Field::Cause => {
                        format!("{}  {}", clean(value), browser.cause_name(value))
                    }
                    Some(value) => clean(value).to_string(),
                };
                (text, *count)
            })
            .collect();
        let widest = lines.iter().map(|(text, _)| width(text)).max().unwrap_or(0);
        let columns = (widest + 14).clamp(30, usize::from(area.width).max(30)) as u16;
        let rows = (lines.len() + 2).clamp(3, usize::from(area.height).max(3)) as u16;
        let area = centred(area, columns, rows);
        let title = format!(
            " {} {} ",
            chooser.field.name(browser.zh),
            clean(&chooser.typed)
        );
        let block = self.block(title, true);
        let inner = block.inner(area);
        frame.render_widget(Clear, area);
        frame.render_widget(block, area);
        let rows = usize::from(inner.height);
        let top = chooser.at.saturating_sub(rows.saturating_sub(1));
        let shown: Vec<Line<'static>> = lines
            .iter()
            .enumerate()
            .skip(top)
            .take(rows)
            .map(|(place, (text, count))| {
                let line = format!("{count:>7}  {text}");
                let line = pad(
                    &fit(&line, usize::from(inner.width)),
                    usize::from(inner.width),
                    false,
                );
                let style = if place == chooser.at {
                    Style::new().add_modifier(Modifier::REVERSED)
                } else {
                    Style::new()
                };
                Line::styled(line, style)
            })
            .collect();
        frame.render_widget(Paragraph::new(shown), inner);
    }

    fn help(&self, frame: &mut Frame<'_>, browser: &Browser, area: Rect) {
        let rows: &[(&str, &str, &str)] = &[
            (
                "↑ ↓ j k",
                "up and down, in the list or in the story",
                "在列表或详情中上下移动",
            ),
            ("PgUp PgDn Space", "a page", "翻页"),
            ("Home End g G", "first, last", "首条、末条"),
            ("Enter → Tab", "read the story", "查看详情"),
            ("Esc ← Tab", "back to the list", "返回列表"),
            ("n p", "next and previous attempt", "下一笔、上一笔"),
            (
                "/",
                "search: every word, in any column",
                "搜索：所有列中包含全部词",
            ),
            (
                "c t m",
                "only one cause, terminal, merchant",
                "只看某一原因、终端、商户",
            ),
            ("x", "clear search and filters", "清除搜索与筛选"),
            (
                "d",
                "at a glance; decoded; with all bytes",
                "概要；已解码；含全部字节",
            ),
            ("l", "English or Chinese", "中文或英文"),
            ("q Ctrl-C", "quit", "退出"),
        ];
        let lines: Vec<Line<'static>> = rows
            .iter()
            .map(|(keys, en, zh)| {
                Line::from(vec![
                    Span::styled(
                        format!(" {} ", pad(keys, 16, false)),
                        self.style(Some(Paint::Bold)),
                    ),
                    Span::raw(if browser.zh { *zh } else { *en }),
                ])
            })
            .collect();
        let area = centred(area, 64, rows.len() as u16 + 2);
        let title = if browser.zh { " 按键 " } else { " keys " };
        let block = self.block(title.to_owned(), true);
        frame.render_widget(Clear, area);
        frame.render_widget(Paragraph::new(lines).block(block), area);
    }
}

fn centred(area: Rect, columns: u16, rows: u16) -> Rect {
    let columns = columns.min(area.width);
    let rows = rows.min(area.height);
    Rect {
        x: area.x + (area.width - columns) / 2,
        y: area.y + (area.height - rows) / 2,
        width: columns,
        height: rows,
    }
}

/// One attempt on one line.
fn item(t: &Transaction, columns: usize, browser: &Browser) -> String {
    let when = t
        .started_at
        .map(|Micros(at)| readable(Micros(at)))
        .unwrap_or_default();
    // Without year and milliseconds: `03-18 09:36:17`.
    let when: String = when.chars().skip(5).take(14).collect();
    let terminal = t.terminal_id.as_deref().or(t.device.as_deref());
    let code = t.cause.as_deref().unwrap_or("-");
    let name = browser.cause_name(code);
    let (first, second) = if browser.zh {
        (name.as_str(), code)
    } else {
        (code, name.as_str())
    };
    let text = format!(
        "{} {} {} {first}  {second}",
        pad(&when, 14, false),
        pad(&fit(&clean(terminal.unwrap_or("?")), 12), 12, false),
        pad(&fit(&money(t), 12), 12, true),
    );
    pad(&fit(&clean(&text), columns), columns, false)
}

/// Cut where it does not fit.
fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = width(c.encode_utf8(&mut [0; 4]));
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        out.push(c);
    }
    out.push('…');
    out
}
