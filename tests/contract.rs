//! The files of an output folder against the contract: names, types, values, and what an attacker may try through them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod made;

use std::path::Path;

use polars::prelude::{DataFrame, DataType, TimeUnit};
use polars_io::prelude::{ParquetReader, SerReader};
use tapscope::attribute::{Catalogue, FACTS, FactType};
use tapscope::report;

const TIME: &str = "datetime[us, UTC]";

/// The contract's tables: column and type.
const CONTRACT: &[(&str, &[(&str, &str)])] = &[
    (
        "transactions",
        &[
            ("tx_id", "str"),
            ("sale_id", "str"),
            ("attempt", "u16"),
            ("sale_outcome", "str"),
            ("started_at", TIME),
            ("ended_at", TIME),
            ("duration_ms", "i64"),
            ("terminal_id", "str"),
            ("merchant_id", "str"),
            ("device", "str"),
            ("stan", "str"),
            ("rrn", "str"),
            ("auth_code", "str"),
            ("amount_minor", "i64"),
            ("currency", "str"),
            ("pan_masked", "str"),
            ("pan_token", "str"),
            ("scheme", "str"),
            ("aid", "str"),
            ("kernel", "str"),
            ("interface", "str"),
            ("entry_mode", "str"),
            ("stage", "str"),
            ("outcome", "str"),
            ("failed", "bool"),
            ("cause", "str"),
            ("family", "str"),
            ("contributing", "list[str]"),
            ("confidence", "f64"),
            ("strength", "str"),
            ("alternatives", "list[struct{cause: str, confidence: f64}]"),
            ("missing_evidence", "str"),
            ("owners", "list[str]"),
            ("incident_id", "str"),
            ("response_code", "str"),
            ("last_sw", "str"),
            ("tvr", "str"),
            ("log_events", "u32"),
            ("apdu_events", "u32"),
            ("net_events", "u32"),
            ("link_method", "str"),
            ("link_confidence", "f64"),
        ],
    ),
    (
        "events",
        &[
            ("tx_id", "str"),
            ("seq", "u32"),
            ("at", TIME),
            ("at_source", TIME),
            ("source_id", "u32"),
            ("kind", "str"),
            ("locator", "str"),
            ("step", "str"),
            ("summary", "str"),
            ("detail", "str"),
        ],
    ),
    (
        "evidence",
        &[
            ("tx_id", "str"),
            ("cause", "str"),
            ("rule", "str"),
            ("role", "str"),
            ("weight", "f64"),
            ("fact", "str"),
            ("value", "str"),
            ("locators", "list[str]"),
            ("text_en", "str"),
            ("text_zh", "str"),
        ],
    ),
    (
        "incidents",
        &[
            ("incident_id", "str"),
            ("scope", "str"),
            ("scope_value", "str"),
            ("started_at", TIME),
            ("ended_at", TIME),
            ("transactions", "u32"),
            ("failed", "u32"),
            ("expected_failed", "f64"),
            ("p_value", "f64"),
            ("cause", "str"),
            ("text_en", "str"),
            ("text_zh", "str"),
        ],
    ),
    (
        "sources",
        &[
            ("source_id", "u32"),
            ("path", "str"),
            ("blake3", "str"),
            ("sha256", "str"),
            ("bytes", "u64"),
            ("bytes_understood", "u64"),
            ("bytes_ignored", "u64"),
            ("bytes_not_understood", "u64"),
            ("bytes_unreadable", "u64"),
            ("kind", "str"),
            ("format", "str"),
            ("encoding", "str"),
            ("records", "u64"),
            ("events", "u64"),
            ("damaged_records", "u64"),
            ("first_damage", "str"),
            ("first_at", TIME),
            ("last_at", TIME),
            ("clock_offset_ms", "f64"),
            ("clock_drift_ppm", "f64"),
            ("clock_method", "str"),
            ("status", "str"),
        ],
    ),
    (
        "issues",
        &[
            ("source_id", "u32"),
            ("locator", "str"),
            ("code", "str"),
            ("count", "u64"),
            ("text", "str"),
        ],
    ),
];

const FILES: &[&str] = &[
    "events.parquet",
    "evidence.parquet",
    "facts.parquet",
    "incidents.parquet",
    "issues.parquet",
    "manifest.json",
    "report.html",
    "sources.parquet",
    "summary.json",
    "transactions.csv",
    "transactions.parquet",
];

