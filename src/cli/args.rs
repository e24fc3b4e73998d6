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
    /// Look through all failed attempts in the terminal: filters, search, timelines.
    Browse(BrowseArgs),
    /// Print the bytes that evidence cites, in their context, masked.
    Show(ShowArgs),
    /// What changed between two analyses: causes, terminals, incidents, verdicts.
    Compare(CompareArgs),
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
    /// Show every setting and where it comes from.
    Config(ConfigArgs),
    /// Make the secret under which card numbers become tokens.
    Key(KeyArgs),
    /// Say which inputs hold card data, and where; never which.
    Scan(ScanArgs),
    /// Check DIR, and the inputs it was made from, against its manifest.
    Verify(VerifyArgs),
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
pub(crate) enum PartitionBy {
    Day,
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
    /// Memory budget: 512M, 4G; events past a sixteenth of it wait on disk beside DIR. Default: half of the machine's memory. Changes no output.
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
    /// Language of the report's first view.
    #[arg(long, value_enum)]
    pub lang: Option<Lang>,
    /// Secret for card tokens (64 hex digits, or 32 bytes and more); only its owner may read it.
    #[arg(long, value_name = "FILE")]
    pub pan_key: Option<PathBuf>,
    /// Also cut the tables into one folder a day, below DIR/by_day, for a warehouse.
    #[arg(long, value_enum, value_name = "UNIT")]
    pub partition_by: Option<PartitionBy>,
    /// Also write DIR/timesketch.jsonl: failed attempts, their events, incidents.
    #[arg(long)]
    pub timesketch: bool,
    /// TLS secrets, as browsers and OpenSSL log them: what they open is read.
    #[arg(long, value_name = "FILE")]
    pub keylog: Vec<PathBuf>,
    /// A folder with your own descriptions of ISO 8583 dialects (TOML).
    #[arg(long, value_name = "DIR")]
    pub dialects: Vec<PathBuf>,
    /// The progress bar on standard error.
    #[arg(long, value_enum, default_value_t = ProgressChoice::Auto, value_name = "WHEN")]
    pub progress: ProgressChoice,
    /// Another bound on hostile input: line_bytes=2M, archive_depth=5 (repeatable; the manifest lists all).
    #[arg(long, value_name = "NAME=VALUE")]
    pub limit: Vec<String>,
    /// No time, host, user or command line in the manifest, so that two runs compare equal.
    #[arg(long)]
    pub reproducible: bool,
    /// Do not confine the run to its inputs and its output.
    #[arg(long)]
    pub no_sandbox: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub command: KeyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Write a new random secret that only you may read.
    #[command(
        after_help = "Example:\n  tapscope key new pan.key && tapscope analyze logs/ --out day1 --pan-key pan.key"
    )]
    New {
        /// A file that does not exist yet.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 no card data found, 1 card data found, 3 none found but some input was not read whole.\n\nExamples:\n  tapscope scan dump/ captures/\n  adb logcat -d | tapscope scan -"
)]
pub(crate) struct ScanArgs {
    /// Files, folders, globs, archives; `-` is standard input.
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// For programs.
    #[arg(long)]
    pub json: bool,
    /// Places that are named of each input and kind.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub places: usize,
    /// Another bound on hostile input, as for analyze.
    #[arg(long, value_name = "NAME=VALUE")]
    pub limit: Vec<String>,
    /// Do not confine the run to its inputs.
    #[arg(long)]
    pub no_sandbox: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Relative paths of inputs start from the folder in which analyze ran, or from --from. The last line names the manifest's own hash: keep it, or sign the manifest, where someone could write to DIR.\n\nExit codes: 0 all is as it was, 1 something differs or is missing."
)]
pub(crate) struct VerifyArgs {
    /// A folder that `analyze` wrote.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Only DIR's own files.
    #[arg(long)]
    pub outputs_only: bool,
    /// Where relative paths of inputs start from.
    #[arg(long, value_name = "FOLDER")]
    pub from: Option<PathBuf>,
    /// For programs.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tapscope inspect day1 kqzmvbxyahcdeffg\n  tapscope inspect day1 stan=123 terminal=10000019\n  tapscope inspect day1 last4=1234 amount=12.34 at=2026-08-22T09:15"
)]
pub(crate) struct InspectArgs {
    /// A folder that `analyze` wrote.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// A tx_id or its beginning, or any of stan= rrn= terminal= merchant= amount= last4= interface= cause= at= sale=.
    #[arg(required = true, value_name = "SELECTOR")]
    pub selector: Vec<String>,
    /// For programs.
    #[arg(long)]
    pub json: bool,
    /// Language of the text.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    pub lang: Lang,
    /// Everything: all fields and data objects of every event, and the bytes.
    #[arg(long)]
    pub full: bool,
    /// Columns to fill; those of the terminal by default, 100 where there is none.
    #[arg(long, value_name = "COLUMNS")]
    pub width: Option<u16>,
    /// Write the transaction's own page instead: one file, to look at offline or hand on.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub html: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Keys: arrows move, Enter reads, / searches, c t m choose a cause, terminal or merchant, ? shows all keys, q quits.\n\nExamples:\n  tapscope browse day1\n  tapscope browse day1 --lang zh"
)]
pub(crate) struct BrowseArgs {
    /// A folder that `analyze` wrote.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Language of the first view; `l` changes it.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    pub lang: Lang,
}

