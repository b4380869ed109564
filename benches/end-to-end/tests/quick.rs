//! The quick form: that it works and leaves nothing behind. No time is asserted.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean with them")]

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::time::{sleep, timeout};

/// Far beyond what it takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A run, ended in good order when the test lets go of it, so that it ends what it has started.
struct Run {
    child: Child,
    /// The addresses of what it has started.
    started: Vec<String>,
}

// === impl Run ===

impl Run {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mainstay-bench-gateway"));
        let child = command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child, started: Vec::new() }
    }

    /// Reads what it says of its doings until this is in a line, or to the end. Gives all of it.
    fn follow(&mut self, what: Option<&str>) -> String {
        let mut said = String::new();
        for line in BufReader::new(self.child.stderr.as_mut().unwrap()).lines().map_while(Result::ok) {
            if let Some((address, _)) = line.split_once("http://").and_then(|(_, rest)| rest.split_once("  process ")) {
                self.started.push(address.to_owned());
            }
            said = said + &line + "\n";
            if what.is_some_and(|what| line.contains(what)) {
                break;
            }
        }
        said
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

/// The kernel closes the listener of a killed process in its own time.
async fn assert_gone(started: &[String]) {
    for address in started {
        let gone = async {
            while TcpStream::connect(address).is_ok() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(timeout(PATIENCE, gone).await.is_ok(), "somebody still listens on {address}");
    }
}

#[tokio::test]
async fn the_quick_form_compiles_the_gateway_and_fills_the_table() {
    let mut run = Run::start(&["--quick"]);
    let said = run.follow(None);
    let table = std::io::read_to_string(run.child.stdout.take().unwrap()).unwrap();
    assert!(run.child.wait().unwrap().success(), "{said}");

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
    // 2 origins, 2 proxies, and each of them anew to be weighed with each protocol.
    assert_eq!(run.started.len(), 8, "{said}");
    assert_gone(&run.started).await;
}

#[tokio::test]
async fn an_interrupt_ends_everything_that_it_compiles_and_starts() {
    let mut run = Run::start(&["--quick", "--only", "h1"]);
    run.follow(Some("round 1"));
    assert_eq!(run.started.len(), 4);
    run.signal("-INT");
    assert_eq!(run.child.wait().unwrap().code(), Some(130));
    assert_gone(&run.started).await;
}

#[test]
fn what_it_does_not_know_it_says() {
    let mut run = Run::start(&["--quik"]);
    assert!(run.follow(None).contains("--quik"));
    assert_eq!(run.child.wait().unwrap().code(), Some(2));
}
