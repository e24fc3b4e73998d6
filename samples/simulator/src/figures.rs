//! Simulates days that tapscope has never seen, has it analyse them, and prints every figure of its accuracy: the one command.

use crate::clocks::{self, ClockScore};
use crate::crowds::{self, CrowdScore};
use crate::day::{Config, midnight, simulate};
use crate::fleet::Profile;
use crate::score::{self, Score};
use crate::table::Table;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The program under test.
    pub tapscope: PathBuf,
    /// Sales of each day.
    pub sales: u64,
    /// Held-out seeds.
    pub seeds: Vec<u64>,
    /// Profiles.
    pub profiles: Vec<Profile>,
    /// Where the days are made (and kept, if so wished).
    pub work: PathBuf,
    /// Keep days and results.
    pub keep: bool,
    /// Further arguments of `tapscope analyze`.
    pub extra: Vec<String>,
    /// Print the confusion tables too.
    pub confusion: bool,
}

/// All figures of one day.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Attempts, links, causes, calibration.
    pub score: Score,
    /// Clocks.
    pub clocks: ClockScore,
    /// Incidents.
    pub crowds: CrowdScore,
    /// Seconds that the analysis took.
    pub seconds: f64,
}

/// The name of a profile, as the command line has it.
#[must_use]
pub fn profile_name(p: Profile) -> &'static str {
    match p {
        Profile::Tidy => "tidy",
        Profile::Skewed => "skewed",
        Profile::Sparse => "sparse",
    }
}

/// Analyses one simulated folder and compares all that was found with the truth.
pub fn of_folder(
    tapscope: &Path,
    folder: &Path,
    out: &Path,
    extra: &[String],
) -> io::Result<Figures> {
    let input = folder.join("input");
    let begun = Instant::now();
    let done = Command::new(tapscope)
        .arg("analyze")
        .arg(&input)
        .arg("--out")
        .arg(out)
        .args(["--force", "--tz", "Asia/Shanghai", "--year", "2026", "-q"])
        .args(extra)
        .output()?;
    let seconds = begun.elapsed().as_secs_f64();
    if !matches!(done.status.code(), Some(0 | 3)) {
        return Err(io::Error::other(
            String::from_utf8_lossy(&done.stderr).into_owned(),
        ));
    }
    let ask = |sql: &str| ask(tapscope, out, sql);
    let labels = fs::read_to_string(folder.join("labels.csv"))?;
    let transactions = fs::read_to_string(out.join("transactions.csv"))?;
    let incidents = fs::read_to_string(folder.join("incidents.csv"))?;
    let events = ask(
        "SELECT s.path AS path, e.at_source AS at_source, e.at AS at FROM events e JOIN sources s ON e.source_id = s.source_id WHERE e.at IS NOT NULL AND e.tx_id IS NOT NULL",
    )?;
    let found = ask(
        "SELECT incident_id, cause, scope, scope_value, started_at, ended_at, failed FROM incidents",
    )?;
    let truth = Table::parse(&incidents);
    let broken: Vec<String> = (0..truth.rows.len())
        .filter(|&i| truth.get(i, "cause") == "SW_CLOCK_WRONG")
        .map(|i| truth.get(i, "scope_value").to_string())
        .collect();
    Ok(Figures {
        score: score::compare(&labels, &transactions).map_err(io::Error::other)?,
        clocks: clocks::compare(
            &fs::read_to_string(folder.join("clocks.csv"))?,
            &labels,
            &events,
            &input.to_string_lossy(),
            &broken,
        ),
        crowds: crowds::compare(&incidents, &labels, &found),
        seconds,
    })
}

/// What the program answers to a question over a run, as CSV.
pub fn ask(tapscope: &Path, out: &Path, sql: &str) -> io::Result<String> {
    let answer = Command::new(tapscope)
        .arg("query")
        .arg(out)
        .arg(sql)
        .args(["--format", "csv"])
        .output()?;
    if answer.status.success() {
        Ok(String::from_utf8_lossy(&answer.stdout).into_owned())
    } else {
        Err(io::Error::other(
            String::from_utf8_lossy(&answer.stderr).into_owned(),
        ))
    }
}

