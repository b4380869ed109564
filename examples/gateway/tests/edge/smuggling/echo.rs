//! A backend that keeps connections alive and answers each request with its request line.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::net::{TcpListener, TcpStream};

use crate::{
    message::{End, Message},
    wire::Wire,
};

/// The field in which the backend returns the request line.
pub(crate) const LINE: &str = "x-line";

/// A request for a path that contains this gets the answer of its case instead of the usual one.
pub(crate) const OWN_ANSWER: &str = "/own-answer";

#[derive(Clone, Default)]
pub(crate) struct Echo(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    seen: HashMap<IpAddr, Vec<Message>>,
    answers: HashMap<IpAddr, String>,
    /// Requests without one address of a client.
    stray: Vec<Message>,
}

// === impl Echo ===

impl Echo {
    pub(crate) async fn start() -> (Self, SocketAddr) {
        let (echo, listener) = (Self::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = listener.local_addr().unwrap();
        let own = echo.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let echo = own.clone();
                tokio::spawn(async move { echo.serve(stream).await });
            }
        });
        (echo, address)
    }

    pub(crate) fn answer_with(&self, client: IpAddr, answer: String) {
        self.state().answers.insert(client, answer);
    }

    pub(crate) fn seen(&self, client: IpAddr) -> Vec<Message> {
        self.state().seen.get(&client).cloned().unwrap_or_default()
    }

    pub(crate) fn stray(&self) -> Vec<Message> {
        self.state().stray.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut wire = Wire::new(stream, None);
        while let Some(mut request) = wire.head().await {
            wire.body(&mut request).await;
            let answer = self.record(&request);
            if request.end != End::Whole || wire.send(&answer).await.is_err() {
                return;
            }
        }
    }

    /// Records a request. Returns its answer.
    fn record(&self, request: &Message) -> String {
        let line = &request.line;
        let usual = format!("HTTP/1.1 200 OK\r\n{LINE}: {line}\r\nContent-Length: {}\r\n\r\n", line.len());
        let usual = if line.starts_with("HEAD ") { usual } else { usual + line };
        if line.contains("/healthz ") && request.values("via").is_empty() {
            return usual;
        }
        let mut state = self.state();
        let client = match request.values("x-forwarded-for")[..] {
            [address] => address.parse::<IpAddr>().ok(),
            _ => None,
        };
        let Some(client) = client else {
            state.stray.push(request.clone());
            return usual;
        };
        state.seen.entry(client).or_default().push(request.clone());
        match line.contains(OWN_ANSWER) {
            true => state.answers.get(&client).cloned().unwrap_or(usual),
            false => usual,
        }
    }
}
