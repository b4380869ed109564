//! Runs a program, and reads its output line by line while passing it on to the terminal.
//!
//! A program without output for too long is killed: nextest ends a hung test itself, but `cargo test` (which runs
//! the doc tests, and every test if nextest is missing) waits for ever.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::process::{shown, works};

/// The longest time without output. Nextest's own limit is shorter, and a build prints each crate as it begins.
pub(crate) const SILENCE: Duration = Duration::from_secs(5 * 60);

/// The end of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Success,
    Failure,
    /// Killed, because it printed nothing for too long.
    Silent,
}

/// Runs `command`, passes both its streams on, and calls `read` with each line.
pub(crate) fn listen(command: &mut Command, silence: Duration, mut read: impl FnMut(&str)) -> io::Result<Exit> {
    println!("$ {}", shown(command));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (lines, heard) = mpsc::channel();
    // The reader threads are not joined: a grandchild may keep the pipes open after the program has ended.
    if let Some(stdout) = child.stdout.take() {
        let lines = lines.clone();
        thread::spawn(move || pass_on(stdout, io::stdout(), &lines));
    }
    if let Some(stderr) = child.stderr.take() {
        thread::spawn(move || pass_on(stderr, io::stderr(), &lines));
    }
    loop {
        match heard.recv_timeout(silence) {
            Ok(line) => read(&line),
            Err(RecvTimeoutError::Disconnected) => {
                return Ok(if child.wait()?.success() { Exit::Success } else { Exit::Failure });
            }
            Err(RecvTimeoutError::Timeout) => {
                end(&mut child)?;
                return Ok(Exit::Silent);
            }
        }
    }
}

/// Kills the program and the test binary that it runs. They have no process group of their own, because such a group
/// would not receive the user's Ctrl-C.
fn end(child: &mut Child) -> io::Result<()> {
    works(Command::new("pkill").args(["-KILL", "-P", &child.id().to_string()]));
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// Copies bytes at once, before a line is complete: `test foo ... ` must be visible while `foo` runs.
fn pass_on(mut from: impl Read, mut to: impl Write, lines: &Sender<String>) -> io::Result<()> {
    let mut chunk = [0; 8192];
    let mut line = Vec::new();
    loop {
        let n = match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        to.write_all(&chunk[..n])?;
        to.flush()?;
        for &byte in &chunk[..n] {
            if byte != b'\n' {
                line.push(byte);
                continue;
            }
            // The receiver is dropped if the program was killed.
            let _ = lines.send(plain(&line));
            line.clear();
        }
    }
    let _ = lines.send(plain(&line));
    Ok(())
}

/// Returns a line without its colour sequences (escape, `[`, up to a letter).
fn plain(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut kept = String::with_capacity(text.len());
    let mut chars = text.trim_end_matches('\r').chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            kept.push(c);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{Command, Duration, Exit, listen, mpsc, pass_on, plain};

    #[test]
    fn bytes_are_passed_on_and_lines_read() {
        let (lines, heard) = mpsc::channel();
        let from: &[u8] = b"one\r\n\x1b[1mtwo\x1b[0m\nlast";
        let mut to = Vec::new();
        pass_on(from, &mut to, &lines).unwrap();
        drop(lines);
        assert_eq!(to, from);
        assert_eq!(heard.iter().collect::<Vec<_>>(), ["one", "two", "last"]);
    }

    #[test]
    fn colour_sequences_are_removed() {
        assert_eq!(plain(b"\x1b[32;1m     Summary\x1b[0m [ 1s]"), "     Summary [ 1s]");
    }

    #[cfg(unix)]
    fn shell(script: &str, silence: Duration) -> (Exit, Vec<String>) {
        let mut lines = Vec::new();
        let command = &mut Command::new("sh");
        let exit = listen(command.args(["-c", script]), silence, |line| lines.push(line.to_owned()));
        lines.retain(|line| !line.is_empty());
        (exit.unwrap(), lines)
    }

    #[cfg(unix)]
    #[test]
    fn both_streams_and_the_exit_code_are_read() {
        let (exit, mut lines) = shell("echo out; echo err >&2", Duration::from_secs(60));
        lines.sort_unstable();
        assert_eq!((exit, lines), (Exit::Success, vec!["err".to_owned(), "out".to_owned()]));
        assert_eq!(shell("exit 3", Duration::from_secs(60)).0, Exit::Failure);
    }

    #[cfg(unix)]
    #[test]
    fn program_without_output_is_killed() {
        assert_eq!(shell("exec sleep 600", Duration::from_millis(50)).0, Exit::Silent);
    }
}
