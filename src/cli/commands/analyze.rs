//! `tapscope analyze`: the main job.

use crate::attribute::Catalogue;
use crate::cli::args::{AnalyzeArgs, Arguments};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Paint};
use crate::cli::progress::Progress;
use crate::cli::{DONE, Ending, PARTLY, network, sandbox, table};
use crate::plan::{Limits, Plan, RunRecord};
use crate::report::{self, Summary, text_bytes};
use crate::{Observer as _, analyze};

/// Causes that the closing summary names.
const CAUSES: usize = 10;

pub(crate) fn run(args: &AnalyzeArgs, all: &Arguments, output: &Output, watch: fn(&str)) -> Ending {
    let plan = plan(args)?;
    report::check_target(&args.out, args.force)?;
    given(&plan)?;
    let run = (!args.reproducible).then(|| run_record(args.jobs));
    for folder in report::left_over(&args.out) {
        let word = output.paint_err(Paint::Yellow, "warning:");
        let path = report::clean(&folder.display().to_string());
        output.note(&format!(
            "{word} {path} was left over by a run that was killed; nothing in it is complete: remove it (rm -r)"
        ));
    }
    let catalogue = load_catalogue(&plan.rules)?;
    if !args.no_sandbox {
        let also = [&args.inventory, &args.config];
        let read = plan.inputs.iter().chain(also.into_iter().flatten());
        let read = read.chain(&args.keylog).chain(&args.dialects);
        let read = read.chain(&args.baseline).chain(&args.rules).cloned();
        sandbox::confine(&sandbox::resolved(read.collect(), &plan), Some(&args.out))
            .tell(all, output);
    }
    // Threads inherit the confinement only if they are younger than it.
    set_up(args, all)?;
    remove_on_interrupt(*output)?;
    let progress = Progress::new(args.progress, all.quiet, all.verbose > 0, *output, watch);
    // All in the pool: memory that one thread frees is not given to another, so that each further thread costs its own.
    let written = rayon::scope(|_| {
        let analysis = analyze(&plan, &catalogue, &progress)?;
        progress.stage("write");
        let run = run.as_ref();
        let written = report::write_run(&analysis, &catalogue, &plan, run, &args.out, args.force);
        // The process ends soon: taking millions of events apart one by one would only make it end later.
        std::mem::forget(analysis);
        written.map_err(Failure::from)
    });
    progress.done();
    let summary = written?;
    if !all.quiet {
        closing(&summary, output);
    }
    name_problems(&summary, output);
    if plan.pan_key.is_none() && !all.quiet {
        output.note("card tokens hold for this run only and cannot be joined with those of other days: `tapscope key new FILE`, then --pan-key FILE");
    }
    output.result(&format!("{}\n", args.out.join("report.html").display()))?;
    let partly = !summary.coverage.problems.is_empty() || !summary.issues.is_empty();
    Ok(if partly { PARTLY } else { DONE })
}

/// What the site knows is read whole or not at all: a typing error must not pass for "nothing known".
fn given(plan: &Plan) -> Result<(), Failure> {
    if let Some(path) = &plan.inventory {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Failure::failed(format!("--inventory {}: {e}", path.display())))?;
        crate::correlate::Inventory::parse(&text)
            .map_err(|e| Failure::failed(format!("--inventory {}: {e}", path.display())))?;
    }
    for folder in &plan.baseline {
        crate::attribute::Baseline::read_one(folder)
            .map_err(|e| Failure::failed(format!("--baseline {}: {e}", folder.display())))?;
    }
    Ok(())
}

/// Rules built in, and the user's own.
pub(crate) fn load_catalogue(rules: &[std::path::PathBuf]) -> Result<Catalogue, Failure> {
    Catalogue::load(rules).map_err(|fault| {
        Failure::failed(fault.to_string()).hint("`tapscope rules check DIR` names all faults")
    })
}

