//! Fits the rules' weights on training days, writes them into the rule files, and shows what held-out days say of it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool"
)]

use clap::Parser;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tapscope_simulator::day::{Config, midnight, simulate};
use tapscope_simulator::figures::{self, profile_name};
use tapscope_simulator::fit::{Problem, curve, rewrite};
use tapscope_simulator::fleet::Profile;
use tapscope_simulator::table::Table;

#[derive(Parser)]
#[command(about = "Fits the weights of tapscope's rules on simulated days")]
struct Cli {
    /// The tapscope program.
    #[arg(long)]
    tapscope: PathBuf,
    /// The project's rules: read, and with --write changed.
    #[arg(long, default_value = "rules")]
    rules: PathBuf,
    /// Training seeds: below 100.
    #[arg(long, value_delimiter = ',', default_value = "11,12,13")]
    seeds: Vec<u64>,
    /// Held-out seeds: never trained on.
    #[arg(long, value_delimiter = ',', default_value = "901")]
    held_out: Vec<u64>,
    /// Sales of each day.
    #[arg(long, default_value_t = 8000)]
    sales: u64,
    /// Where days are made.
    #[arg(long)]
    work: PathBuf,
    /// Write the weights into the rule files.
    #[arg(long)]
    write: bool,
}

const PROFILES: [Profile; 3] = [Profile::Tidy, Profile::Skewed, Profile::Sparse];

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

fn day(cli: &Cli, profile: Profile, seed: u64) -> io::Result<PathBuf> {
    let folder = cli
        .work
        .join(format!("{}-{seed}-{}", profile_name(profile), cli.sales));
    if !folder.join("labels.csv").exists() {
        simulate(
            &Config {
                transactions: cli.sales,
                seed,
                terminals: 0,
                zero: midnight("2026-03-18").unwrap_or_default(),
                profile,
                noise: 6,
                bytes: 0,
                failures: 90,
                only: None,
                rich: true,
            },
            &folder,
        )?;
    }
    Ok(folder)
}

fn run(cli: &Cli) -> io::Result<()> {
    let with_rules = vec!["--rules".to_owned(), cli.rules.display().to_string()];
    let mut problem = Problem::default();
    let mut verdicts = Vec::new();
    for &seed in &cli.seeds {
        for profile in PROFILES {
            let folder = day(cli, profile, seed)?;
            let out = folder.join("out");
            let f = figures::of_folder(&cli.tapscope, &folder, &out, &with_rules)?;
            println!(
                "{} {seed}: cause {:.2} % before",
                profile_name(profile),
                f.score.cause_told.share() * 100.0
            );
            let truth: BTreeMap<String, String> = f
                .score
                .pairs
                .iter()
                .filter(|p| !p[3].is_empty() && p[5] != "false")
                .map(|p| (p[2].clone(), p[3].clone()))
                .collect();
            problem.add(&evidence(&cli.tapscope, &out)?, &truth);
            let rows = Table::parse(&fs::read_to_string(out.join("transactions.csv"))?);
            let named: BTreeMap<&str, (&str, &str)> = (0..rows.rows.len())
                .map(|i| {
                    (
                        rows.get(i, "tx_id"),
                        (rows.get(i, "cause"), rows.get(i, "confidence")),
                    )
                })
                .collect();
            for (tx, cause) in &truth {
                if let Some((got, c)) = named.get(tx.as_str())
                    && !got.is_empty()
                    && *got != "UNDETERMINED"
                    && let Ok(c) = c.parse::<f64>()
                {
                    verdicts.push((c, got == cause));
                }
            }
        }
    }
    let fitted = problem.fit(300);
    println!(
        "{} cases, {} pieces; mean log-likelihood {:.4} before, {:.4} after",
        problem.cases.len(),
        problem.pieces.len(),
        problem.likelihood(&problem.weights),
        problem.likelihood(&fitted)
    );
    let mut by_rule: BTreeMap<&str, BTreeMap<String, f64>> = BTreeMap::new();
    for ((piece, was), new) in problem.pieces.iter().zip(&problem.weights).zip(&fitted) {
        if (was - new).abs() >= 0.1 {
            println!("{}/{}: {was:.1} -> {new:.1}", piece.0, piece.1);
            by_rule
                .entry(&piece.0)
                .or_default()
                .insert(piece.1.clone(), *new);
        }
    }
    println!("confidence as it is said, and how often it is right:");
    for (raw, right) in curve(&verdicts) {
        println!("    ({raw:.3}, {right:.3}),");
    }
    let trial = cli.work.join("rules");
    copy(&cli.rules, &trial, &by_rule)?;
    let after = vec!["--rules".to_owned(), trial.display().to_string()];
    for &seed in &cli.held_out {
        for profile in PROFILES {
            let folder = day(cli, profile, seed)?;
            let out = folder.join("out");
            let a = figures::of_folder(&cli.tapscope, &folder, &out, &with_rules)?;
            let b = figures::of_folder(&cli.tapscope, &folder, &out, &after)?;
            println!(
                "held out {} {seed}: cause {:.2} % -> {:.2} %, calibration error {:.4} -> {:.4}",
                profile_name(profile),
                a.score.cause_told.share() * 100.0,
                b.score.cause_told.share() * 100.0,
                a.score.ece,
                b.score.ece
            );
        }
    }
    if cli.write {
        for code in by_rule.keys() {
            let name = format!("{code}.toml");
            fs::copy(trial.join(&name), cli.rules.join(&name))?;
        }
        println!("{} rule files written", by_rule.len());
    }
    Ok(())
}

/// The rules with new weights, in a folder of their own.
fn copy(from: &Path, to: &Path, weights: &BTreeMap<&str, BTreeMap<String, f64>>) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let (Some(name), Some(code)) =
            (path.file_name(), path.file_stem().and_then(|s| s.to_str()))
        else {
            continue;
        };
        if path.extension().is_none_or(|x| x != "toml") {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let text = match weights.get(code) {
            Some(weights) => rewrite(&text, weights),
            None => text,
        };
        fs::write(to.join(name), text)?;
    }
    Ok(())
}

fn evidence(tapscope: &Path, out: &Path) -> io::Result<String> {
    let question = "SELECT tx_id, cause, rule, role, weight FROM evidence";
    tapscope_simulator::figures::ask(tapscope, out, question)
}