fn type_name(dtype: &DataType) -> String {
    match dtype {
        DataType::String => "str".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        DataType::UInt16 => "u16".to_owned(),
        DataType::UInt32 => "u32".to_owned(),
        DataType::UInt64 => "u64".to_owned(),
        DataType::Int64 => "i64".to_owned(),
        DataType::Float64 => "f64".to_owned(),
        DataType::Datetime(TimeUnit::Microseconds, Some(zone)) => format!("datetime[us, {zone}]"),
        DataType::List(inner) => format!("list[{}]", type_name(inner)),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| format!("{}: {}", field.name(), type_name(field.dtype())))
                .collect();
            format!("struct{{{}}}", fields.join(", "))
        }
        other => format!("{other:?}"),
    }
}

fn read(folder: &Path, table: &str) -> DataFrame {
    let file = std::fs::File::open(folder.join(table).with_extension("parquet")).unwrap();
    ParquetReader::new(file).finish().unwrap()
}

fn written(analysis: &tapscope::Analysis) -> (tempfile::TempDir, std::path::PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    report::write(analysis, &Catalogue::default(), &made::plan(), &out, false).unwrap();
    (parent, out)
}

#[test]
fn every_column_has_its_type() {
    for analysis in [made::hostile(), made::day(0)] {
        let (_parent, out) = written(&analysis);
        for (table, columns) in CONTRACT {
            let frame = read(&out, table);
            for (name, wanted) in *columns {
                let column = frame
                    .column(name)
                    .unwrap_or_else(|_| panic!("{table}.{name} is missing"));
                assert_eq!(type_name(column.dtype()), *wanted, "{table}.{name}");
            }
        }
        let facts = read(&out, "facts");
        assert_eq!(facts.width(), FACTS.len() + 1);
        assert_eq!(facts.height(), analysis.correlated.attempts.len());
        for fact in FACTS {
            let wanted = match fact.ty {
                FactType::Bool => "bool",
                FactType::Int => "i64",
                FactType::Float => "f64",
                FactType::Text => "str",
            };
            assert_eq!(
                type_name(facts.column(fact.name).unwrap().dtype()),
                wanted,
                "{}",
                fact.name
            );
        }
        let mut names: Vec<String> = std::fs::read_dir(&out)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, FILES);
    }
}

#[test]
fn values_are_what_the_contract_says() {
    let (_parent, out) = written(&made::hostile());
    let frame = read(&out, "transactions");
    let text = |column: &str, row| {
        let column = frame.column(column).unwrap();
        column.str().unwrap().get(row).map(str::to_owned)
    };
    assert_eq!(frame.height(), 4);
    let id = text("tx_id", 0).unwrap();
    assert!(
        id.len() == 16 && id.bytes().all(|b| b.is_ascii_lowercase()),
        "{id}"
    );
    assert_eq!(text("stan", 0).as_deref(), Some("000123"));
    assert_eq!(text("last_sw", 0).as_deref(), Some("6985"));
    assert_eq!(text("currency", 0).as_deref(), Some("CNY"));
    assert_eq!(text("link_method", 0).as_deref(), Some("cryptogram"));
    assert_eq!(text("link_method", 1).as_deref(), Some("single_source"));
    assert_eq!(
        text("cause", 3),
        None,
        "an approved attempt has nothing to explain"
    );
    assert_eq!(text("incident_id", 0), Some(made::letters(77).to_string()));
    // Without a key, tokens are names of this run by first appearance.
    assert_eq!(text("pan_token", 0).as_deref(), Some("run_a"));
    assert_eq!(text("pan_token", 1).as_deref(), Some("run_a"));
    assert_eq!(text("pan_token", 2).as_deref(), Some("run_b"));
    assert_eq!(text("pan_token", 3), None);
    let number = |column: &str, row| {
        frame
            .column(column)
            .unwrap()
            .get(row)
            .unwrap()
            .extract::<i64>()
    };
    assert_eq!(number("duration_ms", 0), Some(4400));
    assert_eq!(number("amount_minor", 1), Some(-5));
    let counts = ["log_events", "apdu_events", "net_events"].map(|name| number(name, 0));
    assert_eq!(counts, [Some(2), Some(3), Some(7)]);
    let failed = frame.column("failed").unwrap().bool().unwrap();
    assert_eq!(
        failed.iter().collect::<Vec<_>>(),
        [true, true, true, false].map(Some)
    );

    let events = read(&out, "events");
    assert_eq!(events.height(), 12 + made::HOSTILE.len() + 1);
    let locators = events.column("locator").unwrap();
    let locators = locators.str().unwrap();
    assert_eq!(locators.get(0), Some("logs/terminal.log:1"));
    assert_eq!(locators.get(10), Some("net.zip!day.pcap#10"));
    let owners = events.column("tx_id").unwrap();
    let last = events.height() - 1;
    assert_eq!(
        owners.str().unwrap().get(last),
        None,
        "what belongs to none comes last"
    );
    for detail in events
        .column("detail")
        .unwrap()
        .str()
        .unwrap()
        .iter()
        .flatten()
    {
        assert!(
            serde_json::from_str::<serde_json::Value>(detail)
                .unwrap()
                .is_object()
        );
    }

    let sources = read(&out, "sources");
    let sum: u64 = [
        "bytes_understood",
        "bytes_ignored",
        "bytes_not_understood",
        "bytes_unreadable",
    ]
    .iter()
    .map(|name| {
        sources
            .column(name)
            .unwrap()
            .get(0)
            .unwrap()
            .extract::<u64>()
            .unwrap()
    })
    .sum();
    assert_eq!(sum, 1000);
    let offsets = sources
        .column("clock_offset_ms")
        .unwrap()
        .f64()
        .unwrap()
        .clone();
    assert_eq!(
        offsets.iter().collect::<Vec<_>>(),
        [Some(1234.5), None, Some(1234.5), None]
    );
}