fn set_up(args: &AnalyzeArgs, all: &Arguments) -> Result<(), Failure> {
    if let Some(jobs) = args.jobs {
        if jobs == 0 {
            return Err(Failure::usage("--jobs 0: at least one thread is needed"));
        }
        rayon::ThreadPoolBuilder::new()
            .num_threads(jobs)
            .build_global()
            .map_err(|e| Failure::failed(format!("--jobs {jobs}: {e}")))?;
    }
    let level = match all.verbose {
        0 => tracing::Level::WARN,
        1 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    if !all.quiet {
        let _ = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .without_time()
            .try_init();
    }
    Ok(())
}

/// Ctrl-C leaves nothing half-written.
fn remove_on_interrupt(output: Output) -> Result<(), Failure> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    // A file that may not grow any more (SIGXFSZ) is a write error like any other: watched, so that it does not kill.
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGXFSZ])
        .map_err(|e| Failure::failed(format!("cannot watch for interrupts: {e}")))?;
    std::thread::spawn(move || {
        for signal in &mut signals {
            if signal != SIGXFSZ && report::interrupt() {
                output.note("interrupted; nothing was written");
                leave();
            }
        }
    });
    Ok(())
}

#[allow(clippy::exit, reason = "an interrupt ends the program at once")]
fn leave() {
    std::process::exit(130);
}

/// Checks what was asked and makes the plan.
fn plan(args: &AnalyzeArgs) -> Result<Plan, Failure> {
    let zone = args.tz.as_deref().map(zone).transpose()?;
    let instant = |text: &Option<String>, flag| {
        text.as_deref()
            .map(|text| instant(text, zone.as_ref(), flag))
            .transpose()
    };
    let bounds = limits(&args.limit)?;
    let own = super::formats::own(&args.formats, &bounds)?;
    let known = |name: &str| {
        tapscope_parsers::container::by_name(name).is_some()
            || own.formats.iter().any(|format| format.name == name)
    };
    let formats = args
        .format
        .iter()
        .map(|text| {
            let (name, glob) = text.split_once('=').ok_or_else(|| {
                Failure::usage(format!("--format {text}: expected NAME=GLOB"))
                    .hint("`tapscope formats` lists the names")
            })?;
            if !known(name) {
                return Err(
                    Failure::usage(format!("--format {text}: no format is called {name}"))
                        .hint("`tapscope formats` lists the names"),
                );
            }
            let glob = globset::Glob::new(glob)
                .map_err(|e| Failure::usage(format!("--format {text}: {e}")))?;
            Ok((name.to_owned(), glob))
        })
        .collect::<Result<_, Failure>>()?;
    Ok(Plan {
        inputs: args.inputs.clone(),
        since: instant(&args.since, "--since")?,
        until: instant(&args.until, "--until")?,
        zone,
        year: args.year,
        formats,
        own_formats: own.formats,
        own_wording: own.wording,
        rules: args.rules.clone(),
        inventory: args.inventory.clone(),
        baseline: args.baseline.clone(),
        pan_key: args.pan_key.as_deref().map(super::key::read).transpose()?,
        custody: args.custody,
        by_day: args.partition_by.is_some(),
        timesketch: args.timesketch,
        language: args.lang.map(Into::into).unwrap_or_default(),
        memory: memory(args.memory.as_deref())?,
        scratch: sandbox::standing(report::parent_of(&args.out)),
        limits: bounds,
        network: network::read(&args.keylog, &args.dialects)?,
    })
}

/// The memory budget; by default half of what the machine has.
fn memory(given: Option<&str>) -> Result<u64, Failure> {
    match given {
        Some(text) => size(text).ok_or_else(|| {
            Failure::usage(format!("--memory {text}: not a size")).hint("for example 512M, 4G")
        }),
        None => Ok(physical_memory().unwrap_or(4 << 30) / 2),
    }
}

/// `512M`, `4G`, `4GiB`, `1073741824`: powers of two.
fn size(text: &str) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit
        .trim()
        .to_ascii_uppercase()
        .trim_end_matches("IB")
        .trim_end_matches('B')
    {
        "" => 1_u64,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "T" => 1 << 40,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    (number > 0.0).then_some((number * factor as f64) as u64)
}

