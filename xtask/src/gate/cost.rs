//! The cost of one call of a row: the difference between a run of `CALLS` calls and one of twice as many.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};

use super::locked::Locked;

/// The average of one call. Work that only some calls do has its share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    pub(crate) instructions: f64,
    pub(crate) locked: f64,
}

pub(crate) struct Counter {
    bench: PathBuf,
    locked: Locked,
}

/// A run of the bench under valgrind, and the file that it writes.
struct Run {
    child: Child,
    data: PathBuf,
}

/// Enough to include work that is done once for many calls (a budget's credits); takes half a second.
const CALLS: u64 = 1_000;

// === impl Counter ===

impl Counter {
    pub(crate) fn new(bench: PathBuf) -> Self {
        Self { bench, locked: Locked::default() }
    }

    /// Counts a call of `row`. Start, set-up and exit are in both runs and cancel out.
    pub(crate) fn cost(&mut self, row: &str) -> io::Result<Cost> {
        // Both at the same time: a busy machine does not change the counts.
        let runs = [self.start(row, CALLS)?, self.start(row, 2 * CALLS)?];
        let [once, twice] = runs.map(|run| self.end(row, run));
        let (once, twice) = (once?, twice?);
        let each = |once: u64, twice: u64| (twice as f64 - once as f64) / CALLS as f64;
        Ok(Cost { instructions: each(once.0, twice.0), locked: each(once.1, twice.1) })
    }

    fn start(&self, row: &str, calls: u64) -> io::Result<Run> {
        let data = self.bench.with_file_name(format!("gate-{}-{calls}.callgrind", process::id()));
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--quiet", "--dump-instr=yes", "--dump-line=no"]);
        valgrind.args(["--compress-pos=no", "--compress-strings=no"]);
        valgrind.arg(format!("--callgrind-out-file={}", data.display())).env_remove("VALGRIND_OPTS");
        valgrind.arg(&self.bench).args(["--row", row, "--repeat", &calls.to_string()]);
        Ok(Run { child: valgrind.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?, data })
    }

    /// Returns the instructions and locked operations of a whole run.
    fn end(&mut self, row: &str, run: Run) -> io::Result<(u64, u64)> {
        let output = run.child.wait_with_output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(io::Error::other(format!("{row}, under valgrind: {}\n{said}", output.status)));
        }
        let profile = fs::read_to_string(&run.data)?;
        fs::remove_file(&run.data)?;
        sum(&profile, |object, address| self.locked.is_at(Path::new(object), address))
    }
}

/// Adds up the lines `0xADDRESS COUNT`, and apart those of locked instructions; `ob=` names the program or library of the
/// lines below it. The line after `calls=` is skipped: it repeats the cost of a callee.
fn sum(profile: &str, mut is_locked: impl FnMut(&str, u64) -> io::Result<bool>) -> io::Result<(u64, u64)> {
    let (mut instructions, mut locked) = (0, 0);
    let (mut object, mut is_callee) = ("", false);
    for line in profile.lines() {
        if let Some(name) = line.strip_prefix("ob=") {
            object = name;
        } else if line.starts_with("calls=") {
            is_callee = true;
        } else if let Some(entry) = line.strip_prefix("0x") {
            if std::mem::take(&mut is_callee) {
                continue;
            }
            let (address, count) = read(entry).ok_or_else(|| io::Error::other(format!("callgrind: `{line}`")))?;
            instructions += count;
            if is_locked(object, address)? {
                locked += count;
            }
        }
    }
    if instructions == 0 {
        return Err(io::Error::other("the profile of callgrind has no readable counts"));
    }
    Ok((instructions, locked))
}

fn read(entry: &str) -> Option<(u64, u64)> {
    let (address, count) = entry.split_once(' ')?;
    Some((u64::from_str_radix(address, 16).ok()?, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::sum;

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
        assert_eq!(sum(PROFILE, is_locked).unwrap(), (2_010, 2_000));
    }

    #[test]
    fn unreadable_profile_is_an_error() {
        assert!(sum("", |_, _| Ok(false)).is_err());
        assert!(sum("ob=x\n0x10 +3 4\n", |_, _| Ok(false)).is_err());
    }
}
