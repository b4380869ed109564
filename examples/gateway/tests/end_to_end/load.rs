//! Clients that send requests continuously and count the results.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::task::JoinSet;

use crate::client::get;

/// Four clients, each with one request after the other.
pub(crate) struct Load {
    clients: JoinSet<RequestCounts>,
    ended: Arc<AtomicBool>,
}

/// The results that clients got.
#[derive(Debug, Default)]
pub(crate) struct RequestCounts {
    pub(crate) answers: usize,
    pub(crate) errors: Vec<String>,
}

// === impl Load ===

impl Load {
    pub(crate) fn on(gateway: SocketAddr) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for _ in 0..4 {
            clients.spawn(ask(gateway, ended.clone()));
        }
        Self { clients, ended }
    }

    pub(crate) async fn end(self) -> RequestCounts {
        self.ended.store(true, Relaxed);
        let mut all = RequestCounts::default();
        for served in self.clients.join_all().await {
            all.answers += served.answers;
            all.errors.extend(served.errors);
        }
        all
    }
}

async fn ask(gateway: SocketAddr, ended: Arc<AtomicBool>) -> RequestCounts {
    let mut served = RequestCounts::default();
    while !ended.load(Relaxed) {
        let answer = get(gateway, "/api/v1/json").await;
        served.answers += 1;
        if !answer.status.is_success() {
            served.errors.push(format!("{answer:?}"));
        }
        // Leaves processor time to the processes under test.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    served
}

// === impl RequestCounts ===

impl RequestCounts {
    pub(crate) fn all_succeeded(&self) -> bool {
        self.answers > 0 && self.errors.is_empty()
    }
}