/// What the machine has, where the system tells (Linux).
fn physical_memory() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

fn zone(text: &str) -> Result<jiff::tz::TimeZone, Failure> {
    if let Ok(zone) = jiff::tz::TimeZone::get(text) {
        return Ok(zone);
    }
    let offset: Option<i32> = (|| {
        let (sign, rest) = match text.as_bytes().first()? {
            b'+' => (1, text.get(1..)?),
            b'-' => (-1, text.get(1..)?),
            _ => return None,
        };
        let digits: String = rest.chars().filter(|c| *c != ':').collect();
        let (hours, minutes) = match digits.len() {
            1 | 2 => (digits.parse::<i32>().ok()?, 0),
            4 => (
                digits.get(..2)?.parse().ok()?,
                digits.get(2..)?.parse().ok()?,
            ),
            _ => return None,
        };
        Some(sign * (hours * 3600 + minutes * 60))
    })();
    offset
        .and_then(|seconds| jiff::tz::Offset::from_seconds(seconds).ok())
        .map(jiff::tz::TimeZone::fixed)
        .ok_or_else(|| {
            Failure::usage(format!("--tz {text}: not a time zone"))
                .hint("for example Asia/Shanghai, Europe/Berlin, +08:00, UTC")
        })
}

/// UTC microseconds of a time as given on the command line.
pub(crate) fn instant(
    text: &str,
    zone: Option<&jiff::tz::TimeZone>,
    flag: &str,
) -> Result<i64, Failure> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(instant.as_microsecond());
    }
    let zone = zone.cloned().unwrap_or(jiff::tz::TimeZone::UTC);
    text.parse::<jiff::civil::DateTime>()
        .ok()
        .and_then(|civil| civil.to_zoned(zone).ok())
        .map(|zoned| zoned.timestamp().as_microsecond())
        .ok_or_else(|| {
            Failure::usage(format!("{flag} {text}: not a time"))
                .hint("for example 2026-08-22, 2026-08-22T09:00, 2026-08-22T09:00:00Z")
        })
}

/// The bounds, with those that the user changed: `line_bytes=2M`.
pub(crate) fn limits(changed: &[String]) -> Result<Limits, Failure> {
    let mut limits = Limits::default();
    for text in changed {
        let fault = |why: &str| {
            let names: Vec<&str> = Limits::default().all().map(|(name, _)| name).collect();
            Failure::usage(format!("--limit {text}: {why}"))
                .hint(format!("NAME=VALUE; names are {}", names.join(", ")))
        };
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| fault("expected NAME=VALUE"))?;
        let value = value
            .trim()
            .parse()
            .ok()
            .or_else(|| size(value))
            .ok_or_else(|| fault("expected a number, or one with K, M, G or T"))?;
        if value == 0 && name.trim() != "archive_depth" {
            return Err(fault("nothing could be read with zero"));
        }
        if !limits.set(name.trim(), value) {
            return Err(fault("there is no limit of this name"));
        }
    }
    Ok(limits)
}

/// When, where and by whom. The command line holds no secret: a key is named by its file.
fn run_record(jobs: Option<usize>) -> RunRecord {
    let word = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    RunRecord {
        started: jiff::Timestamp::now().to_string(),
        host: host
            .map(|name| name.trim().to_owned())
            .or_else(|| word("HOSTNAME")),
        user: word("USER").or_else(|| word("LOGNAME")),
        folder: std::env::current_dir()
            .ok()
            .map(|folder| folder.display().to_string()),
        arguments: std::env::args_os()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect(),
        // Not asked of the pool: that would start its threads before they can be confined.
        threads: jobs
            .or_else(|| std::thread::available_parallelism().ok().map(Into::into))
            .unwrap_or(1),
    }
}

