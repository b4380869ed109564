//! Blocks of a document that are written from a source: `<!-- name -->` .. `<!-- /name -->`.

use std::{env, fs};

use super::{read, root};

/// Checks that a block has this text, or writes it.
pub(crate) fn check_block(path: &str, name: &str, expected: &str) {
    let text = read(path);
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = text.split_once(&open).unwrap_or_else(|| panic!("{path} has no {open}"));
    let (block, after) = rest.split_once(&close).unwrap_or_else(|| panic!("{path} has no {close}"));
    if block == expected {
        return;
    }
    if env::var("DOCUMENTS").is_ok_and(|mode| mode == "overwrite") {
        fs::write(root().join(path), format!("{before}{open}{expected}{close}{after}")).unwrap();
        return;
    }
    panic!("the block {name} of {path} differs from its source; DOCUMENTS=overwrite writes it:\n{expected}");
}
