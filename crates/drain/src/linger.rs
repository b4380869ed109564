//! Reads and discards what a client still sends after its answer.
//!
//! A socket that is closed while bytes of the client are unread sends RST, and the client then loses the answer that it
//! has not read yet: a 503 to a large upload, a 413, a 431. Therefore the server ends its own side first, and reads on
//! for a bounded time and amount (RFC 9112, 9.6).

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    time::{Sleep, sleep},
};

/// How long a client may take to end its side.
const TIME: Duration = Duration::from_secs(5);

/// How many bytes are discarded at most.
const AMOUNT: usize = 64 * 1024 * 1024;

/// The time and the bytes that are left.
#[derive(Debug)]
pub(crate) struct Linger {
    left: usize,
    timer: Pin<Box<Sleep>>,
}

// === impl Linger ===

impl Linger {
    pub(crate) fn new() -> Self {
        Self { left: AMOUNT, timer: Box::pin(sleep(TIME)) }
    }

    /// Is ready when the client has ended its side, or no more is read.
    pub(crate) fn poll<I: AsyncRead>(&mut self, mut io: Pin<&mut I>, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 4096];
        while self.left > 0 {
            let mut buf = ReadBuf::new(&mut scratch);
            match io.as_mut().poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    self.left = self.left.saturating_sub(buf.filled().len());
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.timer.as_mut().poll(cx),
            }
        }
        Poll::Ready(())
    }
}