#[test]
fn a_key_gives_tokens() {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("out");
    let mut plan = made::plan();
    plan.pan_key = Some([1; 32].into());
    report::write(&made::hostile(), &Catalogue::default(), &plan, &out, false).unwrap();
    let frame = read(&out, "transactions");
    let tokens = frame.column("pan_token").unwrap();
    let token = tokens.str().unwrap().get(0).unwrap();
    let digits = token.strip_prefix("tk_").unwrap();
    assert_eq!(digits.len(), 16);
    assert!(
        digits
            .bytes()
            .all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b))
    );
    let manifest = std::fs::read_to_string(out.join("manifest.json")).unwrap();
    assert!(manifest.contains("\"pan_key_given\": true"));
    assert!(!manifest.contains("0101010101"), "the key stays out");
}

#[test]
fn no_string_can_fool_a_terminal() {
    let (_parent, out) = written(&made::hostile());
    for (table, columns) in CONTRACT {
        let frame = read(&out, table);
        for (name, _) in columns.iter().filter(|(_, kind)| *kind == "str") {
            for text in frame.column(name).unwrap().str().unwrap().iter().flatten() {
                let odd = |c: char| c.is_control() || ('\u{202A}'..='\u{202E}').contains(&c);
                assert!(!text.contains(odd), "{table}.{name}: {text:?}");
            }
        }
    }
}

#[test]
fn formulas_are_neutralised() {
    let (_parent, out) = written(&made::hostile());
    let frame = read(&out, "transactions");
    let mut reader = csv::Reader::from_path(out.join("transactions.csv")).unwrap();
    let header: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    let names: Vec<String> = frame
        .get_column_names()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(header, names, "the same columns in the same order");
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), frame.height());
    for record in &records {
        for (name, cell) in header.iter().zip(record) {
            let numeric = cell.parse::<f64>().is_ok();
            let formula =
                cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r']);
            assert!(numeric || !formula, "{name}: {cell}");
        }
    }
    let cell = |row: usize, name: &str| {
        let column = header.iter().position(|n| n == name).unwrap();
        records[row].get(column).unwrap().to_owned()
    };
    assert_eq!(cell(0, "merchant_id"), "'=cmd|'/c calc'!A1");
    assert_eq!(cell(1, "amount_minor"), "-5", "numbers stay numbers");
    assert_eq!(cell(0, "started_at"), "2026-08-22T08:00:00.000000Z");
    assert_eq!(cell(0, "contributing"), "NET_ROAMED");
    assert_eq!(
        cell(0, "alternatives"),
        "RF_WEAK=0.0400;READER_FAULT=0.0200"
    );
    assert_eq!(cell(1, "merchant_id"), made::HOSTILE[8]);
}

