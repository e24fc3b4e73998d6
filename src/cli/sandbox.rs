//! Confines the program to what it was asked to do (Linux: Landlock), and keeps card data out of core files.

use std::path::{Path, PathBuf};

use super::args::Arguments;
use super::output::Output;
use crate::plan::Plan;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Confined {
    /// Files and network.
    Fully,
    /// What this system can do.
    Partly(String),
    /// Not at all, and why.
    Not(String),
}

impl Confined {
    /// Says so, where the user wants to know.
    pub(crate) fn tell(&self, all: &Arguments, output: &Output) {
        if all.verbose == 0 || all.quiet {
            return;
        }
        output.note(&match self {
            Self::Fully => "sandbox: reads its inputs, writes its output, no network".to_owned(),
            Self::Partly(what) => format!("sandbox: in part only: {what}"),
            Self::Not(why) => format!("sandbox: none: {why}"),
        });
    }
}

/// No core file, and no other program of this user may look into this one: memory holds what outputs must not.
pub(crate) fn keep_no_core() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = setrlimit(Resource::Core, none);
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// The places to be read: what was named, and where links lead that stand in named folders.
pub(crate) fn resolved(named: Vec<PathBuf>, plan: &Plan) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = named
        .iter()
        .filter(|path| path.as_os_str() != "-")
        .filter_map(|path| base(path).canonicalize().ok())
        .collect();
    // A link may lead out of its folder: what it leads to was meant as well.
    for input in crate::source::find(plan).inputs {
        if let Ok(real) = input.path.canonicalize()
            && !input.stdin
            && !roots.iter().any(|root| real.starts_with(root))
        {
            roots.push(real);
        }
    }
    roots.sort();
    roots.dedup();
    roots
}

/// The path, or for a glob the folder that it starts from.
fn base(path: &Path) -> PathBuf {
    if path.exists() {
        return path.to_owned();
    }
    let mut base = PathBuf::new();
    for part in path.components() {
        let text = part.as_os_str().to_string_lossy();
        if text.contains(['*', '?', '[', '{']) {
            break;
        }
        base.push(part);
    }
    if base.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        base
    }
}

/// The folder, or the nearest one above it that is there.
pub(crate) fn standing(folder: &Path) -> PathBuf {
    let mut folder = folder;
    while !folder.is_dir()
        && let Some(above) = folder.parent()
    {
        folder = above;
    }
    if folder.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        folder.to_owned()
    }
}

/// Confines this thread and all that it starts: reading to the given places, writing to where the output will stand.
#[cfg(target_os = "linux")]
pub(crate) fn confine(read: &[PathBuf], out: Option<&Path>) -> Confined {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
        RulesetStatus, Scope, path_beneath_rules,
    };
    let abi = ABI::V6;
    let reading = AccessFs::ReadFile | AccessFs::ReadDir;
    // Of itself: memory in use, and how many processors there are.
    let own = ["/proc/self", "/sys/fs/cgroup", "/proc/self/cgroup"];
    let parent = out.map(|out| standing(crate::report::parent_of(out)));
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(abi)))
        .and_then(|rules| rules.scope(Scope::from_all(abi)))
        .and_then(landlock::Ruleset::create)
        .and_then(|rules| rules.add_rules(path_beneath_rules(read, reading)))
        .and_then(|rules| rules.add_rules(path_beneath_rules(own, reading)))
        .and_then(|rules| {
            let writing = AccessFs::from_all(abi) & !AccessFs::Execute;
            rules.add_rules(path_beneath_rules(parent, writing))
        })
        .and_then(landlock::RulesetCreated::restrict_self);
    match status {
        Ok(status) => match status.ruleset {
            RulesetStatus::FullyEnforced => Confined::Fully,
            RulesetStatus::PartiallyEnforced => Confined::Partly(format!(
                "this kernel knows less of Landlock than this program ({:?})",
                status.landlock
            )),
            RulesetStatus::NotEnforced => Confined::Not("this kernel has no Landlock".to_owned()),
        },
        Err(error) => Confined::Not(error.to_string()),
    }
}

/// Other systems have no such thing.
#[cfg(not(target_os = "linux"))]
pub(crate) fn confine(_read: &[PathBuf], _out: Option<&Path>) -> Confined {
    Confined::Not("only on Linux".to_owned())
}

#[cfg(test)]
mod tests {
    use super::base;
    use std::path::{Path, PathBuf};

    #[test]
    fn a_glob_is_read_from_its_folder() {
        assert_eq!(base(Path::new("*.log")), PathBuf::from("."));
        assert_eq!(
            base(Path::new("/srv/logs/2026-*/x")),
            PathBuf::from("/srv/logs")
        );
        assert_eq!(base(Path::new("src/cli")), PathBuf::from("src/cli"));
    }
}
