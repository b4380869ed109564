//! seatbelt 0.11, through its Tower services.

use std::{convert::Infallible, time::Duration};

use mainstay_benches::{
    Bare, Boxed, Content, Later, NoBody, Page, Row, Served, Site, Tower, pattern, request, unavailable,
};
use seatbelt::{RecoveryInfo, ResilienceContext, breaker::Breaker, fallback::Fallback, retry::Retry, timeout::Timeout};
use tick::Clock;
use tower::{Layer, Service, ServiceBuilder};

use crate::answer::{Answer, Failed, opened};

const WHO: &str = "seatbelt";
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// The context that its layers share.
pub type Context = ResilienceContext<u64, Result<u64, Failed>>;

/// Returns the rows of its layers.
pub fn rows() -> Vec<Row> {
    let context = context();
    let mut rows = vec![
        // Its breaker always has a time window, and always counts abandoned calls.
        Row::new(pattern::ABANDONED, "seatbelt (last 30 s)", Tower::new(breaker(&context), 1)),
        Row::new(pattern::TIMED, WHO, Tower::new(breaker(&context), 1)),
        Row::new(pattern::OPEN, WHO, opened(breaker(&context))).refusing(),
        Row::new(pattern::RETRY, "seatbelt (no budget)", Tower::new(retry(&context), 1)),
        Row::new(pattern::FALLBACK, WHO, Tower::new(fallback(&context), 1)),
    ];
    rows.extend(timeouts(&context));
    rows.push(http());
    rows.push(served());
    rows.push(Row::new(pattern::STACK, "seatbelt (timeout for bulkhead)", Tower::new(four(&context), 1)));
    rows
}

/// Returns the shared context, without metrics.
#[must_use]
pub fn context() -> Context {
    ResilienceContext::new(Clock::new_tokio())
}

/// A Tower service that can be measured.
pub trait Measurable: Service<u64> + Clone + Send + 'static {}

impl<S: Service<u64> + Clone + Send + 'static> Measurable for S {}

fn breaker(context: &Context) -> impl Measurable {
    let layer = Breaker::layer("breaker", context)
        .recovery_with(|result: &Result<u64, Failed>, _| recovery(result.is_ok()))
        .rejected_input_error(|_, _| Failed)
        .break_duration(HOUR);
    layer.layer(Answer)
}

fn retry(context: &Context) -> impl Measurable {
    let layer = Retry::layer("retry", context)
        .clone_input()
        .recovery_with(|result: &Result<u64, Failed>, _| recovery(result.is_ok()));
    layer.layer(Answer)
}

fn fallback(context: &Context) -> impl Measurable {
    let layer = Fallback::layer("fallback", context).should_fallback(Result::is_err).fallback_output(Ok(0));
    layer.layer(Answer)
}

fn timeouts(context: &Context) -> [Row; 2] {
    let ready = Timeout::layer("timeout", context).timeout(SECOND).timeout_error(|_| Failed);
    // The error type of this service has no values; the timeout of an hour never fires.
    let armed: ResilienceContext<u64, Result<u64, Infallible>> = ResilienceContext::new(Clock::new_tokio());
    let armed = Timeout::layer("timeout", &armed).timeout(HOUR).timeout_error(|_| unreachable!("an hour"));
    [
        Row::new(pattern::TIMEOUT, WHO, Tower::new(ready.layer(Answer), 1)),
        Row::new(pattern::ARMED, WHO, Tower::new(armed.layer(Later), 1)).over(Bare::Later),
    ]
}

fn http() -> Row {
    type Answered = Result<http::Response<()>, Infallible>;
    let context: ResilienceContext<http::Request<NoBody>, Answered> = ResilienceContext::new(Clock::new_tokio());
    let layer =
        Retry::layer("retry", &context).clone_input().recovery_with(|result: &Answered, _| recovery(result.is_ok()));
    Row::new(pattern::HTTP, "seatbelt (no budget)", Tower::new(layer.layer(Site), request())).over(Bare::Site)
}

/// Returns its stack of four as a server drives it. The error type of the service has no values, so the stack answers
/// instead of an error.
fn served() -> Row {
    type Answered = Result<http::Response<Boxed>, Infallible>;
    let context: ResilienceContext<http::Request<Content>, Answered> = ResilienceContext::new(Clock::new_tokio());
    let recovered = |result: &Answered, _: seatbelt::retry::RecoveryArgs<'_>| recovery(result.is_ok());
    let four = ServiceBuilder::new()
        .layer(Fallback::layer("fallback", &context).should_fallback(Result::is_err).fallback(|_, _| Ok(unavailable())))
        .layer(Retry::layer("retry", &context).clone_input().recovery_with(recovered))
        .layer(
            Breaker::layer("breaker", &context)
                .recovery_with(|result: &Answered, _| recovery(result.is_ok()))
                .rejected_input(|_, _| Ok(unavailable())),
        )
        .layer(Timeout::layer("timeout", &context).timeout(SECOND).timeout_output(|_| Ok(unavailable())))
        .service(Page);
    Row::new(pattern::SERVED, "seatbelt (timeout for bulkhead)", Served::new(four)).over(Bare::Page)
}

/// Returns its stack of four.
pub fn four(context: &Context) -> impl Measurable {
    ServiceBuilder::new()
        .layer(Fallback::layer("fallback", context).should_fallback(Result::is_err).fallback_output(Ok(0)))
        .layer(
            Retry::layer("retry", context)
                .clone_input()
                .recovery_with(|result: &Result<u64, Failed>, _| recovery(result.is_ok())),
        )
        .layer(
            Breaker::layer("breaker", context)
                .recovery_with(|result: &Result<u64, Failed>, _| recovery(result.is_ok()))
                .rejected_input_error(|_, _| Failed),
        )
        .layer(Timeout::layer("timeout", context).timeout(SECOND).timeout_error(|_| Failed))
        .service(Answer)
}

fn recovery(is_ok: bool) -> RecoveryInfo {
    if is_ok { RecoveryInfo::never() } else { RecoveryInfo::retry() }
}
