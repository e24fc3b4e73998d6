//! Writes the sample folders of the project: the shipped day, and one small folder a cause.

use crate::day::truth::write_truth;
use crate::day::{Config, Summary, causes, midnight, simulate, start_of_day};
use crate::expect::expectations;
use crate::fleet::{Fleet, Profile};
use crate::labels;
use crate::story::Run;
use crate::story::script::Script;
use crate::time::DAY;
use crate::world::World;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// The shipped sample day.
#[must_use]
pub fn sample_day_config() -> Config {
    Config {
        transactions: 300,
        seed: 12,
        terminals: 12,
        zero: midnight("2026-03-18").unwrap_or_default(),
        profile: Profile::Skewed,
        noise: 8,
        bytes: 0,
        failures: 110,
        only: None,
        rich: false,
    }
}

/// A small folder for one cause, with this seed.
#[must_use]
pub fn scenario_config(cause: &'static str, seed: u64) -> Config {
    Config {
        transactions: if grouped(cause) { 26 } else { 8 },
        seed,
        terminals: if grouped(cause) { 6 } else { 3 },
        zero: midnight("2026-03-18").unwrap_or_default(),
        profile: Profile::Tidy,
        noise: 3,
        bytes: 0,
        failures: 0,
        only: Some(cause),
        rich: false,
    }
}

fn grouped(cause: &str) -> bool {
    !crate::day::is_single(cause)
}

/// Writes the sample day into `out`, where README.md and others stay.
pub fn sample_day(out: &Path) -> io::Result<()> {
    write(&sample_day_config(), out).map(drop)
}

fn write(cfg: &Config, out: &Path) -> io::Result<Summary> {
    let input = out.join("input");
    if input.exists() {
        fs::remove_dir_all(&input)?;
    }
    let s = simulate(cfg, out)?;
    let labels = fs::read_to_string(out.join("labels.csv"))?;
    fs::write(out.join("expect.toml"), expectations(&labels))?;
    Ok(s)
}

/// Writes one folder a cause (its name in lower case), or only one.
pub fn write_all(out: &Path, only: Option<&str>) -> io::Result<()> {
    for cause in causes() {
        if only.is_some_and(|o| !o.eq_ignore_ascii_case(cause)) {
            continue;
        }
        let dir = out.join(cause.to_ascii_lowercase());
        let wanted = if grouped(cause) { 3 } else { 1 };
        for seed in 1..60 {
            let s = write(&scenario_config(cause, seed), &dir)?;
            let hits = s.tally.get(cause).copied().unwrap_or(0);
            let good = s.tally.get("-").copied().unwrap_or(0);
            if hits >= wanted && good >= 4 {
                break;
            }
        }
        let _ = fs::remove_file(dir.join("incidents.csv"));
        let _ = fs::remove_file(dir.join("clocks.csv"));
        fs::write(dir.join("README.md"), readme(cause))?;
    }
    Ok(())
}

fn readme(cause: &str) -> String {
    format!(
        "# {cause}\n\nA few sales of a small shop, among them at least one that fails for this cause.\n\
         `input/` is what tapscope reads, `expect.toml` and `labels.csv` say what is true of it.\n\
         Card numbers and names are invented. Made with:\n\n```\ncargo run --release -p tapscope-simulator -- scenarios --out samples --cause {cause}\n```\n"
    )
}

/// Writes one script's folder: `input/` and the truth beside it.
pub fn write_script(script: &Script, seed: u64, out: &Path) -> io::Result<Summary> {
    let input = out.join("input");
    fs::create_dir_all(&input)?;
    let zero = midnight("2026-03-18").unwrap_or_default();
    let fleet = Fleet::laid_out(seed, script.layout, 4000, zero);
    let w = World::with(fleet, seed, &input, zero, Profile::Tidy, 3);
    let mut labels = BufWriter::new(File::create(out.join("labels.csv"))?);
    writeln!(labels, "{}", labels::COLUMNS)?;
    let mut run = Run {
        w,
        labels,
        sales: 0,
        attempts: 0,
        tally: BTreeMap::new(),
    };
    start_of_day(&mut run, zero)?;
    let incidents = run.play(script, zero)?;
    run.w.sinks.drain(zero + DAY, true)?;
    run.labels.flush()?;
    write_truth(&run.w, &incidents, out)?;
    let files = run.w.sinks.finish()?;
    fs::write(
        out.join("README.md"),
        format!(
            "# {}: {}\n\nTruth: {}. Card numbers and names are invented. Made with:\n\n```\ncargo run --release -p tapscope-simulator -- scripts --out DIR --id {}\n```\n",
            script.id,
            script.title,
            if script.truth.is_empty() {
                "nothing fails"
            } else {
                script.truth
            },
            script.id
        ),
    )?;
    Ok(Summary {
        sales: run.sales,
        attempts: run.attempts,
        bytes: run.w.sinks.bytes,
        tally: run.tally,
        files,
    })
}
