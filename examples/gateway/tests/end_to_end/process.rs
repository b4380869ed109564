//! A process under test: its start, its output, signals to it. It is killed when the handle is dropped.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use crate::client::until;

/// Longer than any step of these tests takes, even on a busy machine.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
    log: Log,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

/// The memory of a process in bytes: now, and its peak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}

// === impl Process ===

impl Process {
    /// Starts the gateway's binary and waits for the line with its address.
    pub(crate) fn start(args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = command(args, variables).spawn().unwrap();
        let log = Log::default();
        let (first_line, first) = mpsc::channel();
        log.follow(child.stdout.take().unwrap(), Some(first_line));
        log.follow(child.stderr.take().unwrap(), None);
        let line: Result<String, _> = first.recv_timeout(TEST_TIMEOUT);
        let address = line.ok().and_then(|line| line.rsplit_once("http://")?.1.trim().parse().ok());
        let Some(address) = address else {
            let _ = child.kill();
            panic!("{args:?} did not print its address:\n{}", log.read());
        };
        Self { child, address, log }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn log(&self) -> String {
        self.log.read()
    }

    /// Stops the process by SIGSTOP, and waits until every thread has stopped.
    pub(crate) async fn stop(&self) {
        self.signal("STOP");
        let stopped = |task: fs::DirEntry| fs::read_to_string(task.path().join("stat")).unwrap().contains(") T ");
        let tasks = || fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        until("it has stopped", async || tasks().all(|task| stopped(task.unwrap())).then_some(())).await;
    }

    /// Sends a signal: `KILL`, `CONT`, `TERM`, `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Sets the limit of open files. Files that are open stay open.
    pub(crate) fn limit_files(&self, files: u32) {
        let pid = self.child.id().to_string();
        let status = Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={files}:")]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the process to end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        until("the process ends", async || self.child.try_wait().unwrap()).await
    }

    pub(crate) fn memory(&self) -> Memory {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
        };
        Memory { now: field("VmRSS:"), peak: field("VmHWM:") }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- log of process {} ---\n{}", self.child.id(), self.log.read());
        }
    }
}

/// Returns the command of the gateway's binary, with these variables only in its environment.
pub(crate) fn command(args: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command.args(args).env_clear().envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

// === impl Log ===

impl Log {
    fn read(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Collects every line, and sends the first one to `first`.
    fn follow(&self, output: impl Read + Send + 'static, mut first: Option<mpsc::Sender<String>>) {
        let log = self.clone();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let mut text = log.0.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(&line);
                text.push('\n');
                drop(text);
                if let Some(first) = first.take() {
                    let _ = first.send(line);
                }
            }
        });
    }
}