#[derive(Debug, Args)]
#[command(
    after_help = "A reference is what `inspect` prints: path:LINE of a text, path#FRAME of a capture, archive!member:LINE.\n\nExamples:\n  tapscope show logs/terminal.log:120\n  tapscope show 'net.zip!day.pcap#7' --run day1\n  tapscope show logs/terminal.log:118-125 -C 0"
)]
pub(crate) struct ShowArgs {
    /// path:LINE, path:LINE-LINE, path#FRAME.
    #[arg(required = true, value_name = "REF")]
    pub references: Vec<String>,
    /// The analysis that cites it: refuses when the input has changed since.
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// The folder in which `analyze` was called, where that is not this one.
    #[arg(long, value_name = "FOLDER")]
    pub from: Option<PathBuf>,
    /// Lines, or frames of the same connection, before and after.
    #[arg(short = 'C', long, default_value_t = 5, value_name = "N")]
    pub context: u64,
    /// For programs.
    #[arg(long)]
    pub json: bool,
    /// Language of the text.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    pub lang: Lang,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Ends with 1 where anything differs, with 0 where nothing does. A cause or place is listed as more or less frequent only where chance explains it in less than one case in a hundred.\n\nExamples:\n  tapscope compare monday tuesday\n  tapscope compare before after --json\n  tapscope compare day1 day1-with-my-rules"
)]
pub(crate) struct CompareArgs {
    /// The earlier analysis.
    #[arg(value_name = "DIR_A")]
    pub before: PathBuf,
    /// The later one.
    #[arg(value_name = "DIR_B")]
    pub after: PathBuf,
    /// For programs.
    #[arg(long)]
    pub json: bool,
    /// Language of the text.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    pub lang: Lang,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tapscope report day1 --lang zh\n  tapscope report day1 --merchant 898321654110001 --out merchant.html\n  tapscope report day1 --since 2026-08-22T09:00 --until 2026-08-22T10:00 --out hour.html"
)]
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
    /// Write lines for Timesketch to --out instead of a page.
    #[arg(long, requires = "out")]
    pub timesketch: bool,
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
    after_help = "Kinds: apdu, response, tlv, dol, sw, atr, ats, iso8583, tvr, ttq, ctq, aip, afl, cid, cvmr, cvml, iad, aid, a tag such as 9F66; guessed when left out.\n\nExamples:\n  tapscope decode 9F6604B6004000\n  tapscope decode sw 6985 --command gpo\n  tapscope decode --dol 9F66049F0206 26000080000000008800\n  tapscope decode tlv - < record.bin"
)]
pub(crate) struct DecodeArgs {
    /// Kind (or none), then hex, a file, or `-` for standard input.
    #[arg(required = true, value_name = "KIND | HEX | FILE | -")]
    pub words: Vec<String>,
    /// Contactless kernel, where tags mean different things: 2, 3, 7 …
    #[arg(long, value_name = "N")]
    pub kernel: Option<u32>,
    /// The list that the data follow, hex: data alone, or a GET PROCESSING OPTIONS or GENERATE AC with its data.
    #[arg(long, value_name = "HEX")]
    pub dol: Option<String>,
    /// The command that an answer or a status word belongs to: ppse, select, gpo, read-record, generate-ac, verify …
    #[arg(long, value_name = "NAME")]
    pub command: Option<String>,
    /// For programs.
    #[arg(long)]
    pub json: bool,
    /// Language of the text.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    pub lang: Lang,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tapscope causes\n  tapscope causes LIM_READER_LIMIT\n  tapscope causes CARD_BLOCKED --lang zh"
)]
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
#[command(
    after_help = "Examples:\n  tapscope formats\n  tapscope formats --why odd.log      # what each detector saw in it"
)]
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
    /// With --why: TLS secrets.
    #[arg(long, value_name = "FILE", requires = "why")]
    pub keylog: Vec<PathBuf>,
    /// With --why: a folder with your own descriptions of ISO 8583 dialects.
    #[arg(long, value_name = "DIR", requires = "why")]
    pub dialects: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "A rule is a TOML file: a cause with pieces of evidence whose conditions are SQL over the facts.\n\nExample:\n  tapscope rules check my-rules && tapscope analyze logs/ --out day1 --rules my-rules"
)]
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
#[command(
    after_help = "Settings are the long flags of `analyze`. What the command line does not say comes from the environment (TAPSCOPE_TZ, TAPSCOPE_PAN_KEY ...), then from the file that --config or TAPSCOPE_CONFIG names, else from tapscope.toml in the current folder:\n\n  tz = \"Asia/Shanghai\"\n  lang = \"zh\"\n  rules = [\"my-rules\"]      # paths are relative to the file\n\nExamples:\n  tapscope config show\n  tapscope config show --tz UTC --config site.toml"
)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print each setting, its value, and who says so: flag, environment, file or default.
    Show {
        /// For programs; before other flags.
        #[arg(long)]
        json: bool,
        /// Flags of `analyze`, to see what they would change.
        #[arg(
            value_name = "FLAGS",
            trailing_var_arg = true,
            allow_hyphen_values = true
        )]
        flags: Vec<std::ffi::OsString>,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tapscope completions bash > ~/.local/share/bash-completion/completions/tapscope\n  tapscope completions zsh > ~/.zfunc/_tapscope\n  tapscope completions fish > ~/.config/fish/completions/tapscope.fish\n  tapscope completions powershell >> $PROFILE"
)]
pub(crate) struct CompletionsArgs {
    /// Which shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tapscope man | man -l -\n  tapscope man --out ~/.local/share/man/man1"
)]
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
