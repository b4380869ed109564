//! A server over pipes in memory, for tests under a paused clock.

use std::{io, time::Duration};

use axum::{
    Router,
    routing::{get, post},
    serve::Listener,
};
use mainstay_drain::{Drain, Server, ServerSettings};
use tokio::{
    io::{DuplexStream, duplex},
    sync::mpsc,
    time::sleep,
};

struct Pipes(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(pipe) => (pipe, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts a server, and returns a connection to it that has room for this many bytes.
pub(crate) fn connect(settings: ServerSettings, room: usize) -> DuplexStream {
    let (sender, pipes) = mpsc::unbounded_channel();
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/slow", get(|| async { sleep(Duration::from_secs(5)).await }))
        .route("/never", get(std::future::pending::<()>))
        .route("/pieces", get(|| async { vec![b'x'; 128 * 1024] }))
        .route("/echo", post(|body: String| async { body }));
    let server = Server::with_settings(Pipes(pipes), app, settings).unwrap();
    tokio::spawn(async move { server.run(&Drain::new()).await });
    let (client, ours) = duplex(room);
    sender.send(ours).unwrap();
    client
}
