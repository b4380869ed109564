//! A steady load that does not slow down with the server: requests are sent when they are due.

use std::net::SocketAddr;
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::clock::{now, wait_until};

use super::client::Client;
use super::recording::Request;

/// Requests per second.
pub(super) const RATE: u32 = 40;
/// Connections that take turns: each is free again long before its turn, even while requests wait for a silence.
const CONNECTIONS: u32 = 20;

pub(super) fn start<'scope>(
    threads: &'scope Scope<'scope, '_>,
    gateway: SocketAddr,
    begun: Instant,
    length: Duration,
) -> Vec<ScopedJoinHandle<'scope, Vec<Request>>> {
    (0..CONNECTIONS).map(|first| threads.spawn(move || client(first, gateway, begun, length))).collect()
}

/// Every so-many-th request, from the `first` on.
fn client(first: u32, gateway: SocketAddr, begun: Instant, length: Duration) -> Vec<Request> {
    let mut client = Client::new(gateway);
    let turns = (first..).step_by(CONNECTIONS as usize).map(|turn| turn * Duration::from_secs(1) / RATE);
    turns.take_while(|due| *due < length).map(|due| send(&mut client, begun, begun + due)).collect()
}

fn send(client: &mut Client, begun: Instant, due: Instant) -> Request {
    // A connection that is still busy makes its next request wait: that counts. That our own thread wakes late does not.
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
