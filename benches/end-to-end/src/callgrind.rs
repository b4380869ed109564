//! Reads the file that callgrind writes: instructions by function and source file.

use std::{collections::HashMap, fs, io, path::Path};

use crate::cause::Cause;

/// The instructions of a process, by cause.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    pub(crate) instructions: HashMap<Cause, f64>,
    /// Calls of the allocator for memory.
    pub(crate) allocations: f64,
}

/// The functions of the C library that allocate.
const ALLOCATING: [&str; 4] = ["malloc", "calloc", "realloc", "posix_memalign"];

// === impl Profile ===

impl Profile {
    /// # Errors
    /// The file cannot be read, has no counts, or the program has no line tables.
    pub(crate) fn read(file: &Path) -> io::Result<Self> {
        let profile = Self::parse(&fs::read_to_string(file)?);
        let problem = match profile.instructions.get(&Cause::Hyper) {
            Some(_) => return Ok(profile),
            None if profile.total() == 0.0 => "callgrind has counted nothing",
            None => "the program has no line tables: start this with `cargo xtask bench gateway --instructions`",
        };
        Err(io::Error::other(format!("{}: {problem}", file.display())))
    }

    /// Parses lines `LINE COUNT` below `fn=` (the function), `fl=` (its file) and `fi=`, `fe=` (the file of inlined code).
    /// The line after `calls=` is skipped: it repeats the cost of a callee.
    fn parse(text: &str) -> Self {
        let mut profile = Self::default();
        let (mut function, mut home, mut file) = ("", "", "");
        let (mut callee, mut is_callee) = ("", false);
        for line in text.lines() {
            match line.split_once('=') {
                Some(("fn", name)) => function = name,
                Some(("fl", name)) => (home, file) = (name, name),
                Some(("fi" | "fe", name)) => file = name,
                Some(("cfn", name)) => callee = name,
                Some(("calls", calls)) => {
                    is_callee = true;
                    let is_outer = ALLOCATING.contains(&callee) && !ALLOCATING.contains(&function);
                    let calls = calls.split_whitespace().next().and_then(|calls| calls.parse().ok());
                    profile.allocations += calls.filter(|_| is_outer).unwrap_or(0.0);
                }
                Some(_) => {}
                None => {
                    let mut words = line.split_whitespace();
                    let (Some(Ok(_)), Some(Ok(count)), None) =
                        (words.next().map(str::parse::<u64>), words.next().map(str::parse::<f64>), words.next())
                    else {
                        continue;
                    };
                    if !std::mem::take(&mut is_callee) {
                        *profile.instructions.entry(Cause::of(function, home, file)).or_default() += count;
                    }
                }
            }
        }
        profile
    }

    pub(crate) fn total(&self) -> f64 {
        self.instructions.values().sum()
    }

    /// Returns the cost of one request: this run has had `requests` more than the shorter one.
    pub(crate) fn each(&self, shorter: &Self, requests: usize) -> Self {
        let each = |own: f64, shorter: f64| (own - shorter) / requests as f64;
        let instructions = self.instructions.iter().map(|(cause, own)| {
            let shorter = shorter.instructions.get(cause).copied().unwrap_or_default();
            (*cause, each(*own, shorter))
        });
        Self { instructions: instructions.collect(), allocations: each(self.allocations, shorter.allocations) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "\
positions: line
events: Ir

fl=/registry/src/index/hyper-1.12.0/src/proto/h1/io.rs
fn=hyper::proto::h1::io::Buffered<T,B>::parse
10 3
fi=/registry/src/index/bytes-1.12.0/src/bytes.rs
12 40
cfn=malloc
calls=7 20
12 700
fe=/registry/src/index/hyper-1.12.0/src/proto/h1/io.rs
14 2

fl=./malloc/malloc.c
fn=malloc
20 500
cfn=_int_malloc
calls=2 30
21 200

fl=./malloc/malloc.c
fn=_int_malloc
30 200
";

    #[test]
    fn instructions_are_counted_once_by_their_cause() {
        let profile = Profile::parse(PROFILE);
        let of = |cause| profile.instructions.get(&cause).copied();
        assert_eq!(of(Cause::Hyper), Some(5.0));
        assert_eq!(of(Cause::Heads), Some(40.0));
        assert_eq!(of(Cause::Allocator), Some(700.0));
        assert_eq!((profile.total(), profile.allocations), (745.0, 7.0));
    }

    #[test]
    fn cost_of_a_request_is_the_difference_of_two_runs() {
        let shorter = Profile { instructions: [(Cause::Hyper, 100.0)].into(), allocations: 10.0 };
        let longer = Profile { instructions: [(Cause::Hyper, 300.0), (Cause::Tokio, 20.0)].into(), allocations: 50.0 };
        let each = longer.each(&shorter, 20);
        assert_eq!((each.instructions[&Cause::Hyper], each.instructions[&Cause::Tokio]), (10.0, 1.0));
        assert_eq!(each.allocations, 2.0);
    }
}
