//! The crates in the documents are those of the workspace, and the graph of ARCHITECTURE.md is that of the manifests.

use std::{collections::BTreeSet, fs};

use super::{read, root};

/// Returns the folders in `crates`.
fn crates() -> BTreeSet<String> {
    let folders = fs::read_dir(root().join("crates")).unwrap();
    folders.map(|folder| folder.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Returns the crates of the workspace on which a crate depends, optional ones included.
fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest: toml::Table = toml::from_str(&read(&format!("crates/{name}/Cargo.toml"))).unwrap();
    let dependencies = manifest["dependencies"].as_table().unwrap().keys();
    dependencies.filter_map(|name| name.strip_prefix("mainstay-")).map(str::to_owned).collect()
}

#[test]
fn graph_of_the_crates_is_that_of_the_manifests() {
    let document = read("ARCHITECTURE.md");
    let graph = document.split_once("```mermaid\n").unwrap().1.split_once("```").unwrap().0;
    let drawn: BTreeSet<_> = graph.lines().filter_map(|line| line.trim().split_once(" --> ")).collect();
    let crates: Vec<_> = crates().into_iter().filter(|name| name != "mainstay").collect();
    let edges: Vec<_> = crates.iter().map(|name| (name, dependencies(name))).collect();
    let actual: BTreeSet<_> =
        edges.iter().flat_map(|(name, to)| to.iter().map(|to| (name.as_str(), to.as_str()))).collect();
    let absent: Vec<_> = crates.iter().filter(|name| !graph.contains(name.as_str())).collect();
    assert!(absent.is_empty(), "ARCHITECTURE.md: the graph has no {absent:?}");
    let missing: Vec<_> = actual.difference(&drawn).map(|(from, to)| format!("    {from} --> {to}")).collect();
    let extra: Vec<_> = drawn.difference(&actual).collect();
    assert!(missing.is_empty() && extra.is_empty(), "ARCHITECTURE.md: add {missing:#?}, remove {extra:#?}");
}

#[test]
fn every_crate_is_in_the_tables() {
    let (readme, architecture) = (read("README.md"), read("ARCHITECTURE.md"));
    for name in crates() {
        assert!(readme.contains(&format!("](crates/{name})")), "README.md has no row for crates/{name}");
        assert!(architecture.contains(&format!("`crates/{name}`")), "ARCHITECTURE.md has no row for crates/{name}");
    }
}
