//! The call of a probe.

use std::{
    fmt,
    panic::resume_unwind,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::time::{Sleep, sleep};

use super::{Answer, ProbeError, Reply, state::Shared};

/// The future of a call to a [`Probe`](super::Probe), counted as live until it is done or dropped.
#[must_use = "futures do nothing unless polled"]
pub struct ProbeFuture {
    shared: Arc<Shared>,
    key: u64,
    reply: Reply,
    number: u64,
    /// The number of releases when this call began.
    releases: u64,
    sleep: Option<Pin<Box<Sleep>>>,
    live: bool,
}

// === impl ProbeFuture ===

impl ProbeFuture {
    pub(super) fn start(shared: Arc<Shared>, key: u64, reply: Reply, number: u64, releases: u64) -> Self {
        let call = Self { shared, key, reply, number, releases, sleep: None, live: true };
        if matches!(call.reply, Reply::PanicInCall) {
            panic_as_scripted();
        }
        call
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.live) {
            let key = self.key;
            self.shared.change(|state| {
                state.unpark(key);
                state.live -= 1;
            });
        }
    }

    fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, ProbeError>> {
        loop {
            return match &mut self.reply {
                Reply::Count => Poll::Ready(Ok(self.number.into())),
                Reply::Answer(value) => Poll::Ready(Ok((*value).into())),
                Reply::Fail => Poll::Ready(Err(ProbeError::Failed)),
                Reply::Hang => Poll::Pending,
                Reply::Panic | Reply::PanicInCall => panic_as_scripted(),
                Reply::Hold => {
                    let mut state = self.shared.lock();
                    if state.releases > self.releases {
                        return Poll::Ready(Ok(self.number.into()));
                    }
                    state.park(self.key, cx.waker());
                    Poll::Pending
                }
                Reply::After(wait, reply) => {
                    let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep(*wait)));
                    ready!(sleep.as_mut().poll(cx));
                    self.sleep = None;
                    self.reply = std::mem::take(reply);
                    continue;
                }
            };
        }
    }
}

impl Future for ProbeFuture {
    type Output = Result<Answer, ProbeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.live {
            self.shared.violation(format!("the future of call {} was polled after it was done", self.number));
            return Poll::Pending;
        }
        let result = ready!(self.poll_reply(cx));
        self.end();
        Poll::Ready(result)
    }
}

impl Drop for ProbeFuture {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for ProbeFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProbeFuture").field("number", &self.number).field("reply", &self.reply).finish_non_exhaustive()
    }
}

/// Unwinds without the panic hook, so that an expected panic prints nothing.
fn panic_as_scripted() -> ! {
    resume_unwind(Box::new("the probe panicked as scripted"))
}
