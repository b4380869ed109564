//! Drivers that call the measured service, or a function if a peer has no Tower service.

use std::{
    hint::black_box,
    io,
    pin::pin,
    sync::OnceLock,
    task::{Context, Poll, Waker},
    time::Duration,
};

use http::{Request, Response};
use http_body::Body;
use tokio::runtime::{Builder, Runtime};
use tower::Service;

use crate::work::{Content, received};

/// Makes calls on one thread. Clones share the handles of the layers.
pub trait Drive: Clone + Send + 'static {
    /// Makes one call, from readiness to its end, and returns whether it succeeded.
    fn call(&mut self) -> bool;

    /// Returns the size of the service and of the future of a call, in bytes, without boxed parts.
    fn sizes(&mut self) -> (usize, usize);
}

/// Calls a service with clones of one request.
#[derive(Clone, Debug)]
pub struct Tower<S, Req> {
    service: S,
    request: Req,
}

/// Calls a service as a server does: clones it for each request, and reads the body of the response to its end.
///
/// The headers of a request share one buffer, as those that hyper parses do. Clones of the driver have buffers of their own.
#[derive(Debug)]
pub struct Served<S> {
    service: S,
    request: Request<Content>,
}

/// Calls a function that returns a future.
#[derive(Clone, Debug)]
pub struct Function<F>(pub F);

/// The maximum of polls; a call that is pending after these has failed.
const POLLS: u32 = 20_000;

/// Polls before the runtime is driven: a call that is pending for longer than a lock is held waits for a timer.
const SPINS: u32 = 1_000;

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// Returns the runtime of all calls. It is driven only while a call waits for a timer.
pub(crate) fn runtime() -> io::Result<&'static Runtime> {
    let made = Builder::new_current_thread().enable_time().build()?;
    Ok(RUNTIME.get_or_init(|| made))
}

// === impl Tower ===

impl<S: Service<Req>, Req: Clone> Tower<S, Req> {
    /// Creates a driver that calls `service` with clones of `request`.
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
                Poll::Ready(Ok(())) => return complete(self.service.call(black_box(self.request.clone()))),
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

// === impl Served ===

impl<S> Served<S> {
    /// Creates a driver that calls clones of `service`.
    pub fn new(service: S) -> Self {
        Self { service, request: received() }
    }
}

impl<S: Clone> Clone for Served<S> {
    fn clone(&self) -> Self {
        Self::new(self.service.clone())
    }
}

impl<S, B> Drive for Served<S>
where
    S: Service<Request<Content>, Response = Response<B>> + Clone + Send + 'static,
    B: Body,
{
    #[inline]
    fn call(&mut self) -> bool {
        let mut service = self.service.clone();
        let mut cx = Context::from_waker(Waker::noop());
        for polls in 0..POLLS {
            match service.poll_ready(&mut cx) {
                Poll::Ready(Ok(())) => {
                    let call = service.call(black_box(self.request.clone()));
                    drop(service);
                    return read(call);
                }
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
        complete((self.0)())
    }

    fn sizes(&mut self) -> (usize, usize) {
        (size_of::<F>(), size_of::<Fut>())
    }
}

/// Polls until the call is done. A call that waits for a lock of another thread is polled again at once. Inlined, because
/// `.await` does not move the future either.
#[inline(always)]
fn complete<T, E>(call: impl Future<Output = Result<T, E>>) -> bool {
    let mut call = pin!(call);
    let mut cx = Context::from_waker(Waker::noop());
    for polls in 0..POLLS {
        match call.as_mut().poll(&mut cx) {
            // Not the result itself: `black_box` would store it in memory, which costs more than some layers.
            Poll::Ready(result) => return black_box(result.is_ok()),
            Poll::Pending => pause(polls),
        }
    }
    false
}

/// Polls until the call is done, and reads the body of its response to the end.
fn read<B: Body, E>(call: impl Future<Output = Result<Response<B>, E>>) -> bool {
    let mut call = pin!(call);
    let mut cx = Context::from_waker(Waker::noop());
    for polls in 0..POLLS {
        match call.as_mut().poll(&mut cx) {
            Poll::Ready(Ok(response)) => return read_body(response.into_body(), &mut cx),
            Poll::Ready(Err(_)) => return false,
            Poll::Pending => pause(polls),
        }
    }
    false
}

fn read_body(body: impl Body, cx: &mut Context<'_>) -> bool {
    let mut body = pin!(body);
    while !body.is_end_stream() {
        match body.as_mut().poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => _ = black_box(frame.is_data()),
            Poll::Ready(None) => break,
            Poll::Ready(Some(Err(_))) | Poll::Pending => return false,
        }
    }
    true
}

fn pause(polls: u32) {
    match RUNTIME.get() {
        Some(runtime) if polls > SPINS => runtime.block_on(tokio::time::sleep(Duration::from_micros(1))),
        _ => std::hint::spin_loop(),
    }
}
