//! Decompression and archives under small limits: every layer ends, and what comes out stays within bounds.

use tapscope::decode::each_stream_of;
use tapscope::event::Text;
use tapscope::source::Input;

/// Takes the bytes apart.
pub fn run(data: &[u8]) {
    let plan = crate::plan::plan();
    let input = Input {
        path: std::path::PathBuf::new(),
        shown: Text::new("memory"),
        size: data.len() as u64,
        stdin: true,
    };
    let mut visited = 0;
    let mut reader = data;
    let report = each_stream_of(&input, &plan, &mut reader, &mut |info, reader| {
        visited += 1;
        let n = std::io::copy(reader, &mut std::io::sink()).unwrap();
        assert!(n <= plan.limits.member_bytes + (1 << 20) || !info.member);
    });
    assert_eq!(visited, report.streams.iter().filter(|s| s.visited).count());
    assert!(report.streams.len() as u64 <= plan.limits.archive_members * 4 + 4);
    assert_eq!(report.hashes.bytes, data.len() as u64);
    let total: u64 = report.streams.iter().map(|s| s.bytes).sum();
    assert!(total <= plan.limits.archive_bytes * 3 + data.len() as u64);
}
