//! The packages that can be published, from `cargo metadata`, so that no list has to be kept.

use serde_json::Value;

/// What crates.io requires or shows of a package.
const FIELDS: [&str; 6] = ["description", "license", "repository", "readme", "keywords", "categories"];

/// A package without `publish = false`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) name: String,
    /// The fields of its manifest that are absent or empty.
    pub(crate) missing: Vec<&'static str>,
}

/// Returns the packages that can be published from the output of `cargo metadata --no-deps`.
pub(crate) fn published(metadata: &[u8]) -> Result<Vec<Published>, String> {
    let metadata: Value = serde_json::from_slice(metadata).map_err(|e| format!("cargo metadata: {e}"))?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata: no packages")?;
    // `publish = false` is an empty list of registries; without the key it is null.
    let packages = packages.iter().filter(|package| package["publish"].is_null());
    packages
        .map(|package| {
            let name = package["name"].as_str().ok_or("cargo metadata: a package has no name")?.to_owned();
            let mut missing: Vec<_> = FIELDS.into_iter().filter(|field| is_empty(&package[field])).collect();
            if package["metadata"]["docs"]["rs"]["all-features"] != true {
                missing.push("package.metadata.docs.rs.all-features");
            }
            Ok(Published { name, missing })
        })
        .collect()
}

fn is_empty(field: &Value) -> bool {
    match field {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Published, published};

    #[test]
    fn packages_to_publish_are_listed_with_missing_fields() {
        let metadata = r#"{ "packages": [
            { "name": "complete", "publish": null, "description": "d", "license": "MIT", "repository": "r", "readme": "R",
              "keywords": ["k"], "categories": ["c"], "metadata": { "docs": { "rs": { "all-features": true } } } },
            { "name": "bare", "publish": null, "license": "MIT", "keywords": [] },
            { "name": "example", "publish": [] }
        ] }"#;
        let missing = vec![
            "description",
            "repository",
            "readme",
            "keywords",
            "categories",
            "package.metadata.docs.rs.all-features",
        ];
        let expected = [
            Published { name: "complete".to_owned(), missing: vec![] },
            Published { name: "bare".to_owned(), missing },
        ];
        assert_eq!(published(metadata.as_bytes()).unwrap(), expected);
        assert_eq!(published(b"{}").unwrap_err(), "cargo metadata: no packages");
    }
}