/// What was found, in a few lines.
fn closing(summary: &Summary, output: &Output) {
    let percent = |part: u64, whole: u64| part as f64 * 100.0 / (whole.max(1)) as f64;
    output.note(&format!(
        "{} attempts in {} sales, {} failed ({:.1} %), {} undetermined, {} incidents",
        summary.attempts,
        summary.sales,
        output.paint_err(Paint::Bold, &summary.failed.to_string()),
        percent(summary.failed, summary.attempts),
        summary.undetermined,
        summary.incidents.len(),
    ));
    let rows: Vec<Vec<String>> = summary
        .causes
        .iter()
        .take(CAUSES)
        .map(|cause| {
            vec![
                cause.failed.to_string(),
                format!("{:.1}", cause.share * 100.0),
                cause.code.clone(),
                cause.name_en.clone(),
                cause.owners.join(", "),
            ]
        })
        .collect();
    if !rows.is_empty() {
        let header = ["failed", "%", "cause", "name", "who acts"];
        output.note(table::render(&header, &rows).trim_end());
    }
    if summary.causes.len() > CAUSES {
        output.note(&format!(
            "… and {} causes more",
            summary.causes.len() - CAUSES
        ));
    }
    let rows: Vec<Vec<String>> = summary
        .coverage
        .kinds
        .iter()
        .map(|(kind, ledger)| (kind.as_str(), ledger))
        .chain([("total", &summary.coverage.total)])
        .map(|(kind, l)| {
            let part = |bytes| format!("{:.1}", percent(bytes, l.bytes));
            vec![
                kind.to_owned(),
                l.sources.to_string(),
                text_bytes(l.bytes),
                part(l.understood),
                part(l.ignored),
                part(l.not_understood),
                part(l.unreadable),
                l.events.to_string(),
            ]
        })
        .collect();
    let header = [
        "input",
        "count",
        "bytes",
        "% understood",
        "% of no interest",
        "% not understood",
        "% unreadable",
        "events",
    ];
    output.note(table::render(&header, &rows).trim_end());
    let statuses: Vec<String> = summary
        .coverage
        .statuses
        .iter()
        .map(|status| format!("{} {}", status.count, status.name))
        .collect();
    output.note(&format!("inputs: {}", statuses.join(", ")));
    if !summary.issues.is_empty() {
        let issues: Vec<String> = summary
            .issues
            .iter()
            .map(|issue| format!("{} {}", issue.count, issue.name))
            .collect();
        output.note(&format!("issues: {}", issues.join(", ")));
    }
    if !summary.coverage.limits.is_empty() {
        let met: Vec<String> = summary
            .coverage
            .limits
            .iter()
            .map(|limit| format!("{} {}", limit.count, limit.name))
            .collect();
        let word = output.paint_err(Paint::Yellow, "limits met:");
        output.note(&format!("{word} {} (see --limit)", met.join(", ")));
    }
}

fn name_problems(summary: &Summary, output: &Output) {
    for problem in &summary.coverage.problems {
        let reason = match (problem.reason.as_str(), problem.damaged_records) {
            ("", 0) => String::new(),
            ("", n) => format!(": {n} damaged records"),
            (reason, 0 | 1) => format!(": {reason}"),
            (reason, n) => format!(": {reason} (and {} more)", n - 1),
        };
        let status = output.paint_err(Paint::Yellow, &problem.status);
        let line = format!("{}{reason}", problem.path);
        output.note(&format!("{status}: {}", report::clean(&line)));
    }
}

#[cfg(test)]
mod tests {
    use super::{instant, zone};

    #[test]
    fn zones_and_times_are_read() {
        for good in ["Asia/Shanghai", "UTC", "+08:00", "-0330", "+8"] {
            assert!(zone(good).is_ok(), "{good}");
        }
        for bad in ["Mars/Olympus", "+25:00:00", "8", "+99"] {
            assert!(zone(bad).is_err(), "{bad}");
        }
        let shanghai = zone("+08:00").ok();
        let at = |text| instant(text, shanghai.as_ref(), "--since").ok();
        assert_eq!(at("1970-01-01T08:00"), Some(0));
        assert_eq!(at("1970-01-01T00:00:01Z"), Some(1_000_000));
        assert_eq!(at("1970-01-02"), Some(16 * 3_600_000_000));
        assert_eq!(at("soon"), None);
    }
}
