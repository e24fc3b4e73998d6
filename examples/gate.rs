fn main() {
    let readers = tapscope_parsers::content::Readers::new().unwrap();
    let anchors = if std::env::var_os("GENERAL").is_some() { tapscope_parsers::content::general_anchors(&readers) } else { tapscope_parsers::content::anchors(&readers) };
    eprintln!("{} anchors", anchors.len());
    let ac = aho_corasick::AhoCorasick::builder().ascii_case_insensitive(true).match_kind(aho_corasick::MatchKind::LeftmostFirst).build(&anchors).unwrap();
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    let (mut hits, mut lines) = (0, 0);
    for path in std::env::args().skip(1) {
        for line in std::fs::read(path).unwrap().split(|b| *b == b'\n') {
            lines += 1;
            if let Some(m) = ac.find(line) { hits += 1; *counts.entry(anchors[m.pattern().as_usize()].clone()).or_default() += 1; }
        }
    }
    let mut all: Vec<_> = counts.into_iter().collect();
    all.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    println!("{hits} of {lines} lines");
    for (a, n) in all.iter().take(60) { println!("{n} {a:?}"); }
}
