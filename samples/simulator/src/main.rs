//! Command line of the simulator.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use tapscope_simulator::day::{Config, midnight, simulate};
use tapscope_simulator::fleet::Profile;

#[derive(Parser)]
#[command(about = "Writes labelled days of card payments", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    make: Make,
}

#[derive(Subcommand)]
enum Command {}

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
    digits.parse::<u64>().map(|n| n * unit).map_err(|e| e.to_string())
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match make(&cli.make) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

fn make(m: &Make) -> Result<(), Box<dyn std::error::Error>> {
    let out = m.out.as_ref().ok_or("--out is missing")?;
    let zero = midnight(&m.date).ok_or("--date: expected YYYY-MM-DD")?;
    let cfg = Config { transactions: m.transactions, seed: m.seed, terminals: m.terminals, zero, profile: m.profile, noise: m.noise, bytes: m.bytes.unwrap_or(0) };
    let s = simulate(&cfg, out)?;
    let failed: u64 = s.tally.iter().filter(|(k, _)| *k != "-").map(|(_, v)| v).sum();
    println!("{} sales, {} attempts ({} with a cause), {} input files, {} bytes", s.sales, s.attempts, failed, s.files.len(), s.bytes);
    for (cause, n) in &s.tally {
        println!("{n:8} {cause}");
    }
    Ok(())
}
