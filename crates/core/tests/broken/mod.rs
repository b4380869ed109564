//! A gate with a limit of one that can violate the contract in several ways.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use mainstay_core::{
    BoxError, Reason, Rejected,
    test::{Answer, Probe, ProbeError, ProbeFuture, Request},
};
use tower_layer::Layer;
use tower_service::Service;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    None,
    CallsFreshClone,
    CopiesReadiness,
    LeaksOnDrop,
    LeaksOnError,
    Spins,
    PollsOnATimer,
    HoldsWhileRefusing,
    RefusesAsleep,
    StateForEachService,
    KeepsTheFirstWaker,
    SwallowsReadinessError,
    IgnoresReadiness,
    HoldsWhileWaiting,
}

#[derive(Debug)]
pub(crate) struct GateLayer {
    violation: Violation,
    gate: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Gate {
    violation: Violation,
    gate: Arc<Shared>,
    inner: Probe,
    ready: bool,
    refusing: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    taken: AtomicUsize,
    waiting: Mutex<Vec<Waker>>,
}

pub(crate) struct Permit(Arc<Shared>);

type Call = Pin<Box<dyn Future<Output = Result<u64, BoxError>> + Send>>;

const LIMIT: usize = 1;

impl GateLayer {
    pub(crate) fn new(violation: Violation) -> Self {
        Self { violation, gate: Arc::default() }
    }

    pub(crate) fn taken(&self) -> usize {
        self.gate.taken.load(SeqCst)
    }

    pub(crate) fn take(&self) -> Vec<Permit> {
        let permits = std::iter::from_fn(|| self.gate.take()).collect();
        if self.violation != Violation::RefusesAsleep {
            self.gate.waiting.lock().expect("no test panics here").drain(..).for_each(Waker::wake);
        }
        permits
    }
}

impl Shared {
    fn take(self: &Arc<Self>) -> Option<Permit> {
        let free = |taken| (taken < LIMIT).then_some(taken + 1);
        self.taken.fetch_update(SeqCst, SeqCst, free).ok()?;
        Some(Permit(self.clone()))
    }

    fn is_full(&self) -> bool {
        self.taken.load(SeqCst) >= LIMIT
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, SeqCst);
    }
}

impl Layer<Probe> for GateLayer {
    type Service = Gate;

    fn layer(&self, inner: Probe) -> Gate {
        let gate = match self.violation {
            Violation::StateForEachService => Arc::default(),
            _ => self.gate.clone(),
        };
        Gate { violation: self.violation, gate, inner, ready: false, refusing: false }
    }
}

impl Gate {
    pub(crate) fn over(inner: Probe) -> Self {
        GateLayer::new(Violation::None).layer(inner)
    }
}

impl Clone for Gate {
    fn clone(&self) -> Self {
        let ready = self.violation == Violation::CopiesReadiness && self.ready;
        Self { violation: self.violation, gate: self.gate.clone(), inner: self.inner.clone(), ready, refusing: false }
    }
}

impl Service<Request> for Gate {
    type Response = u64;
    type Error = BoxError;
    type Future = Call;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.ready || self.violation == Violation::IgnoresReadiness {
            return Poll::Ready(Ok(()));
        }
        self.refusing = self.gate.is_full();
        if self.refusing && self.violation != Violation::HoldsWhileRefusing {
            return Poll::Ready(Ok(()));
        }
        match self.inner.poll_ready(cx) {
            Poll::Ready(Err(_)) if self.violation == Violation::SwallowsReadinessError => return Poll::Ready(Ok(())),
            Poll::Ready(ready) => ready?,
            Poll::Pending => {
                self.gate.waiting.lock().expect("no test panics here").push(cx.waker().clone());
                return Poll::Pending;
            }
        }
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Call {
        let (violation, ready) = (self.violation, std::mem::take(&mut self.ready));
        let permit = if self.refusing { None } else { self.gate.take() };
        let Some(permit) = permit else {
            if violation != Violation::HoldsWhileRefusing {
                self.inner = self.inner.clone();
            }
            return Box::pin(async { Err(Rejected::new(Reason::BulkheadFull, "gate").into()) });
        };
        if violation == Violation::SwallowsReadinessError && !ready {
            return Box::pin(async { Ok(0) });
        }
        let call = match violation {
            Violation::CallsFreshClone => self.inner.clone().call(request.clone()),
            _ => self.inner.call(request.clone()),
        };
        let inner = self.inner.clone();
        Box::pin(async move {
            let gate = permit.0.clone();
            let permit = match violation {
                Violation::LeaksOnDrop => {
                    std::mem::forget(permit);
                    None
                }
                _ => Some(permit),
            };
            let result = match violation {
                Violation::Spins => spin(call).await,
                Violation::PollsOnATimer => poll_on_a_timer(call).await,
                Violation::KeepsTheFirstWaker => first_waker(call).await,
                Violation::HoldsWhileWaiting => hold_and_wait(call, inner, request).await,
                _ => call.await,
            };
            match violation {
                Violation::LeaksOnDrop => drop(Permit(gate)),
                Violation::LeaksOnError if result.is_err() => std::mem::forget(permit),
                _ => drop(permit),
            }
            Ok(result?.value)
        })
    }
}

type Reply = Result<Answer, ProbeError>;

async fn spin(mut call: ProbeFuture) -> Reply {
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Pin::new(&mut call).poll(cx)
    })
    .await
}

async fn poll_on_a_timer(mut call: ProbeFuture) -> Reply {
    loop {
        let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut call).poll(cx))).await;
        if let Poll::Ready(reply) = polled {
            return reply;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn first_waker(mut call: ProbeFuture) -> Reply {
    let mut first = None;
    poll_fn(|cx| {
        let first = first.get_or_insert_with(|| cx.waker().clone());
        Pin::new(&mut call).poll(&mut Context::from_waker(first))
    })
    .await
}

/// Polls an instance ready for a second attempt, and another one while it holds the first.
async fn hold_and_wait(call: ProbeFuture, mut inner: Probe, request: Request) -> Reply {
    if let Ok(answer) = call.await {
        return Ok(answer);
    }
    let mut other = inner.clone();
    poll_fn(|cx| inner.poll_ready(cx)).await?;
    poll_fn(|cx| other.poll_ready(cx)).await?;
    inner.call(request).await
}
