//! Runs a program and shows its output as it comes, reading along where there is something to count.

use std::io::{self, Read, Write};
use std::process::{ChildStderr, ChildStdout, Command, Stdio};
use std::thread;

/// Runs `command` on our own terminal; `true` if it succeeded.
pub(crate) fn run(command: &mut Command) -> io::Result<bool> {
    println!("$ {}", shown(command));
    Ok(command.status()?.success())
}

/// Runs `command`, passes both its streams on and gives every finished line to `read`; `true` if it succeeded.
///
/// The bytes are passed on before they are looked at: `test foo ... ` has to be seen while `foo` runs.
pub(crate) fn run_reading<L>(command: &mut Command, read: L) -> io::Result<bool>
where
    L: Fn(&str) + Sync,
{
    println!("$ {}", shown(command));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdout: Option<ChildStdout> = child.stdout.take();
    let stderr: Option<ChildStderr> = child.stderr.take();
    thread::scope(|scope| {
        let out = scope.spawn(|| stdout.map_or(Ok(()), |from| pass_on(from, io::stdout(), &read)));
        let err = stderr.map_or(Ok(()), |from| pass_on(from, io::stderr(), &read));
        err.and(
            out.join()
                .unwrap_or_else(|_| Err(io::Error::other("the reader of stdout panicked"))),
        )
    })?;
    Ok(child.wait()?.success())
}

/// Whether `command` can be started here and succeeds; its output is dropped.
pub(crate) fn works(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let program = program.file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn pass_on(mut from: impl Read, mut to: impl Write, read: impl Fn(&str)) -> io::Result<()> {
    let mut chunk = [0; 8192];
    let mut line = Vec::new();
    loop {
        let n = match from.read(&mut chunk) {
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if n == 0 {
            break;
        }
        to.write_all(&chunk[..n])?;
        to.flush()?;
        for &byte in &chunk[..n] {
            if byte == b'\n' {
                read(&plain(&line));
                line.clear();
            } else {
                line.push(byte);
            }
        }
    }
    if !line.is_empty() {
        read(&plain(&line));
    }
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
    use std::sync::Mutex;

    use super::{Command, pass_on, plain, shown};

    #[test]
    fn passes_bytes_on_and_reads_lines() {
        let mut to = Vec::new();
        let lines = Mutex::new(Vec::new());
        let from: &[u8] = b"one\r\n\x1b[1mtwo\x1b[0m\nlast";
        pass_on(from, &mut to, |line| {
            lines.lock().unwrap().push(line.to_owned());
        })
        .unwrap();
        assert_eq!(to, from);
        assert_eq!(lines.into_inner().unwrap(), ["one", "two", "last"]);
    }

    #[test]
    fn colours_are_not_text() {
        assert_eq!(
            plain(b"\x1b[32;1m     Summary\x1b[0m [ 1s]"),
            "     Summary [ 1s]"
        );
    }

    #[test]
    fn commands_read_as_typed() {
        let mut command = Command::new("/opt/rust/bin/cargo");
        assert_eq!(shown(command.args(["fmt", "--all"])), "cargo fmt --all");
    }
}
