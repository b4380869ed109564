//! The cost of one call of a row: the difference between a run of `CALLS` calls and one of twice as many.
//!
//! Callgrind counts instructions, locked operations and allocations; DHAT counts the bytes that `memcpy` and its like copy.
//! A move of a small struct copies its bytes without a call, which counts as instructions only.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};

use serde_json::Value;

use super::locked::Locked;

/// The average of one call. Work that only some calls do has its share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    pub(crate) instructions: f64,
    pub(crate) locked: f64,
    pub(crate) allocations: f64,
    /// The bytes that `memcpy` and `memmove` copied.
    pub(crate) copied: f64,
}

/// The counts of a whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    instructions: u64,
    locked: u64,
    allocations: u64,
}

pub(crate) struct Counter {
    bench: PathBuf,
    locked: Locked,
}

/// A tool of valgrind.
#[derive(Clone, Copy)]
enum Tool {
    Callgrind,
    Dhat,
}

/// A run of the bench under valgrind, and the file that it writes.
struct Run {
    child: Child,
    data: PathBuf,
}

/// The functions that allocate. `realloc` counts too, though it may grow in place.
const ALLOCATORS: [&str; 5] = ["malloc", "calloc", "realloc", "memalign", "posix_memalign"];

/// Enough to include work that is done once for many calls (a budget's credits); takes half a second.
const CALLS: u64 = 1_000;

// === impl Cost ===

impl Cost {
    /// Returns the counts in the order of the table's columns.
    pub(crate) fn each(&self) -> [f64; 4] {
        [self.instructions, self.locked, self.allocations, self.copied]
    }
}

// === impl Counter ===

impl Counter {
    pub(crate) fn new(bench: PathBuf) -> Self {
        Self { bench, locked: Locked::default() }
    }

    /// Counts a call of `row`. Start, set-up and exit are in both runs and cancel out.
    pub(crate) fn cost(&mut self, row: &str) -> io::Result<Cost> {
        // All at the same time: a busy machine does not change the counts.
        let tools = [Tool::Callgrind, Tool::Dhat];
        let runs = tools.map(|tool| [CALLS, 2 * CALLS].map(|calls| self.start(tool, row, calls)));
        let [[once, twice], [once_copied, twice_copied]] = runs;
        let (once, twice) = (self.end(row, once?), self.end(row, twice?));
        let (once, twice) = (self.counts(&once?)?, self.counts(&twice?)?);
        let (once_copied, twice_copied) = (self.end(row, once_copied?), self.end(row, twice_copied?));
        let each = |once: u64, twice: u64| (twice as f64 - once as f64) / CALLS as f64;
        Ok(Cost {
            instructions: each(once.instructions, twice.instructions),
            locked: each(once.locked, twice.locked),
            allocations: each(once.allocations, twice.allocations),
            copied: each(copied(&once_copied?)?, copied(&twice_copied?)?),
        })
    }

    fn start(&self, tool: Tool, row: &str, calls: u64) -> io::Result<Run> {
        let data = self.bench.with_file_name(format!("gate-{}-{calls}.{}", process::id(), tool.name()));
        let mut valgrind = Command::new("valgrind");
        valgrind.args([&format!("--tool={}", tool.name()), "--quiet"]).args(tool.flags());
        valgrind.arg(format!("--{}-out-file={}", tool.name(), data.display())).env_remove("VALGRIND_OPTS");
        valgrind.arg(&self.bench).args(["--row", row, "--repeat", &calls.to_string()]);
        Ok(Run { child: valgrind.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?, data })
    }

    /// Waits for the end of a run, and returns the text of its file.
    fn end(&self, row: &str, run: Run) -> io::Result<String> {
        let output = run.child.wait_with_output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(io::Error::other(format!("{row}, under valgrind: {}\n{said}", output.status)));
        }
        let profile = fs::read_to_string(&run.data)?;
        fs::remove_file(&run.data)?;
        Ok(profile)
    }

    fn counts(&mut self, profile: &str) -> io::Result<Counts> {
        sum(profile, |object, address| self.locked.is_at(Path::new(object), address))
    }
}

