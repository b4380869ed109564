//! A body that fails after a pause.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use mainstay_core::{BoxError, has_runtime};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

pin_project! {
    /// A body that fails with [`IdleTimeout`] if its next piece does not arrive in time: for requests of clients and for
    /// responses of servers. The length of the whole body is not limited.
    ///
    /// The timer runs only while a read waits. A reader that does not read is not the body's pause.
    ///
    /// tower-http's `TimeoutBody` arms a timer for each piece; this one does so only for a piece that has to be waited for.
    ///
    /// ```
    /// use std::time::Duration;
    /// use http_body_util::BodyExt;
    /// use mainstay_http::body::{IdleTimeout, IdleTimeoutBody};
    /// # use bytes::Bytes;
    /// # use http_body_util::StreamBody;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let silent = StreamBody::new(futures_util::stream::pending::<Result<http_body::Frame<Bytes>, std::io::Error>>());
    /// let error = IdleTimeoutBody::new(silent, Duration::from_secs(60)).collect().await.unwrap_err();
    /// assert!(error.is::<IdleTimeout>());
    /// # }
    /// ```
    #[derive(Debug)]
    pub struct IdleTimeoutBody<B> {
        #[pin]
        body: B,
        idle_timeout: Duration,
        // Whether the timer runs for the current wait.
        waits: bool,
        // Boxed, so that the body stays `Unpin`.
        timer: Option<Pin<Box<Sleep>>>,
    }
}

/// The next piece of a body did not arrive in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleTimeout(Duration);

// === impl IdleTimeoutBody ===

impl<B> IdleTimeoutBody<B> {
    /// Limits the time between two pieces of a body.
    pub fn new(body: B, idle_timeout: Duration) -> Self {
        Self { body, idle_timeout, waits: false, timer: None }
    }

    /// Returns the body. A read through it is not limited, and ends the current pause.
    pub fn get_mut(&mut self) -> &mut B {
        self.waits = false;
        &mut self.body
    }
}

impl<B: Body<Error: Into<BoxError>>> Body for IdleTimeoutBody<B> {
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let this = self.project();
        if let Poll::Ready(frame) = this.body.poll_frame(cx) {
            *this.waits = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let timer = match this.timer {
            Some(timer) => {
                if !*this.waits {
                    timer.as_mut().reset(Instant::now() + *this.idle_timeout);
                }
                timer
            }
            None if !has_runtime() => {
                return Poll::Ready(Some(Err("no tokio runtime for the idle timeout of a body".into())));
            }
            None => this.timer.insert(Box::pin(sleep(*this.idle_timeout))),
        };
        *this.waits = true;
        timer.as_mut().poll(cx).map(|()| Some(Err(IdleTimeout(*this.idle_timeout).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

// === impl IdleTimeout ===

impl fmt::Display for IdleTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no piece of the body arrived within {:?}", self.0)
    }
}

impl Error for IdleTimeout {}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use http_body_util::{BodyExt, StreamBody};
    use tokio::time::sleep;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A piece after each of these pauses.
    fn pieces(pauses: &'static [u32]) -> impl Body<Data = Bytes, Error = std::io::Error> + Unpin {
        let pieces = stream::iter(pauses).then(|pause| async move {
            sleep(SECOND * *pause).await;
            Ok(Frame::data(Bytes::from_static(b"x")))
        });
        StreamBody::new(Box::pin(pieces))
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_are_limited_and_the_whole_is_not() {
        let body = IdleTimeoutBody::new(pieces(&[0, 2, 2, 0, 2, 2]), SECOND * 3);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "xxxxxx");
        let start = Instant::now();
        let error = IdleTimeoutBody::new(pieces(&[2, 4]), SECOND * 3).collect().await.unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&IdleTimeout(SECOND * 3)));
        assert_eq!(start.elapsed(), SECOND * 5);
    }

    /// A client that does not read its download is not a pause of the server.
    #[tokio::test(start_paused = true)]
    async fn pause_of_the_reader_is_not_limited() {
        let mut body = IdleTimeoutBody::new(pieces(&[1, 1]), SECOND * 3);
        assert!(body.frame().await.unwrap().is_ok());
        sleep(SECOND * 10).await;
        assert!(body.frame().await.unwrap().is_ok());
        assert!(body.frame().await.is_none());
    }
}
