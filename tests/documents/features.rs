//! The features of the umbrella: the comments of its manifest are the table of the README, and its front page names them.

use super::{generated::check_block, read};

const MANIFEST: &str = "crates/mainstay/Cargo.toml";

struct Feature {
    name: String,
    about: String,
}

/// Returns the features of the manifest with their comments (`## ..`), in their order. Without `default`.
fn features() -> Vec<Feature> {
    let manifest = read(MANIFEST);
    let section = manifest.split_once("[features]\n").unwrap().1;
    let section = section.split_once("\n[").unwrap().0;
    let (mut features, mut about) = (Vec::new(), Vec::new());
    for line in section.lines() {
        if let Some(comment) = line.strip_prefix("## ") {
            about.push(comment);
        } else if let Some((name, _)) = line.split_once(" = [").filter(|(name, _)| !name.starts_with(' ')) {
            features.push(Feature { name: name.to_owned(), about: about.join(" ") });
            about.clear();
        }
    }
    features.retain(|feature| feature.name != "default");
    features
}

/// Returns the features that are on by default.
fn default_features() -> Vec<String> {
    let manifest = read(MANIFEST);
    let list = manifest.split_once("\ndefault = [").unwrap().1.split_once(']').unwrap().0;
    list.split(',').map(|name| name.trim().trim_matches('"').to_owned()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn feature_table_of_the_readme_is_that_of_the_manifest() {
    let on = default_features();
    let mut table = String::from("| feature | adds | default |\n|---|---|---|\n");
    for Feature { name, about } in features() {
        assert!(!about.is_empty(), "{MANIFEST}: {name} has no comment `## ..`");
        let default = if on.contains(&name) { "yes " } else { "" };
        table += format!("| `{name}` | {} | {default}|\n", about.trim_end_matches('.')).as_str();
    }
    check_block("README.md", "features", &table);
}

#[test]
fn front_page_of_the_umbrella_names_every_feature() {
    let page = read("crates/mainstay/src/lib.rs");
    let page: Vec<_> = page.lines().take_while(|line| line.starts_with("//!")).collect();
    let page = page.join("\n");
    let unnamed: Vec<_> = features()
        .into_iter()
        .map(|feature| feature.name)
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert!(unnamed.is_empty(), "crates/mainstay/src/lib.rs does not name {unnamed:?}");
}
