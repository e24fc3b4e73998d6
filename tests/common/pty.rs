//! Drives a program in a pseudo-terminal (that of `script`), and keeps the screen as a person would see it.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a busy machine may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The cells of a screen: enough of a terminal for what ratatui and our own output write.
#[derive(Default)]
pub struct Screen {
    rows: Vec<Vec<String>>,
    row: usize,
    column: usize,
    /// Bytes of an escape sequence or a character that is not whole yet.
    waiting: Vec<u8>,
    /// Everything that came, for what is asserted of the bytes themselves.
    pub raw: Vec<u8>,
}

fn wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}'
        | '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE6F}' | '\u{FF00}'..='\u{FF60}' | '\u{FFE0}'..='\u{FFE6}')
}

impl Screen {
    fn feed(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.waiting.extend_from_slice(bytes);
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut at = 0;
        while at < waiting.len() {
            match self.step(&waiting[at..]) {
                0 => break,
                used => at += used,
            }
        }
        self.waiting = waiting.split_off(at);
    }

    /// Deals with what stands first; gives how many bytes that was, 0 where it is not whole.
    fn step(&mut self, bytes: &[u8]) -> usize {
        match bytes {
            [0x1B, b'[', rest @ ..] => {
                let Some(end) = rest.iter().position(|b| (0x40..=0x7E).contains(b)) else {
                    return 0;
                };
                let numbers = String::from_utf8_lossy(&rest[..end]).into_owned();
                self.sequence(&numbers, rest[end]);
                end + 3
            }
            [0x1B] | [] => 0,
            [0x1B, ..] => 2,
            [b'\r', ..] => {
                self.column = 0;
                1
            }
            [b'\n', ..] => {
                self.row += 1;
                1
            }
            [first, ..] => {
                let length = match first {
                    0xF0.. => 4,
                    0xE0.. => 3,
                    0xC0.. => 2,
                    _ => 1,
                };
                if bytes.len() < length {
                    return 0;
                }
                let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                self.put(text.chars().next().unwrap());
                length
            }
        }
    }

    fn sequence(&mut self, numbers: &str, kind: u8) {
        let number = |at: usize| {
            let text = numbers.split(';').nth(at).unwrap_or_default();
            text.parse::<usize>().unwrap_or(1).max(1)
        };
        match kind {
            b'H' => (self.row, self.column) = (number(0) - 1, number(1) - 1),
            b'C' => self.column += number(0),
            b'G' => self.column = number(0) - 1,
            b'J' => self.rows.clear(),
            b'K' => {
                if let Some(row) = self.rows.get_mut(self.row) {
                    row.truncate(self.column);
                }
            }
            _ => {}
        }
    }

    fn put(&mut self, c: char) {
        if self.rows.len() <= self.row {
            self.rows.resize(self.row + 1, Vec::new());
        }
        let row = &mut self.rows[self.row];
        if row.len() <= self.column + 1 {
            row.resize(self.column + 2, " ".to_owned());
        }
        row[self.column] = c.to_string();
        if wide(c) {
            row[self.column + 1] = String::new();
            self.column += 1;
        }
        self.column += 1;
    }

    /// What is to be read on it.
    pub fn text(&self) -> String {
        self.rows
            .iter()
            .map(|row| format!("{}\n", row.concat().trim_end()))
            .collect()
    }
}

/// A program in a pseudo-terminal.
pub struct Session {
    child: Child,
    keys: Option<ChildStdin>,
    pub screen: Arc<Mutex<Screen>>,
    tty: std::path::PathBuf,
}

/// True where `script` and `stty` are here; says so loudly where not.
pub fn possible() -> bool {
    let there = |name: &str| {
        Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok()
    };
    let possible = there("script") && there("stty");
    if !possible {
        eprintln!(
            "SKIPPED: no `script` or `stty` here (util-linux, coreutils): no pseudo-terminal"
        );
    }
    possible
}

impl Session {
    /// Starts a command line in a folder, on a screen of that size.
    pub fn start(
        command: &str,
        folder: &Path,
        columns: u16,
        rows: u16,
        environment: &[(&str, &str)],
    ) -> Self {
        let tty = folder.join("tty.name");
        let line = format!(
            "stty cols {columns} rows {rows}; tty > {}; exec {command}",
            tty.display()
        );
        let mut child = Command::new("script")
            .args(["-q", "-e", "-c", &line, "/dev/null"])
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "xterm-256color")
            .env("SHELL", "/bin/sh")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let screen = Arc::new(Mutex::new(Screen::default()));
        let mut out = child.stdout.take().unwrap();
        let fed = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut buffer) {
                fed.lock().unwrap().feed(&buffer[..count]);
            }
        });
        Self {
            keys: child.stdin.take(),
            child,
            screen,
            tty,
        }
    }

    pub fn press(&mut self, keys: &str) {
        let pipe = self.keys.as_mut().unwrap();
        pipe.write_all(keys.as_bytes()).unwrap();
        pipe.flush().unwrap();
    }

    pub fn text(&self) -> String {
        self.screen.lock().unwrap().text()
    }

    /// Waits until the screen is as told.
    pub fn wait(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let text = self.text();
            if fits(&text) {
                return text;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "waited in vain for {what}:\n{text}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        let tty = std::fs::read_to_string(&self.tty).unwrap();
        let done = Command::new("stty")
            .args([
                "-F",
                tty.trim(),
                "cols",
                &columns.to_string(),
                "rows",
                &rows.to_string(),
            ])
            .status()
            .unwrap();
        assert!(done.success());
    }

    /// True while the program runs.
    pub fn alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end; gives the exit code.
    pub fn end(mut self) -> i32 {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!("it does not end:\n{}", self.text());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
