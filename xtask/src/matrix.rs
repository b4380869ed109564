//! The builds that show that each crate compiles alone, from `cargo metadata`, so that no list has to be kept.

use serde_json::Value;

/// One library, with no feature or exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Build {
    package: String,
    feature: Option<String>,
}

/// Returns every build of the matrix from the output of `cargo metadata --no-deps`.
pub(crate) fn builds(metadata: &[u8]) -> Result<Vec<Build>, String> {
    let metadata: Value = serde_json::from_slice(metadata).map_err(|e| format!("cargo metadata: {e}"))?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata: no packages")?;
    let mut builds = Vec::new();
    for package in packages.iter().filter(|package| is_library(package)) {
        let name = package["name"].as_str().ok_or("cargo metadata: a package has no name")?;
        let with = |feature| Build { package: name.to_owned(), feature };
        builds.push(with(None));
        let features = package["features"].as_object().into_iter().flatten();
        let worth_it = features.filter(|(feature, enables)| !adds_nothing(feature, enables));
        builds.extend(worth_it.map(|(feature, _)| with(Some(feature.clone()))));
    }
    Ok(builds)
}

// === impl Build ===

impl Build {
    /// The arguments of `cargo`. Clippy instead of check: it shares the dependencies' artefacts with the workspace's
    /// clippy run, and can deny warnings for the crate alone.
    pub(crate) fn args(&self) -> Vec<&str> {
        let mut args =
            vec!["clippy", "--quiet", "--locked", "--package", &self.package, "--lib", "--no-default-features"];
        if let Some(feature) = &self.feature {
            args.extend(["--features", feature]);
        }
        args.extend(["--", "-D", "warnings"]);
        args
    }
}

fn is_library(package: &Value) -> bool {
    let targets = package["targets"].as_array().into_iter().flatten();
    let mut kinds = targets.filter_map(|target| target["kind"].as_array()).flatten();
    kinds.any(|kind| matches!(kind.as_str(), Some("lib" | "rlib" | "dylib" | "cdylib" | "staticlib" | "proc-macro")))
}

/// `default = []` is the build without features again. Any other empty feature may still gate code.
fn adds_nothing(feature: &str, enables: &Value) -> bool {
    feature == "default" && enables.as_array().is_some_and(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use super::builds;

    const SAMPLE: &str = r#"{ "packages": [
        { "name": "mainstay-core", "targets": [{ "kind": ["lib"] }, { "kind": ["test"] }],
          "features": { "default": [], "serde": ["dep:serde"], "test-util": [] } },
        { "name": "gateway", "targets": [{ "kind": ["bin"] }], "features": { "tls": [] } },
        { "name": "mainstay", "targets": [{ "kind": ["lib"] }], "features": { "default": ["retry"], "retry": [] } }
    ] }"#;

    #[test]
    fn each_library_is_built_alone_and_with_each_feature() {
        let found = builds(SAMPLE.as_bytes()).unwrap();
        let shown: Vec<String> = found.iter().map(|build| build.args()[4..].join(" ")).collect();
        let expected = [
            "mainstay-core --lib --no-default-features -- -D warnings",
            "mainstay-core --lib --no-default-features --features serde -- -D warnings",
            "mainstay-core --lib --no-default-features --features test-util -- -D warnings",
            "mainstay --lib --no-default-features -- -D warnings",
            "mainstay --lib --no-default-features --features default -- -D warnings",
            "mainstay --lib --no-default-features --features retry -- -D warnings",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn unreadable_metadata_is_an_error() {
        assert!(builds(b"").unwrap_err().starts_with("cargo metadata: "));
        assert_eq!(builds(b"{}").unwrap_err(), "cargo metadata: no packages");
    }
}
