//! One connection, from accept to its end, whatever its client does.

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

use crate::{drain::Drain, io::Watched, phase::Phase, request::Counted, tally::Activity};

/// How long a connection that seems idle stays open after accepting has stopped. A request that was on its way is
/// answered, not reset; an idle client or half a head holds the exit for no longer than this.
const GRACE: Duration = Duration::from_millis(250);

/// HTTP/2 has no head to wait for: a peer that is gone is found by asking it.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// What all connections of a server share.
pub(crate) struct Shared {
    builder: Builder<TokioExecutor>,
    router: Router,
    drain: Drain,
    head_timeout: Duration,
}

// === impl Shared ===

impl Shared {
    pub(crate) fn new(router: Router, drain: &Drain, head_timeout: Duration) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(head_timeout);
        builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING_INTERVAL).keep_alive_timeout(PING_TIMEOUT);
        // With its state, so that routes are made once and not for each request.
        Self { builder, router: router.with_state(()), drain: drain.clone(), head_timeout }
    }

    /// Serves a connection to its end. Gives the number of requests that the drain cut off.
    pub(crate) async fn drive<I, A>(
        self: Arc<Self>,
        io: I,
        peer: A,
        activity: Arc<Activity>,
        open: watch::Receiver<()>,
    ) -> u64
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        A: Clone + Send + Sync + 'static,
    {
        let service = Counted::new(self.router.clone(), peer, Arc::clone(&activity), self.drain.clone());
        let io = TokioIo::new(Watched::new(io, Arc::clone(&activity), open));
        let mut connection = pin!(self.builder.serve_connection_with_upgrades(io, service));
        let mut closing = pin!(self.drain.reached(Phase::Closing));
        let mut finishing = pin!(self.drain.reached(Phase::Finishing));

        // hyper's own timeout begins once it knows the version, which a silent client never tells.
        let mut first_head = pin!(sleep(self.head_timeout));
        let mut heard = false;
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => return log_end(ended),
                () = closing.as_mut() => break,
                () = first_head.as_mut(), if !heard => match activity.is_new() {
                    true => return 0,
                    false => heard = true,
                },
            }
        }

        if activity.is_http2() {
            // GOAWAY takes care of requests on their way by itself.
            connection.as_mut().graceful_shutdown();
        }
        tokio::select! {
            biased;
            ended = connection.as_mut() => return log_end(ended),
            () = finishing.as_mut() => return activity.cut(),
            () = sleep(GRACE) => {}
        }

        activity.refuse();
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            biased;
            ended = connection.as_mut() => log_end(ended),
            // It had its chance to close in good order just above.
            () = async {}, if activity.is_idle() => 0,
            () = finishing.as_mut() => activity.cut(),
        }
    }
}

/// A client that goes away is no event for a server.
fn log_end(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) -> u64 {
    if let Err(error) = ended {
        tracing::trace!(%error, "connection ended early");
    }
    0
}
