//! The first program of the README: its manifest, its code and its output.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{read, root};

/// Returns the first block of the README in this language.
fn block(language: &str) -> String {
    let readme = read("README.md");
    let after = readme.split_once(&format!("```{language}\n")).unwrap_or_else(|| panic!("no block of {language}")).1;
    after.split_once("```").unwrap().0.to_owned()
}

/// Writes the package of the README, whose path dependencies point to this checkout, with this program.
fn package(folder: &Path, program: &str) {
    let manifest = block("toml");
    assert_eq!(manifest.matches("\"../mainstay/").count(), 1, "the manifest has one path");
    let checkout = format!("\"{}/", root().display());
    // A package below the target folder belongs to no workspace.
    let manifest = manifest.replace("\"../mainstay/", &checkout) + "\n[workspace]\n";
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/main.rs"), program).unwrap();
    // The same versions as in the workspace, which are downloaded.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

#[test]
fn minimum_rust_version_of_the_readme_is_that_of_the_manifest() {
    let manifest = read("Cargo.toml");
    let version = manifest.split_once("rust-version = \"").unwrap().1.split_once('"').unwrap().0;
    assert!(read("README.md").contains(&format!("Rust {version} or later")), "README.md: Rust {version} or later");
}

/// Compiles and runs a program that prints what the README says.
fn prints_what_the_readme_says(name: &str, program: &str) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    package(&folder, program);
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline"])
        .current_dir(&folder)
        // Dependencies that are built with the same features are shared with the workspace.
        .env("CARGO_TARGET_DIR", folder.ancestors().nth(2).unwrap())
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}");
    assert_eq!(out, block("text"), "{err}");
}

#[test]
fn first_program_of_the_readme_compiles_and_runs() {
    prints_what_the_readme_says("first-use", &block("rust"));
}

/// Fault: the request was a reference, which a task that is spawned does not take.
#[test]
fn first_program_of_the_readme_compiles_with_its_calls_in_tasks() {
    let (call, program) = ("prices.clone().oneshot(item.to_owned()).await?", block("rust"));
    assert_eq!(program.matches(call).count(), 1, "the call has another form");
    let task =
        "{ let prices = prices.clone(); tokio::spawn(async move { prices.oneshot(item.to_owned()).await }).await?? }";
    prints_what_the_readme_says("first-use-in-tasks", &program.replace(call, task));
}
