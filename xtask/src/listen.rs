//! Runs a program, shows its output as it comes, and reads along.
//!
//! A test runner that falls silent for good is ended here: nextest ends a hung test itself, `cargo test` (which runs
//! the doc tests, and everything where nextest is missing) would wait for ever.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::process::{shown, works};

/// Longer than any honest pause: nextest's own limit is shorter, a build names each crate as it begins.
pub(crate) const SILENCE: Duration = Duration::from_secs(5 * 60);

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    Badly,
    /// Said nothing for so long that it was ended.
    Silent,
}

/// Runs `command`, passes both its streams on and gives each finished line to `read`.
pub(crate) fn listen(command: &mut Command, silence: Duration, mut read: impl FnMut(&str)) -> io::Result<Ended> {
    println!("$ {}", shown(command));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (lines, heard) = mpsc::channel();
    // The readers are not joined: a stray grandchild may hold their pipes open after the program has ended.
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
                return Ok(if child.wait()?.success() { Ended::Well } else { Ended::Badly });
            }
            Err(RecvTimeoutError::Timeout) => {
                end(&mut child)?;
                return Ok(Ended::Silent);
            }
        }
    }
}

/// Ends the program and the test binary it runs; not a process group, for that would not hear the user's Ctrl-C.
fn end(child: &mut Child) -> io::Result<()> {
    works(Command::new("pkill").args(["-KILL", "-P", &child.id().to_string()]));
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// Bytes are passed on before they are read as lines: `test foo ... ` has to be seen while `foo` runs.
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
            // Nobody listens any more once the program was ended.
            let _ = lines.send(plain(&line));
            line.clear();
        }
    }
    let _ = lines.send(plain(&line));
    Ok(())
}

/// The text of a line without its colours (escape, `[`, up to a letter).
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
    use super::{Command, Duration, Ended, listen, mpsc, pass_on, plain};

    #[test]
    fn passes_bytes_on_and_reads_lines() {
        let (lines, heard) = mpsc::channel();
        let from: &[u8] = b"one\r\n\x1b[1mtwo\x1b[0m\nlast";
        let mut to = Vec::new();
        pass_on(from, &mut to, &lines).unwrap();
        drop(lines);
        assert_eq!(to, from);
        assert_eq!(heard.iter().collect::<Vec<_>>(), ["one", "two", "last"]);
    }

    #[test]
    fn colours_are_not_text() {
        assert_eq!(plain(b"\x1b[32;1m     Summary\x1b[0m [ 1s]"), "     Summary [ 1s]");
    }

    #[cfg(unix)]
    fn shell(script: &str, silence: Duration) -> (Ended, Vec<String>) {
        let mut lines = Vec::new();
        let command = &mut Command::new("sh");
        let ended = listen(command.args(["-c", script]), silence, |line| lines.push(line.to_owned()));
        lines.retain(|line| !line.is_empty());
        (ended.unwrap(), lines)
    }

    #[cfg(unix)]
    #[test]
    fn hears_both_streams_and_the_exit_code() {
        let (ended, mut lines) = shell("echo out; echo err >&2", Duration::from_secs(60));
        lines.sort_unstable();
        assert_eq!((ended, lines), (Ended::Well, vec!["err".to_owned(), "out".to_owned()]));
        assert_eq!(shell("exit 3", Duration::from_secs(60)).0, Ended::Badly);
    }

    #[cfg(unix)]
    #[test]
    fn ends_what_has_fallen_silent() {
        assert_eq!(shell("exec sleep 600", Duration::from_millis(50)).0, Ended::Silent);
    }
}
