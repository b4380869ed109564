//! Reads the public items of a crate from rustdoc's JSON.

use std::collections::BTreeSet;

use serde_json::Value;

/// Returns a line for each public item, sorted: `fn mainstay_retry::Retrier::call`.
pub(super) fn items(crate_json: &Value) -> Result<Vec<String>, String> {
    let index = &crate_json["index"];
    let root = item(index, &crate_json["root"]).ok_or("rustdoc: no root module")?;
    let mut list = List { index, found: BTreeSet::new() };
    let name = root["name"].as_str().ok_or("rustdoc: the root has no name")?;
    list.children(root, name);
    Ok(list.found.into_iter().collect())
}

struct List<'a> {
    index: &'a Value,
    found: BTreeSet<String>,
}

fn item<'a>(index: &'a Value, id: &Value) -> Option<&'a Value> {
    index.get(id.to_string())
}

/// Returns the kind of an item, and its content.
fn inner(item: &Value) -> Option<(&str, &Value)> {
    item["inner"].as_object()?.iter().next().map(|(kind, inner)| (kind.as_str(), inner))
}

// === impl List ===

impl List<'_> {
    fn add(&mut self, kind: &str, path: &str) {
        self.found.insert(format!("{kind} {path}"));
    }

    fn children(&mut self, parent: &Value, path: &str) {
        let Some((_, inner)) = inner(parent) else { return };
        let kind = &inner["kind"];
        let lists =
            [&inner["items"], &inner["variants"], &kind["plain"]["fields"], &kind["struct"]["fields"], &kind["tuple"]];
        for id in lists.into_iter().filter_map(Value::as_array).flatten() {
            self.item(id, path);
        }
        for id in inner["impls"].as_array().into_iter().flatten() {
            self.implementation(id, path);
        }
    }

    fn item(&mut self, id: &Value, parent: &str) {
        let index = self.index;
        let Some(item) = item(index, id) else { return };
        let Some((kind, inner)) = inner(item) else { return };
        if kind == "use" {
            return self.reexport(inner, parent);
        }
        // `default`: a variant or a trait item has the visibility of its parent.
        if item["visibility"].as_str().is_none_or(|visibility| visibility != "public" && visibility != "default") {
            return;
        }
        let path = format!("{parent}::{}", item["name"].as_str().unwrap_or("_"));
        let kind = match kind {
            "function" => "fn",
            "module" => "mod",
            "constant" | "assoc_const" => "const",
            "type_alias" | "assoc_type" => "type",
            "struct_field" => "field",
            kind => kind,
        };
        self.add(kind, &path);
        self.children(item, &path);
    }

    /// Adds the item of a `pub use` under its new name; an item of another crate without its children.
    fn reexport(&mut self, reexport: &Value, parent: &str) {
        let (name, source) = (reexport["name"].as_str().unwrap_or("_"), reexport["source"].as_str().unwrap_or("_"));
        let is_glob = reexport["is_glob"].as_bool() == Some(true);
        let index = self.index;
        match item(index, &reexport["id"]) {
            Some(module) if is_glob => self.children(module, parent),
            Some(item) => {
                let path = format!("{parent}::{name}");
                self.add(inner(item).map_or("use", |(kind, _)| if kind == "function" { "fn" } else { kind }), &path);
                self.children(item, &path);
            }
            None => self.add("use", &format!("{parent}::{} = {source}", if is_glob { "*" } else { name })),
        }
    }

    /// Adds the methods of an inherent implementation, or the name of an implemented trait. Auto traits and blanket
    /// implementations are skipped.
    fn implementation(&mut self, id: &Value, of: &str) {
        let index = self.index;
        let Some(implementation) = item(index, id) else { return };
        let Some((_, inner)) = inner(implementation) else { return };
        if inner["is_synthetic"].as_bool() == Some(true) || !inner["blanket_impl"].is_null() {
            return;
        }
        match inner["trait"]["path"].as_str() {
            Some(path) => self.add("impl", &format!("{of}: {}", path.rsplit("::").next().unwrap_or(path))),
            None => {
                for id in inner["items"].as_array().into_iter().flatten() {
                    self.item(id, of);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::items;
    use serde_json::json;

    #[test]
    fn public_items_are_listed_under_their_public_names() {
        let item =
            |name: &str, visibility: &str, inner| json!({ "name": name, "visibility": visibility, "inner": inner });
        let sample = json!({ "root": 0, "index": {
            "0": item("a", "public", json!({ "module": { "items": [1, 2, 9] } })),
            "1": item("b", "crate", json!({ "module": { "items": [3] } })),
            "2": json!({ "visibility": "public", "inner": { "use": { "name": "T", "source": "b::S", "id": 3, "is_glob": false } } }),
            "3": item("S", "public", json!({ "struct": { "kind": { "plain": { "fields": [4, 5] } }, "impls": [6, 7, 8] } })),
            "4": item("open", "public", json!({ "struct_field": {} })),
            "5": item("hidden", "crate", json!({ "struct_field": {} })),
            "6": item("", "default", json!({ "impl": { "trait": null, "items": [10], "blanket_impl": null } })),
            "7": item("", "default", json!({ "impl": { "trait": { "path": "fmt::Debug" }, "items": [], "blanket_impl": null } })),
            "8": item("", "default", json!({ "impl": { "trait": { "path": "Send" }, "is_synthetic": true } })),
            "9": json!({ "visibility": "public", "inner": { "use": { "name": "x", "source": "other::x", "id": 99 } } }),
            "10": item("new", "public", json!({ "function": {} })),
        } });
        let expected = ["field a::T::open", "fn a::T::new", "impl a::T: Debug", "struct a::T", "use a::x = other::x"];
        assert_eq!(items(&sample).unwrap(), expected);
    }
}