#[test]
fn the_page_shows_hostile_text_as_text() {
    let (_parent, out) = written(&made::hostile());
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert_eq!(
        page.matches("<script").count(),
        2,
        "the data and the script"
    );
    assert_eq!(page.matches("</script>").count(), 2);
    for needle in [
        "<img",
        "<svg onload",
        "<b>粗体",
        "onerror=alert(1)>",
        "\u{202e}",
        "\u{1b}",
        "\u{2028}",
        "http-equiv=\"refresh",
    ] {
        assert!(!page.contains(needle), "{needle}");
    }
    assert!(!page.contains("49}"), "no template in a value is evaluated");
    // Nothing is loaded from anywhere, and no style or handler stands in markup.
    let markup = page.split("id=\"data\"").next().unwrap();
    let markup = &markup[markup.find("</style>").unwrap()..];
    for tag in markup
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split('>').next())
    {
        for needle in [" src=", " href=", " style=", " on", "url("] {
            let own = tag.starts_with("meta") || tag == "a class=\"skip\" href=\"#failures\"";
            let attribute = tag.contains(needle) && !own;
            assert!(!attribute, "{needle} in <{tag}>");
        }
    }
    // The data can be read back, whole.
    let data = page
        .split("id=\"data\">")
        .nth(1)
        .unwrap()
        .split("</script>")
        .next()
        .unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["rows"].as_array().unwrap().len(), 3);
    let strings = data["strings"].as_array().unwrap();
    assert!(
        strings.iter().any(|s| s == made::HOSTILE[0]),
        "text stays as it was"
    );
}

#[test]
fn the_policy_fits_style_and_script() {
    use sha2::Digest as _;
    let (_parent, out) = written(&made::hostile());
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    let policy = page
        .split("Content-Security-Policy\" content=\"")
        .nth(1)
        .unwrap();
    let policy = policy
        .split('"')
        .next()
        .unwrap()
        .replace("&#x27;", "'")
        .replace("&#x2f;", "/")
        .replace("&#x3d;", "=");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    let between = |from: &str, to: &str| {
        let start = page.rfind(from).unwrap() + from.len();
        page[start..].split(to).next().unwrap().to_owned()
    };
    for (kind, text) in [
        ("style-src", between("<style>", "</style>")),
        ("script-src", between("<script>", "</script>")),
    ] {
        let hash = sha2::Sha256::digest(&text);
        let mut base64 = String::new();
        for chunk in hash.chunks(3) {
            let bits = chunk
                .iter()
                .chain([&0, &0])
                .take(3)
                .fold(0_usize, |n, b| n << 8 | usize::from(*b));
            for digit in 0..=chunk.len() {
                let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
                base64.push(char::from(letters[bits >> (18 - 6 * digit) & 63]));
            }
        }
        assert!(
            policy.contains(&format!("{kind} 'sha256-{base64}=")),
            "{kind}: {base64} in {policy}"
        );
    }
}

#[test]
fn the_same_analysis_gives_the_same_bytes() {
    let (_one, first) = written(&made::day(500));
    let (_two, second) = written(&made::day(500));
    for name in FILES {
        let a = std::fs::read(first.join(name)).unwrap();
        let b = std::fs::read(second.join(name)).unwrap();
        assert!(a == b, "{name} differs");
    }
}

