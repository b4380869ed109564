//! The changelog has the form of Keep a Changelog, and each entry starts with the bold names of crates.

use super::{read, root};

const KINDS: [&str; 6] = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];

/// Returns whether an entry may begin with this name: that of a crate, an example, or a folder of tools.
fn is_known(name: &str) -> bool {
    let folders = [format!("crates/{name}"), format!("examples/{name}"), name.to_owned()];
    folders.iter().any(|folder| root().join(folder).join("Cargo.toml").exists())
}

/// Returns the bold names at the start of an entry.
fn names(entry: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = entry;
    while let Some((name, after)) = rest.strip_prefix("**").and_then(|rest| rest.split_once("**")) {
        names.push(name);
        rest = after.strip_prefix(", ").unwrap_or(after);
    }
    names
}

#[test]
fn changelog_has_releases_kinds_and_named_entries() {
    let (mut releases, mut kinds, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for (i, line) in read("CHANGELOG.md").lines().enumerate() {
        let fault = if let Some(release) = line.strip_prefix("## ") {
            releases.push(release.to_owned());
            kinds.clear();
            false
        } else if let Some(kind) = line.strip_prefix("### ") {
            let repeated = kinds.iter().any(|known| known == kind);
            kinds.push(kind.to_owned());
            repeated || !KINDS.contains(&kind)
        } else if let Some(entry) = line.strip_prefix("- ") {
            let names = names(entry);
            names.is_empty() || !names.iter().all(|name| is_known(name))
        } else {
            false
        };
        if fault {
            wrong.push(format!("{}: {line}", i + 1));
        }
    }
    assert!(wrong.is_empty(), "unknown or repeated headings, or entries without the bold name of a crate: {wrong:#?}");
    assert_eq!(releases[0], "[Unreleased]");
    let version = read("Cargo.toml");
    let version = version.split_once("\nversion = \"").unwrap().1.split_once('"').unwrap().0;
    let date = releases[1].strip_prefix(&format!("[{version}] - ")).unwrap_or_else(|| panic!("{}", releases[1]));
    assert!(date.split('-').map(str::len).eq([4, 2, 2]), "the newest release is that of Cargo.toml, with its date");
}
