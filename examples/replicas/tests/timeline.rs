//! A short run: its timeline, and the end of all its processes. Times are not checked.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test")]

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpStream,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use tokio::time::{sleep, timeout};

/// Longer than any step of these tests takes.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

const REPLICAS: [&str; 3] = ["replica 1", "replica 2", "replica 3"];

/// A run that has printed its five processes.
struct Run {
    child: Child,
    output: BufReader<Box<dyn Read>>,
    introduction: String,
}

// === impl Run ===

impl Run {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_replicas"));
        let mut child = command.arg("--quick").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output: Box<dyn Read> = Box::new(child.stdout.take().unwrap());
        let (mut output, mut introduction) = (BufReader::new(output), String::new());
        while !introduction.contains("A letter is") {
            assert!(output.read_line(&mut introduction).unwrap() > 0, "ended within {introduction:?}");
        }
        Self { child, output, introduction }
    }

    /// Returns the addresses and the process ids.
    fn started(&self) -> Vec<(String, String)> {
        let started = self.introduction.lines().filter_map(|line| {
            let (address, id) = line.split_once("http://")?.1.split_once("  process ")?;
            Some((address.to_owned(), id.to_owned()))
        });
        started.collect()
    }

    fn end(mut self) -> Output {
        let mut text = self.introduction;
        self.output.read_to_string(&mut text).unwrap();
        let output = self.child.wait_with_output().unwrap();
        Output { stdout: text.into_bytes(), ..output }
    }
}

fn signal(name: &str, process: &str) {
    assert!(Command::new("kill").args([name, process]).status().unwrap().success());
}

/// Waits until each listener is closed. The kernel closes them some time after the kill.
async fn assert_gone(started: &[(String, String)]) {
    assert_eq!(started.len(), 5, "{started:?}");
    for (address, id) in started {
        let gone = async {
            while TcpStream::connect(address).is_ok() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(timeout(TEST_TIMEOUT, gone).await.is_ok(), "process {id} still listens on {address}");
    }
}

#[tokio::test]
async fn timeline_shows_outages_departures_probes_and_returns() {
    let run = Run::start();
    let started = run.started();
    let output = run.end();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));

    assert_eq!(events_of(&text, "primary"), ["fails", "recovers", "falls", "recovers"], "{text}");
    for replica in REPLICAS {
        let events = events_of(&text, replica);
        let moves: Vec<_> = events.iter().filter(|what| matches!(**what, "left" | "returned")).collect();
        assert!(moves.len() >= 2 && moves.len() % 2 == 0, "{text}");
        assert!(moves.chunks(2).all(|pair| pair == [&"left", &"returned"]), "{text}");
        for (place, _) in events.iter().enumerate().filter(|(_, what)| **what == "returned") {
            assert_eq!(events[place - 1], "probes", "the progress is shown before a return: {text}");
        }
        let [requests, _, avoidable, changes] = figures(&text, replica);
        assert!(requests > 50 && changes >= moves.len() as u64, "{text}");
        assert_eq!(avoidable, 0, "{text}");
        let seconds = picture(&text, replica);
        assert_eq!(seconds.len(), picture(&text, "primary").len(), "{text}");
        assert!(seconds.contains(['B', '/']) && seconds.ends_with(['P', '/']), "{text}");
    }
    assert!(text.contains("No client got an error that another attempt could have avoided."), "{text}");
    let returns: Vec<_> = text.lines().filter(|line| line.starts_with("Return ")).collect();
    assert!(
        !returns.is_empty() && returns.iter().all(|line| line.ends_with("; no two in the same instant.")),
        "{text}"
    );
    assert_gone(&started).await;
}

#[tokio::test]
async fn interrupt_ends_all_processes() {
    let run = Run::start();
    let started = run.started();
    signal("-INT", &run.child.id().to_string());
    assert_eq!(run.end().status.code(), Some(130));
    assert_gone(&started).await;
}

#[tokio::test]
async fn error_ends_all_processes() {
    let run = Run::start();
    let started = run.started();
    signal("-KILL", &started[3].1);
    let output = run.end();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("replicas: ") && error.contains(&started[3].0), "{error}");
    assert_gone(&started).await;
}

/// Returns the first word of each event of a process.
fn events_of<'a>(text: &'a str, source: &str) -> Vec<&'a str> {
    let events = text.lines().filter_map(|line| line.trim_start().split_once(" s  ")?.1.strip_prefix(source));
    events.filter_map(|what| what.split_whitespace().next()).map(|word| word.trim_end_matches(':')).collect()
}

/// Returns the row of a replica in the table: requests, errors, avoidable errors, changes of route.
fn figures(text: &str, source: &str) -> [u64; 4] {
    let table = text.split("avoidable errors").nth(1).unwrap();
    let line = table.lines().find_map(|line| line.strip_prefix(source)).unwrap();
    let figures: Vec<_> = line.split_whitespace().take(4).map(|figure| figure.parse().unwrap()).collect();
    figures.try_into().unwrap()
}

/// Returns the letters of a process in the picture of the whole run.
fn picture<'a>(text: &'a str, source: &str) -> &'a str {
    let picture = text.split("\nseconds ").nth(1).unwrap();
    picture.lines().find_map(|line| line.strip_prefix(source)).unwrap().strip_prefix("  ").unwrap().trim_start()
}
