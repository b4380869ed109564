//! Paths and links in the documents point to files.

use std::{collections::HashSet, fs, path::Path};

use super::{read, root};

/// Returns the documents of the repository, relative to its root.
fn documents() -> Vec<String> {
    fn visit(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                visit(&path, found);
            } else if name.ends_with(".md") {
                found.push(path.strip_prefix(root()).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let mut found = Vec::new();
    visit(&root(), &mut found);
    found.sort();
    found
}

/// Returns the text without blocks of code.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// Returns the targets of `[text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// Returns inline code that is a path: `crates/core/src/budget.rs`, `crates/core`. With `beside`, the name of a
/// file without a folder, such as `budget.rs`, is that of a file beside the last path.
fn paths(text: &str, beside: bool) -> Vec<String> {
    const FOLDERS: [&str; 6] = ["crates/", "examples/", "tests/", "benches/", "docs/", "xtask/"];
    let (mut found, mut folder) = (Vec::new(), "");
    for code in text.split('`').skip(1).step_by(2) {
        if FOLDERS.iter().any(|folder| code.starts_with(folder)) {
            found.push(code.to_owned());
            folder = code.rsplit_once('/').map_or("", |(folder, _)| folder);
        } else if beside && code.ends_with(".rs") && !code.contains([' ', '/']) && code != "lib.rs" {
            found.push(format!("{folder}/{code}"));
        }
    }
    found
}

/// Returns the anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_of_all_documents_have_a_target() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = prose(&read(&document));
        for link in links(&text).filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let folder = root().join(&document);
            let target = if path.is_empty() { folder.clone() } else { folder.parent().unwrap().join(path) };
            if !target.exists() {
                broken.push(format!("{document}: {link}"));
            } else if !fragment.is_empty() && target.extension().is_some_and(|extension| extension == "md") {
                let target = prose(&fs::read_to_string(target).unwrap());
                let anchors: HashSet<_> = target.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
                if !anchors.contains(fragment) {
                    broken.push(format!("{document}: {link} (no such heading)"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn paths_in_architecture_and_contributing_exist() {
    for (document, least) in [("ARCHITECTURE.md", 60), ("CONTRIBUTING.md", 5)] {
        let paths = paths(&prose(&read(document)), document == "ARCHITECTURE.md");
        let missing: Vec<_> = paths.iter().filter(|path| !root().join(path).exists()).collect();
        assert!(paths.len() >= least, "{document} names its files in inline code");
        assert!(missing.is_empty(), "renamed or removed: update {document}: {missing:#?}");
    }
}

#[test]
fn every_guide_is_compiled_and_linked() {
    let (umbrella, readme, guide) =
        (read("crates/mainstay/src/lib.rs"), read("README.md"), read("crates/mainstay/GUIDE.md"));
    for document in documents().iter().filter(|path| path.starts_with("docs/") && path.matches('/').count() == 1) {
        assert!(umbrella.contains(document.as_str()), "crates/mainstay/src/lib.rs does not compile {document}");
        let linked = readme.contains(&format!("]({document}")) || guide.contains(&format!("](../../{document}"));
        assert!(linked, "neither README.md nor GUIDE.md links {document}");
    }
}
