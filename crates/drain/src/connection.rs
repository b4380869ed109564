//! One connection, from accept to its end.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use axum::Router;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto::{Builder, UpgradeableConnection},
};
use mainstay_core::escaped;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::sleep,
};

use crate::{
    connection_state::ConnectionState,
    drain::Drain,
    pause::{PauseTimer, Wait},
    phase::Phase,
    request::CountingService,
    server_settings::ServerSettings,
    stream::StreamExecutor,
    tracked_io::TrackedIo,
};

/// How long an idle connection stays open after accepting has stopped. A request that was in transit is answered, not
/// reset; an idle client or an incomplete request head delays the exit by no more than this.
const IDLE_GRACE: Duration = Duration::from_millis(250);

/// Pings detect an HTTP/2 peer that is gone.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// What one connection costs at most in buffers, apart from the application: HTTP/1 holds these bytes for reading and as
/// many for writing, and at least one request head.
const HTTP1_BUFFER: usize = 128 * 1024;
/// HTTP/2: the bytes of requests that the application has not read, over all streams.
const HTTP2_WINDOW: u32 = 1024 * 1024;
/// HTTP/2: the streams, each with one piece of its response in hyper's hands and this much in h2's buffer.
const HTTP2_STREAMS: u32 = 100;
const HTTP2_SEND_BUFFER: usize = 64 * 1024;

/// Serves connections; shared by all of a server.
pub(crate) struct ConnectionDriver {
    router: Router,
    drain: Drain,
    settings: ServerSettings,
    /// Whether a connection ends after its first response.
    once: bool,
}

type Connection<'a, I, A> = UpgradeableConnection<'a, TokioIo<TrackedIo<I>>, CountingService<A>, StreamExecutor>;

/// Why the driving of a connection paused.
enum Step {
    Ended(Result<(), Box<dyn std::error::Error + Send + Sync>>),
    /// The client paused for too long.
    Paused(Wait),
}

// === impl ConnectionDriver ===

impl ConnectionDriver {
    pub(crate) fn new(router: Router, drain: &Drain, settings: ServerSettings) -> Self {
        // `with_state` builds the routes here; without it axum builds them for each request.
        Self { router: router.with_state(()), drain: drain.clone(), settings, once: false }
    }

    /// Ends each connection after its first response.
    pub(crate) fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Creates a builder for one connection, whose streams the executor spawns.
    fn builder(&self, executor: StreamExecutor) -> Builder<StreamExecutor> {
        let mut builder = Builder::new(executor);
        // The head has a limit of its own: see `Wait`.
        builder
            .http1()
            .header_read_timeout(None)
            .max_buf_size(HTTP1_BUFFER.max(self.settings.max_head_bytes))
            .keep_alive(!self.once);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .initial_connection_window_size(HTTP2_WINDOW)
            .initial_stream_window_size(HTTP2_WINDOW)
            .max_concurrent_streams(HTTP2_STREAMS)
            .max_header_list_size(u32::try_from(self.settings.max_head_bytes).unwrap_or(u32::MAX))
            .max_send_buf_size(HTTP2_SEND_BUFFER);
        if self.once { builder.http1_only() } else { builder }
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
        let service = CountingService::new(
            self.router.clone(),
            peer,
            Arc::clone(&state),
            self.drain.clone(),
            self.settings.max_head_bytes,
        );
        let builder = self.builder(StreamExecutor::new(Arc::clone(&state), self.settings.write_timeout));
        let io = TokioIo::new(TrackedIo::new(io, Arc::clone(&state), open));
        let mut connection = pin!(builder.serve_connection_with_upgrades(io, service));
        let mut pauses = PauseTimer::new(self.settings);
        let mut closing = pin!(self.drain.reached(Phase::Closing));
        let mut finishing = pin!(self.drain.reached(Phase::Finishing));

        let mut said_goodbye = false;
        loop {
            tokio::select! {
                biased;
                step = advance(connection.as_mut(), &mut pauses, &state) => match step {
                    // The client has as long again to close; `pauses` begins anew.
                    Step::Paused(Wait::NextRequest(_)) if state.is_http2() && !said_goodbye => {
                        said_goodbye = true;
                        connection.as_mut().graceful_shutdown();
                    }
                    step => return end(step, &state),
                },
                () = closing.as_mut() => break,
            }
        }

        if state.is_http2() {
            // GOAWAY still admits requests that were in transit.
            connection.as_mut().graceful_shutdown();
        }
        tokio::select! {
            biased;
            step = advance(connection.as_mut(), &mut pauses, &state) => return end(step, &state),
            () = finishing.as_mut() => return state.abort(),
            () = sleep(IDLE_GRACE) => {}
        }

        state.refuse();
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            biased;
            step = advance(connection.as_mut(), &mut pauses, &state) => end(step, &state),
            // The connection was polled just above, and did not close by itself.
            () = async {}, if state.is_idle() => 0,
            () = finishing.as_mut() => state.abort(),
        }
    }
}

/// Drives a connection until it ends or its client pauses for too long.
async fn advance<I, A>(
    mut connection: Pin<&mut Connection<'_, I, A>>,
    pauses: &mut PauseTimer,
    state: &ConnectionState,
) -> Step
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Clone + Send + Sync + 'static,
{
    poll_fn(|cx| match connection.as_mut().poll(cx) {
        Poll::Ready(ended) => Poll::Ready(Step::Ended(ended)),
        Poll::Pending => pauses.poll(cx, state.wait()).map(Step::Paused),
    })
    .await
}

/// A client that disconnects or pauses is not an error of the server.
fn end(step: Step, state: &ConnectionState) -> u64 {
    match step {
        Step::Ended(Ok(())) => {}
        Step::Ended(Err(error)) => tracing::trace!(error = %escaped(&error), "connection ended early"),
        Step::Paused(wait) => {
            tracing::debug!(?wait, "client paused for too long: connection closed");
            if let Wait::Write(_) = wait {
                state.give_up_write();
            }
        }
    }
    0
}
