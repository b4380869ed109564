//! An open-loop load: requests are sent at a fixed rate, however slow the server is.

use std::net::SocketAddr;
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::clock::{now, wait_until};

use super::client::Client;
use super::recording::Request;

/// Requests per second.
pub(super) const RATE: u32 = 40;
/// Connections, used in rotation. A connection has an answer long before its next request, even during a failover.
const CONNECTIONS: u32 = 20;

pub(super) fn start<'scope>(
    threads: &'scope Scope<'scope, '_>,
    gateway: SocketAddr,
    begun: Instant,
    length: Duration,
) -> Vec<ScopedJoinHandle<'scope, Vec<Request>>> {
    (0..CONNECTIONS).map(|first| threads.spawn(move || client(first, gateway, begun, length))).collect()
}

/// Sends every `CONNECTIONS`-th request, starting with number `first`.
fn client(first: u32, gateway: SocketAddr, begun: Instant, length: Duration) -> Vec<Request> {
    let mut client = Client::new(gateway);
    let turns = (first..).step_by(CONNECTIONS as usize).map(|turn| turn * Duration::from_secs(1) / RATE);
    turns.take_while(|due| *due < length).map(|due| send(&mut client, begun, begun + due)).collect()
}

fn send(client: &mut Client, begun: Instant, due: Instant) -> Request {
    // Latency counts from `due` if the connection was busy, and from now if only this thread woke up late.
    let sent = if now() < due {
        wait_until(due);
        now()
    } else {
        due
    };
    let answer = client.send("GET", "/api/v1/json", "");
    let took = sent.elapsed().as_secs_f64();
    let at = (sent - begun).as_secs_f64();
    match answer {
        Ok(answer) => Request { at, took, status: Some(answer.status), served_by: answer.served_by },
        Err(_) => Request { at, took, status: None, served_by: String::new() },
    }
}
