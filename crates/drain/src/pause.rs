//! The time that a connection may wait for its client.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep, sleep};

use crate::server_settings::ServerSettings;

/// What a connection waits for. The numbers tell one wait from the next of the same kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The application, or a body that the application reads: not limited here.
    Application,
    /// The client, to take bytes.
    Write(usize),
    /// The client, to send the rest of a request head, or its first one.
    Head(usize),
    /// The client, to begin the next request.
    NextRequest(usize),
}

/// One timer for all waits of a connection, because it waits for one thing at a time.
pub(crate) struct PauseTimer {
    settings: ServerSettings,
    wait: Wait,
    timer: Pin<Box<Sleep>>,
}

// === impl PauseTimer ===

impl PauseTimer {
    pub(crate) fn new(settings: ServerSettings) -> Self {
        Self { settings, wait: Wait::Application, timer: Box::pin(sleep(settings.head_timeout)) }
    }

    /// Is ready when the connection has waited for the same thing for too long. The next poll begins a new wait.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, wait: Wait) -> Poll<Wait> {
        if wait != self.wait {
            self.wait = wait;
            let limit = match wait {
                Wait::Application => return Poll::Pending,
                Wait::Write(_) => self.settings.write_timeout,
                Wait::Head(_) => self.settings.head_timeout,
                Wait::NextRequest(_) => self.settings.idle_timeout,
            };
            self.timer.as_mut().reset(Instant::now() + limit);
        }
        if wait == Wait::Application || self.timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.wait = Wait::Application;
        Poll::Ready(wait)
    }
}
