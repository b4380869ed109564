//! `cargo xtask prose`, and a step of the tests: finds phrases that have a plainer form, by a list of patterns.
//!
//! It reads comments, docs, strings of more than one word, test names, and Markdown. The rules that no pattern can check
//! are in CONTRIBUTING.md, under house rules.

mod passage;
mod pattern;
mod patterns;
mod read;

use std::io;

use crate::alarms::{self, Alarms};
use crate::command::Command;
use crate::files::{File, files};

use patterns::PATTERNS;

pub(crate) const COMMAND: Command = Command {
    name: "prose",
    about: "Finds phrases in comments, docs, strings and test names that have a plainer form.",
    help: "\
[FOLDER]   the files below this folder (`crates/core`) or one file; without it, all of them

Prints `file:line: pattern: reason`. In a pattern, `a|b` is either word, `*` any word, `~` up to three words, and
`^` the start of a sentence. Inline code and fenced code are exempt.",
    run: |args| alarms::command(args, check),
};

/// The files of this check: its patterns and the samples of its tests are strings.
const EXEMPT: &str = "xtask/src/prose";
const ONE_WORD: &str = "a doc of one word: describe what the item holds, and its unit";

/// Checks the files whose path starts with `folder`.
pub(crate) fn check(folder: &str) -> io::Result<Alarms> {
    let is_prose = |path: &str| path.ends_with(".rs") || path.ends_with(".md");
    let files = files(|path| path.starts_with(folder) && is_prose(path) && !path.starts_with(EXEMPT))?;
    Ok(Alarms { what: "phrases to rewrite", found: files.iter().flat_map(alarms_in).collect() })
}

/// Returns `file:line: pattern: reason` for each match, in the order of the lines.
fn alarms_in(file: &File) -> Vec<String> {
    let (passages, one_word) =
        if file.path.ends_with(".md") { (read::markdown(&file.text), Vec::new()) } else { read::rust(&file.text) };
    let mut found: Vec<(usize, &str, &str)> = one_word.into_iter().map(|line| (line, "one word", ONE_WORD)).collect();
    for passage in &passages {
        for pattern in PATTERNS {
            found.extend(pattern.lines(passage).into_iter().map(|line| (line, pattern.words, pattern.reason)));
        }
    }
    found.sort_unstable();
    found.dedup();
    found.iter().map(|(line, words, reason)| format!("{}:{line}: `{words}`: {reason}", file.path)).collect()
}

#[cfg(test)]
mod tests {
    use super::{File, alarms_in};

    fn lines(path: &str, text: &str) -> Vec<String> {
        let found = alarms_in(&File { path: path.into(), text: text.into() });
        found.iter().map(|alarm| alarm.split(": ").take(2).collect::<Vec<_>>().join(": ")).collect()
    }

    #[test]
    fn obscure_phrases_raise_alarms_in_each_place() {
        let source = "/// When.\nstruct A;\n// So that who comes next finds it.\nfn f() { g(\"asks nobody twice\") }\n\
            #[test]\nfn a_limit_that_is_full_refuses() {}";
        let expected = [
            "a.rs:1: `one word`",
            "a.rs:3: `^ and|or|so`",
            "a.rs:3: `so|that|and|or|for|as|only|to|from|of|with|before|until|wakes who`",
            "a.rs:3: `who comes|waits|looks|asks`",
            "a.rs:4: `nobody|everybody|somebody|anybody`",
            "a.rs:6: `^ a|an|the * ~ that|which|who`",
        ];
        assert_eq!(lines("a.rs", source), expected);
        assert_eq!(lines("a.md", "one\n\nit lets go"), ["a.md:3: `let|lets|letting go`"]);
    }

    #[test]
    fn plain_sentences_raise_no_alarm() {
        let source = "//! The operator, who reads the log, calls `whoever()`.\n/// Milliseconds since the start.\nstruct A;\n\
            // A permit is returned, for each caller that waits.\nfn nobody() { g(\"nobody\") }\n\
            #[test]\nfn full_limit_refuses_caller_that_waits() {}";
        assert!(lines("a.rs", source).is_empty(), "{:?}", lines("a.rs", source));
        assert!(lines("a.md", "Call it:\n\n```\nnobody\n```\n\nSorted, so that it is stable.").is_empty());
    }
}
