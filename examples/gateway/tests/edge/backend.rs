//! A backend that reads raw requests and answers each by the script of its row.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::net::{TcpListener, TcpStream};

use crate::{
    message::{End, Message},
    row::{OK, Step},
    wire::Wire,
};

/// The part of a path between these names a row.
const MARK: char = '~';

#[derive(Clone, Default)]
pub(crate) struct Backend(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    scripts: HashMap<String, Vec<Step>>,
    seen: HashMap<String, Vec<Message>>,
    /// Requests that belong to no row, except for probes.
    stray: Vec<Message>,
}

/// Returns the path of a row with this key.
pub(crate) fn path_of(key: &str) -> String {
    format!("/api/v1/{MARK}{key}{MARK}")
}

// === impl Backend ===

impl Backend {
    /// Starts a backend on a free port.
    pub(crate) async fn start() -> (Self, SocketAddr) {
        let (backend, listener) = (Self::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = listener.local_addr().unwrap();
        let own = backend.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let backend = own.clone();
                tokio::spawn(async move { backend.serve(stream).await });
            }
        });
        (backend, address)
    }

    pub(crate) fn script(&self, key: &str, steps: Vec<Step>) {
        self.state().scripts.insert(key.to_owned(), steps);
    }

    /// Returns the requests that have arrived for a row.
    pub(crate) fn seen(&self, key: &str) -> Vec<Message> {
        self.state().seen.get(key).cloned().unwrap_or_default()
    }

    /// Returns the requests that belong to no row.
    pub(crate) fn stray(&self) -> Vec<Message> {
        self.state().stray.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, stream: TcpStream) {
        // A peer that closes early is what some rows are about.
        let _ = stream.set_nodelay(true);
        let mut wire = Wire::new(stream, None);
        while let Some(request) = wire.head().await {
            if !self.answer(&mut wire, request).await {
                return;
            }
        }
    }

    /// Runs the script of a request. Returns whether the connection stays open.
    async fn answer(&self, wire: &mut Wire, mut request: Message) -> bool {
        let key = request.line.split(MARK).nth(1).unwrap_or_default().to_owned();
        let script = self.state().scripts.get(&key).cloned();
        let mut place = None;
        let mut is_read = false;
        let is_known = script.is_some();
        for step in script.unwrap_or_else(|| vec![Step::Request, Step::Send(OK.to_owned()), Step::Close]) {
            let done = match step {
                Step::Head => {
                    let unread = Message { end: End::Cut("body not read".to_owned()), ..request.clone() };
                    self.record(&key, is_known, &unread, &mut place);
                    true
                }
                Step::Request if is_read => true,
                Step::Request => {
                    wire.body(&mut request).await;
                    self.record(&key, is_known, &request, &mut place);
                    is_read = true;
                    request.end == End::Whole
                }
                Step::Send(text) => wire.send(&text).await.is_ok(),
                Step::Flood(text) => wire.flood(&text).await,
                Step::Until(text) => wire.until(text).await.is_ok(),
                Step::Shutdown => wire.shutdown().await.is_ok(),
                Step::Close => false,
            };
            if !done {
                return false;
            }
        }
        true
    }

    /// Records a request, in place of what was recorded of it before.
    fn record(&self, key: &str, is_known: bool, request: &Message, place: &mut Option<usize>) {
        let mut state = self.state();
        if !is_known {
            if !request.line.contains("/healthz ") {
                state.stray.push(request.clone());
            }
            return;
        }
        let seen = state.seen.entry(key.to_owned()).or_default();
        match *place {
            Some(place) => seen[place] = request.clone(),
            None => {
                *place = Some(seen.len());
                seen.push(request.clone());
            }
        }
    }
}
