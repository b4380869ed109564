//! Tower's own layers.

use std::sync::Arc;

use mainstay_tests::Echo;
use tower::{
    Layer, ServiceBuilder,
    limit::GlobalConcurrencyLimitLayer,
    load_shed::LoadShedLayer,
    retry::{
        Policy, RetryLayer,
        budget::{Budget, TpsBudget},
    },
    timeout::TimeoutLayer,
};

use super::{FULL, SECOND};
use crate::{
    drive::{Served, Tower},
    figures::REFERENCE,
    pattern,
    row::{Bare, Row},
    work::{Later, Page, Site, request},
};

/// A retry policy with Tower's budget, as in Tower's documentation.
#[derive(Clone, Default)]
struct Budgeted(Arc<TpsBudget>);

pub(crate) fn rows() -> Vec<Row> {
    let retry = || RetryLayer::new(Budgeted::default());
    let timeout = TimeoutLayer::new(SECOND);
    let four = ServiceBuilder::new()
        .layer(LoadShedLayer::new())
        .layer(retry())
        .layer(timeout.clone())
        .layer(GlobalConcurrencyLimitLayer::new(64));
    let served = ServiceBuilder::new()
        .layer(LoadShedLayer::new())
        .layer(retry())
        .layer(timeout.clone())
        .layer(GlobalConcurrencyLimitLayer::new(64));
    let full = GlobalConcurrencyLimitLayer::new(FULL).layer(Echo);
    let mut rows = vec![
        Row::new(REFERENCE.0, REFERENCE.1, Tower::new(GlobalConcurrencyLimitLayer::new(64).layer(Echo), 1)),
        Row::new(pattern::RETRY, "tower Retry + TpsBudget", Tower::new(retry().layer(Echo), 1)),
        Row::new(pattern::TIMEOUT, "tower Timeout", Tower::new(timeout.layer(Echo), 1)),
        Row::new(pattern::ARMED, "tower Timeout", Tower::new(timeout.layer(Later), 1)).over(Bare::Later),
        Row::new(pattern::STACK, "tower shed(retry(timeout(limit)))", Tower::new(four.service(Echo), 1)),
        Row::new(pattern::HTTP, "tower Retry + TpsBudget", Tower::new(retry().layer(Site), request())).over(Bare::Site),
        Row::new(pattern::SERVED, "tower shed(retry(timeout(limit)))", Served::new(served.service(Page)))
            .over(Bare::Page),
    ];
    // Leaks a clone that holds the permit from its `poll_ready`, so that the limit stays full.
    let mut holder = full.clone();
    let _ =
        tower::Service::<u64>::poll_ready(&mut holder, &mut std::task::Context::from_waker(std::task::Waker::noop()));
    std::mem::forget(holder);
    let shedding = Tower::new(LoadShedLayer::new().layer(full), 1);
    rows.push(Row::new(pattern::FULL, "tower LoadShed", shedding).refusing());
    rows
}

// === impl Budgeted ===

impl<Req: Clone, Res, E> Policy<Req, Res, E> for Budgeted {
    type Future = std::future::Ready<()>;

    fn retry(&mut self, _: &mut Req, result: &mut Result<Res, E>) -> Option<Self::Future> {
        if result.is_ok() {
            self.0.deposit();
            return None;
        }
        self.0.withdraw().then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Req) -> Option<Req> {
        Some(request.clone())
    }
}
