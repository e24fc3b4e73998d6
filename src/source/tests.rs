use super::*;
use std::fs;

fn plan(inputs: &[&Path]) -> Plan {
    Plan {
        inputs: inputs.iter().map(|p| p.to_path_buf()).collect(),
        ..Plan::default()
    }
}

fn names(found: &Found, root: &Path) -> Vec<String> {
    found
        .inputs
        .iter()
        .map(|i| {
            i.path
                .strip_prefix(root)
                .unwrap_or(&i.path)
                .display()
                .to_string()
        })
        .collect()
}

#[test]
fn folders_files_and_globs_give_each_file_once_in_one_order() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs::create_dir_all(root.join("b/deep")).unwrap();
    for name in ["z.log", "a.log", "b/c.log", "b/deep/d.txt"] {
        fs::write(root.join(name), name).unwrap();
    }
    let all = ["a.log", "b/c.log", "b/deep/d.txt", "z.log"];
    let star = root.join("b").join("**").join("*.txt");
    let orders: [Vec<&Path>; 3] = [
        vec![root],
        vec![&root.join("z.log"), root, &star]
            .into_iter()
            .map(|p: &Path| p)
            .collect::<Vec<_>>(),
        vec![root, root],
    ]
    .map(|v| {
        v.iter()
            .map(|p| Box::leak(p.to_path_buf().into_boxed_path()) as &Path)
            .collect()
    });
    for order in &orders {
        let found = find(&plan(order));
        assert_eq!(names(&found, root), all);
        assert_eq!(found.refused, []);
        let mut reversed = order.clone();
        reversed.reverse();
        assert_eq!(find(&plan(&reversed)).inputs, found.inputs);
    }
    let only = find(&plan(&[&star]));
    assert_eq!(names(&only, root), ["b/deep/d.txt"]);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_twice_and_pipes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs::create_dir(root.join("a")).unwrap();
    fs::write(root.join("a/x.log"), "x").unwrap();
    fs::hard_link(root.join("a/x.log"), root.join("a/y.log")).unwrap();
    std::os::unix::fs::symlink("..", root.join("a/up")).unwrap();
    std::os::unix::fs::symlink("nowhere", root.join("dangling")).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(root.join("sock")).unwrap();
    let found = find(&plan(&[root]));
    drop(socket);
    assert_eq!(names(&found, root), ["a/x.log"]);
    let codes: Vec<_> = found.refused.iter().map(|r| r.code).collect();
    assert_eq!(codes, ["not_found", "not_a_file"]);
    let null = find(&plan(&[Path::new("/dev/null")]));
    assert_eq!(null.refused[0].code, "not_a_file");
}

#[test]
fn what_is_not_there_is_named() {
    let found = find(&plan(&[
        Path::new("/no/such/file"),
        Path::new("/no/such/*.log"),
        Path::new("-"),
    ]));
    assert_eq!(found.inputs.len(), 1);
    assert!(found.inputs[0].stdin);
    let codes: Vec<_> = found.refused.iter().map(|r| r.code).collect();
    assert_eq!(codes, ["not_found", "not_found"]);
}

#[test]
fn names_are_shown_without_control_characters() {
    for (bytes, want) in [
        (&b"a/b.log"[..], "a/b.log"),
        (b"a\x1b[31m\n.log", "a\\x1b[31m\\x0a.log"),
        ("日志\u{202E}gol".as_bytes(), "日志\\u{202e}gol"),
        (b"\xFFx", "\\xffx"),
    ] {
        assert_eq!(shown_bytes(bytes), want);
    }
}
