//! Texts of the formats that a line alone does not make.

use super::*;

fn format_of(text: &str) -> &'static str {
    detect(&[text.as_bytes()])[0].format.name
}

const JOURNAL: &str = "__CURSOR=s=739a;i=4ece7;b=6c7c;m=4fc72436e;t=4c508a7243799;x=8859
__REALTIME_TIMESTAMP=1342540861421465
__MONOTONIC_TIMESTAMP=21415215982
_HOSTNAME=pos-17
PRIORITY=3
SYSLOG_IDENTIFIER=paysvc
_PID=88
TID=91
MESSAGE=card removed
_SOURCE_REALTIME_TIMESTAMP=1342540861413961

__CURSOR=s=739a;i=4ece8;b=6c7c;m=4fc724370;t=4c508a7243800;x=8860
_PID=89
MESSAGE=next
";

#[test]
fn journal_entries_are_whole_records() {
    assert_eq!(format_of(JOURNAL), "journal-export");
    let format = by_name("journal-export").unwrap();
    let all: Vec<Record<'_>> = records(format, JOURNAL.as_bytes(), TextLimits::default()).collect();
    assert_eq!(all.len(), 2);
    assert_eq!(
        all[0].head.time.unwrap().epoch_nanos,
        Some(1_342_540_861_421_465_000)
    );
    let bytes = &JOURNAL.as_bytes()[all[0].offset..all[0].offset + all[0].len];
    let within = format.within.unwrap();
    let (head, message) = within(bytes, b"MESSAGE=card removed", all[0].head);
    assert_eq!(message, b"card removed");
    assert_eq!(
        (head.host, head.process, head.thread, head.tag, head.level),
        (
            &b"pos-17"[..],
            &b"88"[..],
            &b"91"[..],
            &b"paysvc"[..],
            Level::Error
        )
    );
    assert_eq!(
        head.time.unwrap().epoch_nanos,
        Some(1_342_540_861_413_961_000)
    );
    let (_, binary) = within(bytes, b"\x0c\0\0\0\0\0\0\0card removed", all[0].head);
    assert_eq!(binary, b"card removed");
}

#[test]
fn a_bug_report_is_told_by_its_banner() {
    let text = "========================================================
== dumpstate: 2024-03-14 13:16:47
========================================================

Build: POS-17
------ SYSTEM LOG (logcat -v threadtime -v printable -v uid -d *:v) ------
--------- beginning of main
03-14 13:16:47.974  1000   889  6213 D NxpNciR : len =   6 > 600603010001
------ 0.412s was the duration of 'SYSTEM LOG' ------
  mWakefulness=Awake
";
    assert_eq!(format_of(text), "bugreport");
    assert_eq!(format_of(&text.replace("dumpstate", "something")), "logcat");
}

#[test]
fn two_line_records_of_java() {
    let text = "Mar 14, 2024 1:16:47 PM com.acme.pay.Terminal authorise
SEVERE: card removed
java.io.IOException: x
\tat com.acme.pay.Terminal.authorise(Terminal.java:7)
Mar 14, 2024 1:16:48 PM com.acme.pay.Terminal authorise
INFO: ok
";
    assert_eq!(format_of(text), "jul");
    let format = by_name("jul").unwrap();
    let all: Vec<Record<'_>> = records(format, text.as_bytes(), TextLimits::default()).collect();
    assert_eq!(all.iter().map(|r| r.lines).collect::<Vec<_>>(), [4, 2]);
    assert_eq!(
        (all[0].head.time.unwrap().hour, all[0].head.tag),
        (13, &b"com.acme.pay.Terminal"[..])
    );
    let (head, message) = format.within.unwrap()(b"", b"SEVERE: card removed", all[0].head);
    assert_eq!((head.level, message), (Level::Error, &b"card removed"[..]));
}

#[test]
fn tables_need_a_header() {
    let table = "Time,Level,Trace No,Amount,Message\n2024-03-14 13:16:47.974,ERROR,000123,10.00,\"declined, code \"\"51\"\"\"\n2024-03-14 13:16:49.000,INFO,000124,12.00,approved\n";
    assert_eq!(format_of(table), "csv");
    let columns = Columns::of(table.as_bytes()).unwrap();
    let row = table.lines().nth(1).unwrap().as_bytes();
    let head = columns.head(row).unwrap();
    assert_eq!((head.time.unwrap().minute, head.level), (16, Level::Error));
    assert_eq!(
        String::from_utf8(columns.text(row)).unwrap(),
        "Trace No=000123 Amount=10.00 declined, code \"51\" "
    );
    let german = "Datum;Uhrzeit;Trace;Betrag\n14.03.2024;13:16:47;000123;10,00\n14.03.2024;13:16:48;000124;1,50\n";
    assert_eq!(format_of(german), "csv");
    let columns = Columns::of(german.as_bytes()).unwrap();
    let row = german.lines().nth(1).unwrap().as_bytes();
    let time = columns.head(row).unwrap().time.unwrap();
    assert_eq!(
        (time.year, time.month_day, time.hour),
        (Some(2024), Some((3, 14)), 13)
    );
    assert_eq!(columns.text(row), b"Trace=000123 Betrag=10.00 ");
    let chinese = "时间\t流水号\t金额\t应答码\n2024-03-14 13:16:47\t000123\t10.00\t51\n";
    assert_eq!(format_of(chinese), "csv");
    for text in [
        "2024-03-14 13:16:47.974,ERROR,a\n2024-03-14 13:16:48.974,ERROR,b\n",
        "20171223-22:15:29:606|Step_LSC|30002312|text\n20171223-22:15:29:607|Step_LSC|30002312|text\n",
        "hello, world, again\nand another sentence\nand one more, with a comma\n",
        "a,b,c\n1,2,3\n",
        "",
    ] {
        assert!(Columns::of(text.as_bytes()).is_none(), "{text}");
    }
}
