//! Command line of the simulator.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool"
)]

use clap::{Args, Parser, Subcommand};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use tapscope_simulator::day::{Config, midnight, simulate};
use tapscope_simulator::fleet::Profile;
use tapscope_simulator::scenario;
use tapscope_simulator::score::compare;

#[derive(Parser)]
#[command(
    about = "Writes labelled days of card payments",
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    make: Make,
}

#[derive(Subcommand)]
enum Command {
    /// Compares tapscope's transactions.csv with the truth.
    Score(ScoreArgs),
    /// Writes the shipped sample day (samples/day).
    SampleDay {
        /// Folder to write.
        #[arg(long)]
        out: PathBuf,
    },
    /// Writes one small folder a cause.
    Scenarios {
        /// Folder to write them into.
        #[arg(long)]
        out: PathBuf,
        /// Only this cause.
        #[arg(long)]
        cause: Option<String>,
    },
}

#[derive(Args)]
struct ScoreArgs {
    /// labels.csv of the simulated day.
    #[arg(long)]
    labels: PathBuf,
    /// transactions.csv of the analysis.
    #[arg(long)]
    transactions: PathBuf,
    /// Least share (0 to 1, or per cent) of attempts found.
    #[arg(long, default_value_t = 0.0)]
    min_found: f64,
    /// Least share of rows that are attempts.
    #[arg(long, default_value_t = 0.0)]
    min_precision: f64,
    /// Least share of attempts with right links.
    #[arg(long, default_value_t = 0.0)]
    min_links: f64,
    /// Least share with `failed` right.
    #[arg(long, default_value_t = 0.0)]
    min_failed: f64,
    /// Least share of failed attempts with the right cause.
    #[arg(long, default_value_t = 0.0)]
    min_cause: f64,
    /// Least share of failed attempts with the right family.
    #[arg(long, default_value_t = 0.0)]
    min_family: f64,
    /// Greatest expected calibration error.
    #[arg(long, default_value_t = 1.0)]
    max_ece: f64,
}

#[derive(Args)]
struct Make {
    /// Sales to simulate (a few more attempts come out); with --bytes, sales a day.
    #[arg(long, default_value_t = 2000)]
    transactions: u64,
    /// Seed: the same seed gives the same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder to write: input/, labels.csv, clocks.csv, incidents.csv.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Terminals; 0 chooses by size.
    #[arg(long, default_value_t = 0)]
    terminals: usize,
    /// First day, local.
    #[arg(long, default_value = "2026-03-18")]
    date: String,
    /// Quality of the sources.
    #[arg(long, value_enum, default_value = "skewed")]
    profile: Profile,
    /// Noise lines a sale.
    #[arg(long, default_value_t = 12)]
    noise: u32,
    /// Single failures in a thousand sales (incidents come on top).
    #[arg(long, default_value_t = 46)]
    failures: u32,
    /// Keep going, day after day, until so many bytes of input (K, M, G).
    #[arg(long, value_parser = size)]
    bytes: Option<u64>,
}

fn size(s: &str) -> Result<u64, String> {
    let (digits, unit) = match s.trim().to_ascii_uppercase() {
        u if u.ends_with('K') => (u.trim_end_matches('K').to_string(), 1 << 10),
        u if u.ends_with('M') => (u.trim_end_matches('M').to_string(), 1 << 20),
        u if u.ends_with('G') => (u.trim_end_matches('G').to_string(), 1 << 30),
        u => (u, 1),
    };
    digits
        .parse::<u64>()
        .map(|n| n * unit)
        .map_err(|e| e.to_string())
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.command {
        Some(Command::Score(a)) => score(a),
        Some(Command::SampleDay { out }) => {
            scenario::sample_day(out).map(|()| true).map_err(Into::into)
        }
        Some(Command::Scenarios { out, cause }) => scenario::write_all(out, cause.as_deref())
            .map(|()| true)
            .map_err(Into::into),
        None => make(&cli.make).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

fn make(m: &Make) -> Result<(), Box<dyn std::error::Error>> {
    let out = m.out.as_ref().ok_or("--out is missing")?;
    let zero = midnight(&m.date).ok_or("--date: expected YYYY-MM-DD")?;
    let cfg = Config {
        transactions: m.transactions,
        seed: m.seed,
        terminals: m.terminals,
        zero,
        profile: m.profile,
        noise: m.noise,
        bytes: m.bytes.unwrap_or(0),
        failures: m.failures,
        only: None,
    };
    let s = simulate(&cfg, out)?;
    let failed: u64 = s
        .tally
        .iter()
        .filter(|(k, _)| *k != "-")
        .map(|(_, v)| v)
        .sum();
    println!(
        "{} sales, {} attempts ({} with a cause), {} input files, {} bytes",
        s.sales,
        s.attempts,
        failed,
        s.files.len(),
        s.bytes
    );
    for (cause, n) in &s.tally {
        println!("{n:8} {cause}");
    }
    Ok(())
}

/// Prints the comparison; false when it is below what was asked.
fn score(a: &ScoreArgs) -> Result<bool, Box<dyn std::error::Error>> {
    let s = compare(
        &std::fs::read_to_string(&a.labels)?,
        &std::fs::read_to_string(&a.transactions)?,
    )?;
    // A reader that stops early is no error.
    let _ = write!(std::io::stdout(), "{s}");
    let mut good = true;
    let wanted = [
        ("found", s.found.share(), a.min_found),
        ("precision", s.precise.share(), a.min_precision),
        ("links", s.links.share(), a.min_links),
        ("failed", s.failed.share(), a.min_failed),
        ("cause", s.cause.share(), a.min_cause),
        ("family", s.family.share(), a.min_family),
    ];
    for (name, is, least) in wanted {
        let least = if least > 1.0 { least / 100.0 } else { least };
        if is < least {
            eprintln!("below what was asked: {name} {is:.4} < {least:.4}");
            good = false;
        }
    }
    if s.ece > a.max_ece {
        eprintln!(
            "above what was asked: calibration error {:.4} > {:.4}",
            s.ece, a.max_ece
        );
        good = false;
    }
    Ok(good)
}
