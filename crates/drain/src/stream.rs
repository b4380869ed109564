//! The task of one HTTP/2 stream, which ends if the client takes nothing of the response.
//!
//! A client holds a stream open with a flow-control window of zero. hyper then waits for the window with a frame in its
//! hands and does not poll the body, so that no timer in a body can end the wait. Only the future of the stream can be
//! dropped, which resets the stream and drops the body. hyper hands that future to an executor.
//!
//! A stream also waits while the socket is full of the bytes of other streams. That wait is the connection's, which has
//! the same limit for a client that takes no byte at all.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

use crate::{connection_state::ConnectionState, send_progress::SendProgress};

/// Spawns the streams of one connection.
#[derive(Clone)]
pub(crate) struct StreamExecutor {
    connection: Arc<ConnectionState>,
    write_timeout: Duration,
}

pin_project! {
    /// A stream, and the time that its client may take for one frame.
    struct Stream<F> {
        #[pin]
        stream: F,
        connection: Arc<ConnectionState>,
        progress: Arc<SendProgress>,
        write_timeout: Duration,
        // The frame that the timer is armed for.
        frame: Option<usize>,
        // How often a blocked write of the connection had continued when the timer was armed.
        unblocked: usize,
        #[pin]
        timer: Option<Sleep>,
    }
}

// === impl StreamExecutor ===

impl StreamExecutor {
    pub(crate) fn new(connection: Arc<ConnectionState>, write_timeout: Duration) -> Self {
        Self { connection, write_timeout }
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for StreamExecutor {
    fn execute(&self, stream: F) {
        match self.connection.take_stream() {
            Some(progress) => {
                let (connection, write_timeout) = (Arc::clone(&self.connection), self.write_timeout);
                tokio::spawn(Stream {
                    stream,
                    connection,
                    progress,
                    write_timeout,
                    frame: None,
                    unblocked: 0,
                    timer: None,
                });
            }
            // Not a request, but the stream of an upgraded one.
            None => drop(tokio::spawn(stream)),
        }
    }
}

// === impl Stream ===

impl<F: Future<Output = ()>> Future for Stream<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.stream.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let frame = this.progress.waiting_frame();
        if frame != *this.frame {
            *this.frame = frame;
            *this.unblocked = this.connection.write_waits().0;
            match this.timer.as_mut().as_pin_mut() {
                Some(timer) => timer.reset(Instant::now() + *this.write_timeout),
                None => this.timer.set(Some(sleep(*this.write_timeout))),
            }
        }
        let Some(mut timer) = this.timer.as_pin_mut().filter(|_| frame.is_some()) else { return Poll::Pending };
        ready!(timer.as_mut().poll(cx));
        // The streams of a connection have turns: this one waits for its turn while the socket is full.
        let (unblocked, is_blocked) = this.connection.write_waits();
        if is_blocked || unblocked != *this.unblocked {
            *this.unblocked = unblocked;
            timer.as_mut().reset(Instant::now() + *this.write_timeout);
            return timer.poll(cx);
        }
        tracing::debug!(write_timeout = ?this.write_timeout, "client takes nothing of a response: stream reset");
        Poll::Ready(())
    }
}
