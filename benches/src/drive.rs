//! Who calls what is measured: a Tower service, or a function where a peer has no service.

use std::{
    hint::black_box,
    io,
    pin::pin,
    sync::OnceLock,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::runtime::{Builder, Runtime};
use tower::Service;

/// One thread's means to make calls; clones share what the handles of the layers share.
pub trait Drive: Clone + Send + 'static {
    /// One call, from readiness to its end: was it answered?
    fn call(&mut self) -> bool;

    /// The bytes of the service, and of the future of a call. What a future keeps in a box is not seen.
    fn sizes(&mut self) -> (usize, usize);
}

/// Drives a service, with clones of one request.
#[derive(Clone, Debug)]
pub struct Tower<S, Req> {
    service: S,
    request: Req,
}

/// Drives a function that makes a future.
#[derive(Clone, Debug)]
pub struct Function<F>(pub F);

/// A call that is still pending after so many polls hangs.
const POLLS: u32 = 20_000;

/// What waits longer than a lock is held waits for a timer, which fires only while somebody drives the runtime.
const SPINS: u32 = 1_000;

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// The runtime of all calls. It is driven where a call waits for it, and never beside a call that does not.
pub(crate) fn runtime() -> io::Result<&'static Runtime> {
    let made = Builder::new_current_thread().enable_time().build()?;
    Ok(RUNTIME.get_or_init(|| made))
}

// === impl Tower ===

impl<S: Service<Req>, Req: Clone> Tower<S, Req> {
    /// What calls this service with this request.
    pub fn new(service: S, request: Req) -> Self {
        Self { service, request }
    }
}

impl<S, Req> Drive for Tower<S, Req>
where
    S: Service<Req> + Clone + Send + 'static,
    Req: Clone + Send + 'static,
{
    #[inline]
    fn call(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        for polls in 0..POLLS {
            match self.service.poll_ready(&mut cx) {
                Poll::Ready(Ok(())) => return to_the_end(self.service.call(black_box(self.request.clone()))),
                Poll::Ready(Err(_)) => return false,
                Poll::Pending => pause(polls),
            }
        }
        false
    }

    fn sizes(&mut self) -> (usize, usize) {
        (size_of::<S>(), size_of::<S::Future>())
    }
}

// === impl Function ===

impl<F, Fut, T, E> Drive for Function<F>
where
    F: FnMut() -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<T, E>>,
{
    #[inline]
    fn call(&mut self) -> bool {
        to_the_end((self.0)())
    }

    fn sizes(&mut self) -> (usize, usize) {
        (size_of::<F>(), size_of::<Fut>())
    }
}

/// Polls until the call is done. A poll that finds another thread in a lock is repeated at once. Inlined, for who awaits
/// a call does not move its future once more either.
#[inline(always)]
fn to_the_end<T, E>(call: impl Future<Output = Result<T, E>>) -> bool {
    let mut call = pin!(call);
    let mut cx = Context::from_waker(Waker::noop());
    for polls in 0..POLLS {
        match call.as_mut().poll(&mut cx) {
            // Not the result itself: to show it in memory would cost more than some of the layers.
            Poll::Ready(result) => return black_box(result.is_ok()),
            Poll::Pending => pause(polls),
        }
    }
    false
}

fn pause(polls: u32) {
    match RUNTIME.get() {
        Some(runtime) if polls > SPINS => runtime.block_on(tokio::time::sleep(Duration::from_micros(1))),
        _ => std::hint::spin_loop(),
    }
}