// === impl Tool ===

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Self::Callgrind => "callgrind",
            Self::Dhat => "dhat",
        }
    }

    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Callgrind => &["--dump-instr=yes", "--dump-line=no", "--compress-pos=no", "--compress-strings=no"],
            Self::Dhat => &["--mode=copy"],
        }
    }
}

/// Adds up the lines `0xADDRESS COUNT`, and apart those of locked instructions; `ob=` names the program or library of the
/// lines below it. The line after `calls=COUNT` is skipped: it repeats the cost of a callee, which `cfn=` names.
fn sum(profile: &str, mut is_locked: impl FnMut(&str, u64) -> io::Result<bool>) -> io::Result<Counts> {
    let mut counts = Counts::default();
    let (mut object, mut callee, mut is_callee) = ("", "", false);
    for line in profile.lines() {
        let unreadable = || io::Error::other(format!("callgrind: `{line}`"));
        if let Some(name) = line.strip_prefix("ob=") {
            object = name;
        } else if let Some(name) = line.strip_prefix("cfn=") {
            callee = name;
        } else if let Some(calls) = line.strip_prefix("calls=") {
            is_callee = true;
            if ALLOCATORS.contains(&callee) {
                let calls = calls.split(' ').next().and_then(|calls| calls.parse::<u64>().ok());
                counts.allocations += calls.ok_or_else(unreadable)?;
            }
        } else if let Some(entry) = line.strip_prefix("0x") {
            if std::mem::take(&mut is_callee) {
                continue;
            }
            let (address, count) = read(entry).ok_or_else(unreadable)?;
            counts.instructions += count;
            if is_locked(object, address)? {
                counts.locked += count;
            }
        }
    }
    if counts.instructions == 0 {
        return Err(io::Error::other("the profile of callgrind has no readable counts"));
    }
    Ok(counts)
}

/// Adds up the bytes of all places that copy.
fn copied(profile: &str) -> io::Result<u64> {
    let profile: Value = serde_json::from_str(profile).map_err(|error| io::Error::other(format!("DHAT: {error}")))?;
    let places = profile["pps"].as_array().ok_or_else(|| io::Error::other("the profile of DHAT has no `pps`"))?;
    Ok(places.iter().filter_map(|place| place["tb"].as_u64()).sum())
}

fn read(entry: &str) -> Option<(u64, u64)> {
    let (address, count) = entry.split_once(' ')?;
    Some((u64::from_str_radix(address, 16).ok()?, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Counts, copied, sum};

    const PROFILE: &str = "\
positions: instr
events: Ir
summary: 99

ob=/bin/bench
fn=call
0x10 3
0x14 2000
cob=/lib/libc.so
cfn=malloc
calls=7 0x14
0x18 700

ob=/lib/libc.so
fn=malloc
0x14 7
";

    #[test]
    fn instructions_are_counted_once_by_their_object() {
        let is_locked = |object: &str, address| Ok((object, address) == ("/bin/bench", 0x14));
        let counts = sum(PROFILE, is_locked).unwrap();
        assert_eq!(counts, Counts { instructions: 2_010, locked: 2_000, allocations: 7 });
    }

    #[test]
    fn copied_bytes_are_added_up() {
        let profile = r#"{"mode":"copy","pps":[{"tb":45,"tbk":3,"fs":[1]},{"tb":5,"tbk":1,"fs":[2]}],"ftbl":[]}"#;
        assert_eq!(copied(profile).unwrap(), 50);
        assert!(copied("{}").is_err() && copied("").is_err());
    }

    #[test]
    fn unreadable_profile_is_an_error() {
        assert!(sum("", |_, _| Ok(false)).is_err());
        assert!(sum("ob=x\n0x10 +3 4\n", |_, _| Ok(false)).is_err());
    }
}
