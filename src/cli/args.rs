//! What can be asked of the program: commands and flags, as the contract has them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Says why a contactless card payment failed, from the terminal's log, the card dialogue and the network capture.
#[derive(Debug, Parser)]
#[command(
    name = "tapscope",
    version,
    arg_required_else_help = true,
    after_help = "Examples:\n  tapscope analyze logs/ traces/ captures/ --out day1\n  tapscope inspect day1 stan=000123 terminal=10000019\n  tapscope query day1 \"SELECT cause, COUNT(*) AS n FROM transactions WHERE failed GROUP BY cause ORDER BY n DESC\"\n\nExit codes: 0 done, 1 not done, 2 wrong usage, 3 done but some input was not read whole, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    /// How errors are written to standard error.
    #[arg(long, global = true, value_enum, default_value_t = ErrorFormat::Human, value_name = "FORMAT")]
    pub error_format: ErrorFormat,
    /// Colours; NO_COLOR turns them off as well.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Say more; twice for even more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say only what went wrong.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find, read and join all inputs, name the causes, write DIR.
    #[command(visible_alias = "analyse")]
    Analyze(AnalyzeArgs),
    /// Show one transaction's timeline and evidence from an analysed DIR.
    Inspect(InspectArgs),
    /// Write DIR's report.html again: another language, a period, a merchant.
    Report(ReportArgs),
    /// Ask DIR's tables in SQL.
    Query(QueryArgs),
    /// Explain one thing: APDU, TLV, DOL, bit field, status word, ISO 8583 message.
    Decode(DecodeArgs),
    /// The catalogue of root causes, or one of them whole.
    Causes(CausesArgs),
    /// Every input format that is recognised, and how.
    Formats(FormatsArgs),
    /// Work with rule folders.
    Rules(RulesArgs),
    /// Write completions for a shell to standard output.
    Completions(CompletionsArgs),
    /// Write the manual page (or all of them to a folder).
    Man(ManArgs),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ErrorFormat {
    Human,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressChoice {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    En,
    Zh,
}

impl From<Lang> for crate::plan::Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::En => Self::En,
            Lang::Zh => Self::Zh,
        }
    }
}