/// Measures everything and prints it.
pub fn run(plan: &Plan, to: &mut impl Write) -> io::Result<Vec<Figures>> {
    let mut all = Vec::new();
    let mut names = Vec::new();
    for &profile in &plan.profiles {
        for &seed in &plan.seeds {
            let name = format!("{} {seed}", profile_name(profile));
            let folder = plan.work.join(name.replace(' ', "-"));
            let config = Config {
                transactions: plan.sales,
                seed,
                terminals: 0,
                zero: midnight("2026-03-18").unwrap_or_default(),
                profile,
                noise: 12,
                bytes: 0,
                failures: 46,
                only: None,
                rich: true,
            };
            if !(plan.keep && folder.join("labels.csv").exists()) {
                simulate(&config, &folder)?;
            }
            let figures = of_folder(&plan.tapscope, &folder, &folder.join("out"), &plan.extra)?;
            if !plan.keep {
                fs::remove_dir_all(&folder)?;
            }
            writeln!(
                to,
                "== {name}: {} sales, {:.1} s",
                plan.sales, figures.seconds
            )?;
            if plan.confusion {
                write!(to, "{}", figures.score)?;
            }
            write!(to, "{}{}", figures.clocks, figures.crowds)?;
            if plan.confusion {
                for (name, error, n, what) in figures.clocks.off.iter().take(60) {
                    writeln!(to, "clock off by {error:.0} ms: {name} ({n} pairs; {what})")?;
                }
                for m in &figures.crowds.missed {
                    writeln!(to, "incident missed: {m}")?;
                }
                for m in &figures.crowds.strangers {
                    writeln!(to, "no such incident: {m}")?;
                }
            }
            names.push(name);
            all.push(figures);
        }
    }
    table(&names, &all, to)?;
    Ok(all)
}

type Column = (&'static str, fn(&Figures) -> String);

/// All figures side by side.
fn table(names: &[String], all: &[Figures], to: &mut impl Write) -> io::Result<()> {
    fn share(r: score::Ratio) -> String {
        if r.of == 0 {
            "-".into()
        } else {
            format!("{:.2}", r.share() * 100.0)
        }
    }
    let rows: &[Column] = &[
        ("attempts found %", |f| share(f.score.found)),
        ("rows that are attempts %", |f| share(f.score.precise)),
        ("links right %", |f| share(f.score.links)),
        ("  of two kinds or more %", |f| share(f.score.links_multi)),
        ("  encrypted %", |f| share(f.score.links_tls)),
        ("failed or not, where a source tells %", |f| {
            share(f.score.failed_told)
        }),
        ("failed or not, all %", |f| share(f.score.failed)),
        ("cause, where a source tells %", |f| {
            share(f.score.cause_told)
        }),
        ("cause, all %", |f| share(f.score.cause)),
        ("family, where a source tells %", |f| {
            share(f.score.family_told)
        }),
        ("right where named %", |f| share(f.score.named)),
        ("evidence removed: open %", |f| share(f.score.removed_open)),
        ("  or right all the same %", |f| {
            share(f.score.removed_honest)
        }),
        ("contributing causes named %", |f| {
            share(f.score.contributing)
        }),
        ("expected calibration error", |f| {
            format!("{:.4}", f.score.ece)
        }),
        ("Brier", |f| format!("{:.4}", f.score.brier)),
        ("clocks within 50 ms %", |f| share(f.clocks.within_50ms)),
        ("  finer than a second %", |f| {
            share(f.clocks.fine_within_50ms)
        }),
        ("wrong zones found %", |f| share(f.clocks.zones)),
        ("  half a day off %", |f| share(f.clocks.half_days)),
        ("clocks set in the day %", |f| share(f.clocks.jumps)),
        ("incidents found %", |f| share(f.crowds.found)),
        ("incidents that are true %", |f| share(f.crowds.precise)),
        ("onset within 10 min %", |f| share(f.crowds.onset)),
        ("seconds", |f| format!("{:.1}", f.seconds)),
    ];
    write!(to, "\n{:<40}", "")?;
    for n in names {
        write!(to, "{n:>14}")?;
    }
    writeln!(to)?;
    for (name, of) in rows {
        write!(to, "{name:<40}")?;
        for f in all {
            write!(to, "{:>14}", of(f))?;
        }
        writeln!(to)?;
    }
    Ok(())
}