#[test]
fn the_manifest_vouches_for_the_files() {
    let (_parent, out) = written(&made::hostile());
    let text = std::fs::read_to_string(out.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(manifest["schema_version"], 1);
    let outputs = manifest["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), FILES.len() - 1);
    for output in outputs {
        let bytes = std::fs::read(out.join(output["path"].as_str().unwrap())).unwrap();
        assert_eq!(output["bytes"], bytes.len());
        assert_eq!(output["blake3"], blake3::hash(&bytes).to_hex().as_str());
    }
    assert_eq!(manifest["inputs"].as_array().unwrap().len(), 4);
}

#[test]
fn all_or_nothing() {
    let analysis = made::hostile();
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("deep/out");
    let write = |force| report::write(&analysis, &Catalogue::default(), &made::plan(), &out, force);
    write(false).unwrap();
    // It stands: not again without force, again with it.
    assert!(matches!(write(false), Err(report::Error::Exists(_))));
    std::fs::write(out.join("stale"), "left from before").unwrap();
    write(true).unwrap();
    assert!(
        !out.join("stale").exists(),
        "the old folder is gone as a whole"
    );
    // A folder that is none of ours is left alone.
    let foreign = parent.path().join("home");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("thesis.txt"), "mine").unwrap();
    let refused = report::write(
        &analysis,
        &Catalogue::default(),
        &made::plan(),
        &foreign,
        true,
    );
    assert!(matches!(refused, Err(report::Error::Foreign(_))));
    assert!(foreign.join("thesis.txt").exists());
    // An empty one is welcome.
    let empty = parent.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    report::write(
        &analysis,
        &Catalogue::default(),
        &made::plan(),
        &empty,
        false,
    )
    .unwrap();
    // Nothing half-made is left beside.
    for folder in [parent.path(), &parent.path().join("deep")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.starts_with('.'), "{name} was left");
        }
    }
}

/// The columns of one table as `docs/tables.md` has them.
fn documented(table: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tables.md");
    let text = std::fs::read_to_string(path).unwrap();
    let start = text.find(&format!("\n## {table}.parquet\n")).unwrap() + 1;
    let section = text[start..].split("\n## ").next().unwrap();
    let cells = section.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?.to_owned();
        let kind = cells.next()?.trim_end_matches(" |").to_owned();
        let meaning = cells
            .last()
            .is_some_and(|m| m.trim_end_matches(" |").len() > 2);
        assert!(meaning, "{table}.{name} has no meaning");
        Some((name, kind))
    });
    cells.collect()
}

/// The documentation names every column of every file, in order, with its type; and no other.
#[test]
fn the_documentation_fits_the_files() {
    let (_parent, out) = written(&made::hostile());
    for (table, contract) in CONTRACT {
        let frame = read(&out, table);
        let found: Vec<(String, String)> = frame
            .columns()
            .iter()
            .map(|column| {
                let kind = type_name(column.dtype()).replace(TIME, "time");
                (column.name().to_string(), kind)
            })
            .collect();
        let documented = documented(table);
        assert_eq!(found, documented, "{table}");
        for (name, kind) in *contract {
            let kind = kind.replace(TIME, "time");
            assert!(
                documented.contains(&((*name).to_owned(), kind)),
                "{table}.{name}"
            );
        }
    }
}

/// The list of facts in the documentation is the program's; `TAPSCOPE_WRITE_DOCS=1` writes it.
#[test]
fn the_documentation_lists_the_facts() {
    let mut list = String::from(
        "| fact | type | unit | meaning | NULL where |\n| --- | --- | --- | --- | --- |\n",
    );
    for fact in FACTS {
        let kind = match fact.ty {
            FactType::Bool => "bool",
            FactType::Int => "i64",
            FactType::Float => "f64",
            FactType::Text => "str",
        };
        let meaning = fact.meaning.replace('|', "\\|");
        list += &format!(
            "| `{}` | {kind} | {} | {meaning} | {} |\n",
            fact.name, fact.unit, fact.null_when
        );
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tables.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, present) = text.split_once("<!-- facts -->\n").unwrap();
    if std::env::var_os("TAPSCOPE_WRITE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}<!-- facts -->\n{list}")).unwrap();
        return;
    }
    assert!(
        present == list,
        "docs/tables.md is not up to date: TAPSCOPE_WRITE_DOCS=1 cargo test --release --test contract"
    );
}

/// Writes a day to look at: `TAPSCOPE_DEMO=DIR cargo test --release --test contract -- --ignored demo`.
#[test]
#[ignore = "for looking at, and for measuring"]
fn demo() {
    let out = std::env::var_os("TAPSCOPE_DEMO").expect("TAPSCOPE_DEMO names a folder");
    let size = std::env::var("TAPSCOPE_DEMO_SIZE")
        .ok()
        .and_then(|n| n.parse().ok());
    let analysis = made::day(size.unwrap_or(3000));
    let start = std::time::Instant::now();
    report::write(
        &analysis,
        &Catalogue::default(),
        &made::plan(),
        Path::new(&out),
        true,
    )
    .unwrap();
    eprintln!("written in {:?}", start.elapsed());
}