#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  tapscope analyze logs/ captures/day.pcap --out day1\n  tapscope analyze 'dump/**/*.gz' --out day1 --tz Asia/Shanghai --year 2026\n  adb logcat -d -v year,zone | tapscope analyze - --out now"
)]
pub(crate) struct AnalyzeArgs {
    /// Files, folders, globs, archives; `-` is standard input.
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Where to write: a new folder.
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Replace DIR if it holds an earlier analysis.
    #[arg(long)]
    pub force: bool,
    /// Terminals: id, device, address, site, merchant, firmware, limits (CSV).
    #[arg(long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
    /// An earlier analysis, for expected rates.
    #[arg(long, value_name = "DIR")]
    pub baseline: Vec<PathBuf>,
    /// SHA-256 of every input and output, beside BLAKE3.
    #[arg(long)]
    pub custody: bool,
    /// Flags from a TOML file; the command line wins.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A folder with your own rules.
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// Read what matches GLOB as format NAME.
    #[arg(long, value_name = "NAME=GLOB")]
    pub format: Vec<String>,
    /// A folder with your own formats (TOML) and wording (TSV).
    #[arg(long, value_name = "DIR")]
    pub formats: Vec<PathBuf>,
    /// Zone of logs that carry none: Asia/Shanghai, +08:00, UTC.
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub tz: Option<String>,
    /// Year of logs that carry none.
    #[arg(long, value_name = "N")]
    pub year: Option<i16>,
    /// Only attempts that start at or after this: 2026-08-22, 2026-08-22T09:00, with Z or an offset; else in --tz, else UTC.
    #[arg(long, value_name = "T")]
    pub since: Option<String>,
    /// Only attempts that start before this.
    #[arg(long, value_name = "T")]
    pub until: Option<String>,
    /// Threads; all cores by default.
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Memory budget: 512M, 4G; events past half of it wait on disk beside DIR. Default: half of the machine's memory. Changes no output.
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
    /// Language of the report's first view.
    #[arg(long, value_enum)]
    pub lang: Option<Lang>,
    /// Secret for card tokens (64 hex digits, or 32 bytes and more); only its owner may read it.
    #[arg(long, value_name = "FILE")]
    pub pan_key: Option<PathBuf>,
    /// TLS secrets (NSS key log).
    #[arg(long, value_name = "FILE")]
    pub keylog: Option<PathBuf>,
    /// The progress bar on standard error.
    #[arg(long, value_enum, default_value_t = ProgressChoice::Auto, value_name = "WHEN")]
    pub progress: ProgressChoice,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tapscope inspect day1 kqzmvbxyahcdeffg\n  tapscope inspect day1 stan=123 terminal=10000019\n  tapscope inspect day1 last4=1234 amount=12.34 at=2026-08-22T09:15"
)]
pub(crate) struct InspectArgs {
    /// A folder that `analyze` wrote.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// A tx_id or its beginning, or any of stan= rrn= terminal= amount= last4= at= sale=.
    #[arg(required = true, value_name = "SELECTOR")]
    pub selector: Vec<String>,
    /// For programs.
    #[arg(long)]
    pub json: bool,
    /// Language of the text.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    pub lang: Lang,
    /// With the decoded content of every event.
    #[arg(long)]
    pub full: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// A folder that `analyze` wrote.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Where to write; DIR/report.html by default for a whole report, required for a part.
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Language of the first view.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    pub lang: Lang,
    /// Only attempts that start at or after this.
    #[arg(long, value_name = "T")]
    pub since: Option<String>,
    /// Only attempts that start before this.
    #[arg(long, value_name = "T")]
    pub until: Option<String>,
    /// Only this merchant.
    #[arg(long, value_name = "ID")]
    pub merchant: Option<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Tables: transactions, facts, events, evidence, incidents, sources, issues. Times are UTC.\n\nExamples:\n  tapscope query --list\n  tapscope query day1 causes\n  tapscope query day1 \"SELECT tx_id, cause FROM transactions WHERE terminal_id = '10000019' AND failed\" --format csv"
)]
pub(crate) struct QueryArgs {
    /// A folder that `analyze` wrote.
    #[arg(value_name = "DIR", required_unless_present = "list")]
    pub dir: Option<PathBuf>,
    /// A question in SQL, or the name of one from --list.
    #[arg(value_name = "SQL", required_unless_present = "list")]
    pub sql: Option<String>,
    /// How to write the answer.
    #[arg(long, value_enum, default_value_t = QueryFormat::Table)]
    pub format: QueryFormat,
    /// Show ready-made questions.
    #[arg(long)]
    pub list: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum QueryFormat {
    Table,
    Csv,
    Json,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Kinds: apdu, response, tlv, dol, sw, iso8583, tvr, ttq, ctq, aip, afl, cid, cvmr, cvml, iad, aid, a tag such as 9F66; guessed when left out.\n\nExamples:\n  tapscope decode 9F6604B6004000\n  tapscope decode sw 6985\n  tapscope decode tlv - < record.bin"
)]
pub(crate) struct DecodeArgs {
    /// Kind (or none), then hex, a file, or `-` for standard input.
    #[arg(required = true, value_name = "KIND | HEX | FILE | -")]
    pub words: Vec<String>,
    /// Contactless kernel, where tags mean different things: 2, 3, 7 …
    #[arg(long, value_name = "N")]
    pub kernel: Option<u32>,
    /// For programs.
    #[arg(long)]
    pub json: bool,
    /// Language of the text.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    pub lang: Lang,
}

#[derive(Debug, Args)]
pub(crate) struct CausesArgs {
    /// Code of one cause.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
    /// A folder with your own rules.
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// For programs.
    #[arg(long)]
    pub json: bool,
    /// Language of the text.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    pub lang: Lang,
}

#[derive(Debug, Args)]
pub(crate) struct FormatsArgs {
    /// Explain what each detector saw in this file.
    #[arg(long, value_name = "FILE")]
    pub why: Option<PathBuf>,
    /// Check and list your own formats (TOML) and wording (TSV) too.
    #[arg(long, value_name = "DIR")]
    pub formats: Vec<PathBuf>,
    /// For programs.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub command: RulesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Check a rule folder: syntax, unknown facts, the rules' own examples.
    Check {
        /// The folder.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write the pages of all commands there instead.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Arguments::command().debug_assert();
    }
}
