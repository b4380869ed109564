//! A quick run works and leaves no process running. No time is asserted.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::time::{sleep, timeout};

/// The longest time until a killed process is gone.
const EXIT_TIMEOUT: Duration = Duration::from_secs(20);

/// A run of the benchmark. Dropping it sends SIGTERM, so that the run stops its processes.
struct Run {
    child: Child,
    /// The addresses of its processes.
    started: Vec<String>,
}

// === impl Run ===

impl Run {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mainstay-bench-gateway"));
        let child = command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child, started: Vec::new() }
    }

    /// Reads its progress up to a line with `what`, or to the end, and returns it.
    fn follow(&mut self, what: Option<&str>) -> String {
        let mut output = String::new();
        for line in BufReader::new(self.child.stderr.as_mut().unwrap()).lines().map_while(Result::ok) {
            if let Some((address, _)) = line.split_once("http://").and_then(|(_, rest)| rest.split_once("  process ")) {
                self.started.push(address.to_owned());
            }
            output = output + &line + "\n";
            if what.is_some_and(|what| line.contains(what)) {
                break;
            }
        }
        output
    }

    fn signal(&self, name: &str) {
        let _ = Command::new("kill").args([name, &self.child.id().to_string()]).status();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal("-TERM");
            let _ = self.child.wait();
        }
    }
}

/// Waits until the listeners are closed: the kernel closes those of a killed process with a delay.
async fn assert_gone(started: &[String]) {
    for address in started {
        let gone = async {
            while TcpStream::connect(address).is_ok() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(timeout(EXIT_TIMEOUT, gone).await.is_ok(), "a process still listens on {address}");
    }
}

#[tokio::test]
async fn quick_run_compiles_the_gateway_and_fills_the_table() {
    let mut run = Run::start(&["--quick"]);
    let output = run.follow(None);
    let table = std::io::read_to_string(run.child.stdout.take().unwrap()).unwrap();
    assert!(run.child.wait().unwrap().success(), "{output}");

    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| h")).map(cells).collect();
    let (figures, weights): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.len() == 12);
    // 2 protocols, few and many connections, 3 bodies, 2 proxies; 2 protocols, 2 proxies.
    assert_eq!((figures.len(), weights.len()), (24, 4), "{table}");
    for pair in figures.chunks(2) {
        assert_eq!((&*pair[0][2], &*pair[1][2], &*pair[0][1]), ("bare", "gateway", &*pair[1][1]), "{table}");
        assert!(pair[0][4].starts_with("1.000 "), "{table}");
        for figure in [3, 5, 6, 7, 8, 10].map(|place| pair[1][place].parse::<f64>().unwrap()) {
            assert!(figure.is_finite(), "{table}");
        }
    }
    assert!(weights.iter().all(|row| row[3].parse::<f64>().unwrap() > 0.0), "{table}");
    assert_eq!(table.lines().filter(|line| line.contains("of throughput lost")).count(), 6, "{table}");
    // 2 origins, 2 proxies, and 2 fresh proxies for each protocol to measure memory.
    assert_eq!(run.started.len(), 8, "{output}");
    assert_gone(&run.started).await;
}

#[tokio::test]
async fn interrupt_stops_all_processes_after_compiling() {
    let mut run = Run::start(&["--quick", "--only", "h1"]);
    run.follow(Some("round 1"));
    assert_eq!(run.started.len(), 4);
    run.signal("-INT");
    assert_eq!(run.child.wait().unwrap().code(), Some(130));
    assert_gone(&run.started).await;
}

#[test]
fn unknown_argument_is_reported() {
    let mut run = Run::start(&["--quik"]);
    assert!(run.follow(None).contains("--quik"));
    assert_eq!(run.child.wait().unwrap().code(), Some(2));
}
