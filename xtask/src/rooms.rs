//! `cargo xtask rooms`, and a step of the tests: no import cycle between the files of a crate.
//!
//! Files that import each other cannot be read one after the other. `lib.rs` only re-exports: an import through it counts
//! as an import of the file that has the item. Test code is exempt.

mod cycle;
mod named;
mod syntax;
mod tree;
mod use_tree;
mod without_tests;

use std::io;

use crate::alarms::{self, Alarms};
use crate::command::Command;
use crate::files::{File, files};

use cycle::cycles;
use tree::Tree;

pub(crate) const COMMAND: Command = Command {
    name: "rooms",
    about: "Finds import cycles between the files of a crate.",
    help: "\
[CRATE]   the folder of one crate (`core`, `gateway`, `xtask`); without it, all of them

Prints each cycle as `a -> b -> a`, with the line of each import. Code behind #[cfg(test)] is exempt.",
    run: |args| alarms::command(args, check),
};

/// Returns the cycles of the crate in folder `name`, or of every crate if `name` is empty.
pub(crate) fn check(name: &str) -> io::Result<Alarms> {
    let files = files(|path| path.ends_with(".rs") && path.contains("/src/"))?;
    let roots: Vec<&str> = files.iter().map(|file| file.path.as_str()).filter(|path| is_root(path, name)).collect();
    if roots.is_empty() {
        return Err(io::Error::other(format!("no crate in a folder `{name}`")));
    }
    let found = roots.into_iter().flat_map(|root| cycles_below(&files, root)).collect();
    Ok(Alarms { what: "import cycles", found })
}

fn cycles_below(files: &[File], root: &str) -> Vec<String> {
    let cycles = cycles(&Tree::new(files, root).edges());
    cycles.iter().map(ToString::to_string).collect()
}

/// Returns whether `path` is the root of a target of the crate in folder `name` (`""`: of any checked crate).
fn is_root(path: &str, name: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let (folder, file) = match parts[..] {
        ["crates" | "examples", folder, "src", file] | [folder @ "xtask", "src", file] => (folder, file),
        _ => return false,
    };
    matches!(file, "lib.rs" | "main.rs") && (name.is_empty() || folder == name)
}

#[cfg(test)]
mod tests {
    use super::{File, cycles_below, is_root};

    fn crate_of(files: &[(&str, &str)]) -> Vec<String> {
        let file =
            |(path, text): &(&str, &str)| File { path: format!("crates/x/src/{path}"), text: (*text).to_owned() };
        cycles_below(&files.iter().map(file).collect::<Vec<_>>(), "crates/x/src/lib.rs")
    }

    #[test]
    fn cycle_through_a_reexport_of_the_root_is_found() {
        let found = crate_of(&[
            ("lib.rs", "mod a; mod b; pub use b::B;"),
            ("a.rs", "\nuse crate::{B, other};"),
            ("b.rs", "pub struct B(crate::a::A);"),
        ]);
        let expected = "a -> b -> a\n    crates/x/src/a.rs:2: crate::B\n    crates/x/src/b.rs:1: crate::a::A";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn cycle_of_parent_and_child_is_found() {
        let found = crate_of(&[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod child; use child::Leaf; pub struct Room;"),
            ("a/child.rs", "use super::Room; pub struct Leaf;"),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("a -> a/child -> a\n"), "{found:?}");
    }

    #[test]
    fn cycle_through_a_glob_is_found() {
        let found = crate_of(&[
            ("lib.rs", "mod a; mod b; pub use b::*;"),
            ("a.rs", "use crate::B;"),
            ("b.rs", "use super::a; pub struct B;"),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn one_direction_is_no_cycle() {
        let found = crate_of(&[
            ("lib.rs", "mod a; mod b; mod never; pub use a::A; use never::X; pub type Own = u8;"),
            ("a.rs", "mod child; pub(crate) use child::Leaf; pub struct A(crate::Own); fn f() { child::run() }"),
            // A name that the parent re-exports is an import of the file that has it.
            ("a/child.rs", "mod leaf; pub(crate) use leaf::Leaf; use std::task;"),
            ("a/child/leaf.rs", "pub(crate) struct Leaf; #[cfg(test)] mod tests { use crate::A; }"),
            ("b.rs", "use crate::a::{A, Leaf}; use super::Own;"),
            ("never.rs", "// crate::b::X\npub struct X;"),
        ]);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn roots_are_those_of_crates_examples_and_xtask() {
        assert!(is_root("crates/core/src/lib.rs", "") && is_root("examples/gateway/src/main.rs", "gateway"));
        assert!(is_root("xtask/src/main.rs", "xtask") && !is_root("xtask/src/main.rs", "core"));
        assert!(!is_root("benches/src/main.rs", "") && !is_root("crates/core/src/window.rs", ""));
    }
}
