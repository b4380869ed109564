//! How far the response of one HTTP/2 stream was sent.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// What hyper has taken of a response's body.
#[derive(Debug, Default)]
pub(crate) struct SendProgress {
    frames: AtomicUsize,
    /// Whether the last poll of the body returned a frame: hyper polls again as soon as the client has room for it.
    holds_frame: AtomicBool,
}

// === impl SendProgress ===

impl SendProgress {
    /// Records a poll of the body.
    pub(crate) fn polled(&self, has_frame: bool) {
        self.holds_frame.store(has_frame, Relaxed);
        if has_frame {
            self.frames.fetch_add(1, Relaxed);
        }
    }

    /// Returns the number of the frame that waits for the client.
    pub(crate) fn waiting_frame(&self) -> Option<usize> {
        self.holds_frame.load(Relaxed).then(|| self.frames.load(Relaxed))
    }
}
