//! One connection, from accept to its end.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::sleep,
};

use crate::{
    drain::Drain, phase::Phase, request::CountingService, request_counters::ConnectionState, tracked_io::TrackedIo,
};

/// How long an idle connection stays open after accepting has stopped. A request that was in transit is answered, not
/// reset; an idle client or an incomplete request head delays the exit by no more than this.
const IDLE_GRACE: Duration = Duration::from_millis(250);

/// HTTP/2 connections have no head timeout: pings detect a peer that is gone.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Serves connections; shared by all of a server.
pub(crate) struct ConnectionDriver {
    builder: Builder<TokioExecutor>,
    router: Router,
    drain: Drain,
    head_timeout: Duration,
}

// === impl ConnectionDriver ===

impl ConnectionDriver {
    pub(crate) fn new(router: Router, drain: &Drain, head_timeout: Duration) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(head_timeout);
        builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING_INTERVAL).keep_alive_timeout(PING_TIMEOUT);
        // `with_state` builds the routes here; without it axum builds them for each request.
        Self { builder, router: router.with_state(()), drain: drain.clone(), head_timeout }
    }

    /// Serves a connection to its end. Returns the number of requests that the drain aborted.
    pub(crate) async fn drive<I, A>(
        self: Arc<Self>,
        io: I,
        peer: A,
        state: Arc<ConnectionState>,
        open: watch::Receiver<()>,
    ) -> u64
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        A: Clone + Send + Sync + 'static,
    {
        let service = CountingService::new(self.router.clone(), peer, Arc::clone(&state), self.drain.clone());
        let io = TokioIo::new(TrackedIo::new(io, Arc::clone(&state), open));
        let mut connection = pin!(self.builder.serve_connection_with_upgrades(io, service));
        let mut closing = pin!(self.drain.reached(Phase::Closing));
        let mut finishing = pin!(self.drain.reached(Phase::Finishing));

        // hyper's own timeout begins when the HTTP version is known. A silent client never sends it.
        let mut first_head = pin!(sleep(self.head_timeout));
        let mut head_received = false;
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => return log_end(ended),
                () = closing.as_mut() => break,
                () = first_head.as_mut(), if !head_received => match state.is_new() {
                    true => return 0,
                    false => head_received = true,
                },
            }
        }

        if state.is_http2() {
            // GOAWAY still admits requests that were in transit.
            connection.as_mut().graceful_shutdown();
        }
        tokio::select! {
            biased;
            ended = connection.as_mut() => return log_end(ended),
            () = finishing.as_mut() => return state.abort(),
            () = sleep(IDLE_GRACE) => {}
        }

        state.refuse();
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            biased;
            ended = connection.as_mut() => log_end(ended),
            // The connection was polled just above, and did not close by itself.
            () = async {}, if state.is_idle() => 0,
            () = finishing.as_mut() => state.abort(),
        }
    }
}

/// A client that disconnects is not an error of the server.
fn log_end(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) -> u64 {
    if let Err(error) = ended {
        tracing::trace!(%error, "connection ended early");
    }
    0
}
