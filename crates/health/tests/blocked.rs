//! Checks that block their thread: in the function, in the future, and when the future is dropped.
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use mainstay_health::{Check, CheckOutcome, Health, Level};
use tokio::{net::TcpListener, runtime};

const LONG: Duration = Duration::from_secs(20);
const MS: Duration = Duration::from_millis(1);

/// Blocks a thread until the other end is dropped, and reports that it does.
#[derive(Clone)]
struct Blocker {
    blocks: mpsc::Sender<()>,
    until: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Blocker {
    fn new() -> (Self, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (blocks, is_blocking) = mpsc::channel();
        let (unblock, until) = mpsc::channel();
        (Self { blocks, until: Arc::new(Mutex::new(until)) }, is_blocking, unblock)
    }

    fn block(&self) {
        let _ = self.blocks.send(());
        let _ = self.until.lock().unwrap().recv();
    }
}

struct BlocksOnDrop(Blocker);

impl Drop for BlocksOnDrop {
    fn drop(&mut self) {
        self.0.block();
    }
}

fn in_the_function(blocker: Blocker) -> Check {
    Check::new("stuck", move || {
        blocker.block();
        async { CheckOutcome::healthy() }
    })
}

fn in_the_future(blocker: Blocker) -> Check {
    Check::new("stuck", move || {
        let blocker = blocker.clone();
        async move {
            tokio::time::sleep(MS).await;
            blocker.block();
            CheckOutcome::healthy()
        }
    })
}

fn in_the_drop(blocker: Blocker) -> Check {
    Check::new("stuck", move || {
        let blocks_on_drop = BlocksOnDrop(blocker.clone());
        async move {
            std::future::pending::<()>().await;
            drop(blocks_on_drop);
            CheckOutcome::healthy()
        }
    })
}

/// Returns the status line of the response.
fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap_or_else(|error| panic!("{path}: {error}"));
    answer.lines().next().unwrap_or_default().to_owned()
}

/// Runs the check until it blocks, and then reads the endpoints from outside of the runtime.
fn endpoints_respond(mut runtime: runtime::Builder, stuck: fn(Blocker) -> Check) {
    let (blocker, is_blocking, unblock) = Blocker::new();
    let (bound, address) = mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(async {
            let health = Health::builder()
                .check(stuck(blocker).interval(20 * MS).timeout(10 * MS))
                .check(Check::new("other", || async { CheckOutcome::healthy() }).critical())
                .build()
                .unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            bound.send((listener.local_addr().unwrap(), health.clone())).unwrap();
            let serving = axum::serve(listener, health.router());
            tokio::select! {
                result = async { serving.await } => result.unwrap(),
                _ = stopped => {}
            }
        });
        runtime.shutdown_background();
    });
    let (address, health) = address.recv_timeout(LONG).unwrap();
    is_blocking.recv_timeout(LONG).unwrap();
    // The other check may not have run yet.
    assert!((0..1_000).any(|_| get(address, "/ready") == "HTTP/1.1 200 OK"));
    for _ in 0..10 {
        for path in ["/live", "/ready", "/startup", "/healthz"] {
            assert_eq!(get(address, path), "HTTP/1.1 200 OK", "{path}");
        }
    }
    assert!(is_blocking.try_recv().is_err(), "a second run began while the first one blocks");
    let checks = health.snapshot().checks;
    assert!(checks[0].runs <= 1 && checks[1].level == Level::Healthy, "{checks:?}");
    stop.send(()).unwrap();
    drop(unblock);
    server.join().unwrap();
}

fn workers(number: usize) -> runtime::Builder {
    let mut builder = runtime::Builder::new_multi_thread();
    builder.worker_threads(number);
    builder
}

#[test]
fn endpoints_respond_on_two_workers_while_a_check_blocks_its_thread() {
    endpoints_respond(workers(2), in_the_function);
    endpoints_respond(workers(2), in_the_future);
    endpoints_respond(workers(2), in_the_drop);
}

#[test]
fn endpoints_respond_on_four_workers_while_a_check_blocks_its_thread() {
    endpoints_respond(workers(4), in_the_function);
    endpoints_respond(workers(4), in_the_future);
    endpoints_respond(workers(4), in_the_drop);
}

#[test]
fn endpoints_respond_on_eight_workers_while_a_check_blocks_its_thread() {
    endpoints_respond(workers(8), in_the_function);
    endpoints_respond(workers(8), in_the_future);
    endpoints_respond(workers(8), in_the_drop);
}

#[test]
fn endpoints_respond_on_one_thread_while_a_check_blocks_another() {
    endpoints_respond(runtime::Builder::new_current_thread(), in_the_function);
    endpoints_respond(runtime::Builder::new_current_thread(), in_the_future);
    endpoints_respond(runtime::Builder::new_current_thread(), in_the_drop);
}
