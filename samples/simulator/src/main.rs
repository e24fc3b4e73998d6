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
use tapscope_simulator::story::script::SCRIPTS;

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
    /// Simulates unseen days, has tapscope analyse them, and prints every figure of its accuracy.
    Figures(FiguresArgs),
    /// Writes the shipped sample day (samples/day).
    SampleDay {
        /// Folder to write.
        #[arg(long)]
        out: PathBuf,
    },
    /// Writes one folder for each of the twenty-five scenario scripts.
    Scripts {
        /// Folder to write them into.
        #[arg(long)]
        out: PathBuf,
        /// Only this script, as in `SC04`.
        #[arg(long)]
        id: Option<String>,
        /// Seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
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
    /// Write which row is which attempt: sale, attempt, tx_id, true cause, named cause, whether a source tells it.
    #[arg(long)]
    pairs: Option<PathBuf>,
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
struct FiguresArgs {
    /// The tapscope program.
    #[arg(long)]
    tapscope: PathBuf,
    /// Sales of each day.
    #[arg(long, default_value_t = 50_000)]
    sales: u64,
    /// Seeds, separated by commas; weights are fitted on seeds below 100, keep those for training.
    #[arg(long, value_delimiter = ',', default_value = "901,902")]
    seeds: Vec<u64>,
    /// Profiles, separated by commas.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "tidy,skewed,sparse"
    )]
    profiles: Vec<Profile>,
    /// Where the days are made; a folder for temporary files otherwise.
    #[arg(long)]
    work: Option<PathBuf>,
    /// Keep the days and use those that are there.
    #[arg(long, requires = "work")]
    keep: bool,
    /// Print the confusion tables too.
    #[arg(long)]
    confusion: bool,
    /// Further arguments of `tapscope analyze`.
    #[arg(last = true)]
    extra: Vec<String>,
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
    /// The plainer world of the shipped samples: two vendors' logs, two kinds of dialogue files, simple clocks.
    #[arg(long)]
    plain: bool,
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
        Some(Command::Figures(a)) => figures(a),
        Some(Command::SampleDay { out }) => {
            scenario::sample_day(out).map(|()| true).map_err(Into::into)
        }
        Some(Command::Scenarios { out, cause }) => scenario::write_all(out, cause.as_deref())
            .map(|()| true)
            .map_err(Into::into),
        Some(Command::Scripts { out, id, seed }) => {
            let wanted = SCRIPTS
                .iter()
                .filter(|s| id.as_ref().is_none_or(|i| i.eq_ignore_ascii_case(s.id)));
            let mut done = Ok(true);
            for s in wanted {
                let folder = out.join(s.id.to_ascii_lowercase());
                if let Err(e) = scenario::write_script(s, *seed, &folder) {
                    done = Err(e.into());
                    break;
                }
            }
            done
        }
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
        rich: !m.plain,
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

/// Measures everything; false where an aim of the project is missed.
fn figures(a: &FiguresArgs) -> Result<bool, Box<dyn std::error::Error>> {
    let work = a.work.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("tapscope-figures-{}", std::process::id()))
    });
    let plan = tapscope_simulator::figures::Plan {
        tapscope: a.tapscope.clone(),
        sales: a.sales,
        seeds: a.seeds.clone(),
        profiles: a.profiles.clone(),
        work: work.clone(),
        keep: a.keep,
        extra: a.extra.clone(),
        confusion: a.confusion,
    };
    tapscope_simulator::figures::run(&plan, &mut std::io::stdout())?;
    if a.work.is_none() {
        std::fs::remove_dir_all(&work)?;
    }
    Ok(true)
}

/// Prints the comparison; false when it is below what was asked.
fn score(a: &ScoreArgs) -> Result<bool, Box<dyn std::error::Error>> {
    let s = compare(
        &std::fs::read_to_string(&a.labels)?,
        &std::fs::read_to_string(&a.transactions)?,
    )?;
    if let Some(path) = &a.pairs {
        let mut text = String::from("sale_id,attempt,tx_id,truth,named,told\n");
        for p in &s.pairs {
            text += &(p.join(",") + "\n");
        }
        std::fs::write(path, text)?;
    }
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
