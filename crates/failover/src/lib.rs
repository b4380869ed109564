//! Failover for Tower services: an ordered list of endpoints, of which the first usable one gets the traffic.
//!
//! Tower has none: its `balance` and `steer` choose among equal endpoints, and a fallback without state makes every
//! request wait for the dead primary's timeout. Here traffic leaves an endpoint after a few failures that are its own,
//! stays away for a minimum *hold*, and returns only when the last N *probes* succeeded and the newest is fresh. Until
//! traffic has left, a second attempt at the next endpoint hides the failure from the caller.
//!
//! ```
//! use mainstay_failover::{Endpoint, Failover};
//! use tower::{BoxError, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), BoxError> {
//! type Answer = Result<&'static str, std::io::Error>;
//! async fn serve((name, _id): (&'static str, u32)) -> Answer {
//!     if name == "primary" { Err(std::io::ErrorKind::ConnectionRefused.into()) } else { Ok(name) }
//! }
//! let at = |name: &'static str| service_fn(move |id: u32| serve((name, id)));
//!
//! let orders = Failover::new("orders", [
//!     Endpoint::new("primary", at("primary")).with_probe(|| async { false }),
//!     Endpoint::new("backup", at("backup")).with_probe(|| async { true }),
//! ])?;
//! let handle = orders.handle().clone();
//! for id in 0..3 {
//!     assert_eq!(orders.clone().oneshot(id).await?, "backup");
//! }
//! # tokio::task::yield_now().await;
//! println!("{}", handle.snapshot());
//! // orders is on backup for 0s: primary: 3 failures in a row, and the probe failed: unhealthy: the probe returned
//! // false; primary waits for its probe, which fails (missing: hold 31.4s, probes 0 of 3)
//! # Ok(()) }
//! ```
//!
//! | piece | what it is |
//! |---|---|
//! | [`FailoverHandle`] | the algorithm: which endpoint is in use, why, and until when; usable without Tower |
//! | [`Failover`] | the service that drives it |
//! | [`Endpoint`] | name, service, address and probe of one endpoint |
//! | [`Probe`] | an async function that reports whether an endpoint works |
//! | [`FailoverSnapshot`], [`Transition`] | why traffic goes where it goes, and when it can return |
//!
//! # When an endpoint is left
//!
//! An endpoint is blamed only for what leaving it would have mended. A failure is *proven* if another endpoint answers the
//! same request; a request that fails at every endpoint that it is sent to counts against none. A streak of failures asks
//! for one probe at once, and that probe decides. While it runs, a proven streak *suspends* the endpoint: first attempts go
//! to the next one, without a hold and without a departure.
//!
//! A request that may be sent once only, as a POST, proves nothing. If half of the last 100 requests fail and no other
//! endpoint was asked, the endpoint is *compared* with the next one: for some seconds each first attempt goes to either of
//! them by chance, and the endpoint is left only if it fails a larger share than the other one, by more than chance.
//!
//! With the default settings, at 200 requests a second:
//!
//! | situation | what happens | after |
//! |---|---|---|
//! | hard down | second attempts answer; suspended, and left when the probe fails | 3 requests |
//! | black hole | second attempts answer after the delay; suspended at once, left when the probe times out | the delay, then 1 s |
//! | short pause | suspended, and used again when the probe is good; no departure | the probe |
//! | slow for all | second attempts answer what is slower than the endpoint's p99; the delay follows, the endpoint stays; with `slow_ratio` it is left when its median answer takes so many times that of the next endpoint | with `slow_ratio`: 20 answers of each |
//! | one bad route, query of death | the failures count nowhere; if it lasts for 10 s, the status says that requests fail everywhere, the summary how many and of which kind | |
//! | shared database down | the same; no traffic moves, and requests are answered at once after the repair | |
//! | hangs, probe good | suspended; left when 3 more requests in a row are proven after the good probe | 6 requests, and the delay twice |
//! | gray failure | left when 0.2 of the last 100 compared requests failed, at least 20 | 20 requests |
//! | failing health check | left when 2 probe rounds failed, whatever the requests say; the first round since the start decides alone | 10 s; a bad first round: 5 s from the start |
//! | flapping | left as if hard down; each departure makes the next hold longer | hold 30 s to 300 s |
//! | no probes | a proven streak leaves, a streak without proof is compared; trial calls return | 3 requests |
//! | one endpoint | left by refused connections and a failed probe, without a probe by its requests; refused while down, with trial calls | 0.5 s to 8 s |
//! | three endpoints, two broken | both are probed after a request that failed at both, and left; a request whose connections they refuse goes on to the third, and each is left as if hard down | 1 request, or 3 |
//! | requests that may be sent once only | go elsewhere if their connection was refused; else their streak asks for a probe | 3 requests |
//! | the same, probe good | compared when half of the last 100, at least 20, have failed; left if the next endpoint fails fewer | 50 requests |
//! | the same, hangs, probe good | the same, with requests that have had no answer for `abandoned_after` | 2 s and 50 requests |
//! | the same, one bad route | compared, and stays: it fails as often at the next endpoint; compared again after 30 s | |
//! | answers reads, fails writes | left as above if at least half of all requests are writes (`unproven_failure_rate`), else it stays | 100 requests |
//! | slow or stalled uploads | count for nothing: all times run from the last byte of the request's body, where the policy knows its `UploadClock` | |
//! | callers give up at every endpoint | the failures count nowhere, as with one bad route; those that no other endpoint was asked are compared | |
//! | no answers, no other endpoint asked | the status is degraded, and the log says so: overdue | `abandoned_after`, 3 requests |
//! | budget of second attempts used up | callers see failures until the streak's probe has decided | 3 requests |
//! | dry run | decisions are logged; requests go to the primary, and no failure is compared | |
//! | forced | requests go to the endpoint; evidence is gathered, and is in force on release | |
//! | last usable endpoint | left only by refused connections and probes; when its requests fail, the status is degraded while its probe is good, else unhealthy | after 10 s |
//! | a backup that is not in use is down | the status is degraded and names it | 2 probe rounds |
//! | all down | holds are waived; the newest evidence chooses, then the policy; a request that fails at one endpoint may go on to any other; probed every second | 3 probes |
//!
//! While all are down, a failed probe does not outdate an answered request: an endpoint that answers requests is in use
//! until one fails there, or a probe of an earlier endpoint is good.
//!
//! Without an answer within the delay, and without another endpoint's answer, a request only asks for a probe: at 200
//! requests a second a pause of 80 ms gives six such requests in a row.
//!
//! # Repeats of one request
//!
//! A layer outside, such as retry, sends a failed request again as a new call. If the policy carries a context, the calls
//! of one request share what they have found: a repeat goes first to a usable endpoint that the request has not asked, a
//! failure counts once for each endpoint, and a later answer elsewhere proves an earlier failure. A repeat after a 429
//! stays at its endpoint, unless `on_rate_limited` is set. This holds for the first 16 endpoints. Without a context, as with
//! `Plain`, each call is a request of its own.
//!
//! # One request, and its outcome, through the source
//!
//! 1. `service`: `poll_ready` calls `readiness`, which gets a `Selection` from the `selector` and polls its candidates.
//! 2. `call` takes an `EndpointPermit`, copies the request (`replay_copy`) and returns the `future`.
//! 3. `race` polls the `attempt` of the `future`. The `second_attempt` starts on a failure or after its delay, which is computed there;
//!    `second_start` sends it, and a further one where it could not be sent.
//! 4. `evidence` records a success with the endpoint's breaker (`endpoint_state`); `silence` records a missing answer, and
//!    `dropped` a request that its caller drops; how long it has waited is in `attempt_clock`. A failure waits for what the other endpoint says (`failed`), and `weight` says what it counts for. The `history` of the request tells which endpoints
//!    its earlier attempts have asked, and what of the failure is new. The `signals` of the endpoint count, and
//!    `departure` carries out what they call for (`decision`): it asks for a probe (`ask`, `prober`), suspends the endpoint, begins a comparison (`compare`, `comparison`,
//!    `shares`), or opens the endpoint's breaker. The breaker's recovery decides that it is usable again.
//! 5. `switchboard` sees that a breaker has changed, lets the `selector` choose the route from the endpoints' states, and
//!    is the only writer of route, ramp, log, status and watch.
//!
//! Imports go one way: `service`, `call`, `readiness`, `race`, `future`, `second_start`, `second_attempt`, `shared`, `handle`, `evidence` and
//! `prober`, `departure`, `switchboard`, `endpoint_state`, `signals`, `selector`. A change comes back to requests only
//! through the route, which the next request loads.
//!
//! # Features
//!
//! * `stack`: `stack::Standard`, total timeout, retry, failover, bulkheads and attempt timeouts in one
//!   constructor; `stack::DependencyLayer`, the stack around one dependency.
//! * `http-probe`: `mainstay_http::probe::HttpProbe` as an endpoint's probe.
//! * `tcp-probe`: `probe::TcpProbe`.
//! * `tonic`: `probe::grpc::GrpcProbe`, for `grpc.health.v1`.
//! * `serde`: settings, snapshots and reports implement serde's traits.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod active;
mod address;
mod answers;
mod ask;
mod attempt;
mod attempt_clock;
mod call;
mod changed;
mod compare;
mod comparison;
mod control;
mod counters;
mod decision;
mod departure;
mod dropped;
mod ended;
mod endpoint;
mod endpoint_state;
mod event;
mod everywhere;
mod evidence;
mod failed;
mod future;
mod handle;
#[cfg(test)]
mod held_locks;
mod history;
mod inspect;
mod lasting;
mod latency;
mod live;
mod newest;
mod operate;
mod overdue;
mod overdue_request;
mod permit;
pub mod probe;
mod prober;
mod race;
mod ramp;
mod readiness;
mod reason;
mod recent_kinds;
mod replay_copy;
mod report;
mod route;
mod run;
mod run_blocking;
mod second_attempt;
mod second_running;
mod second_start;
mod selector;
mod sent;
mod service;
mod services;
mod settings;
mod shared;
mod shares;
mod signals;
mod silence;
mod slow;
mod snapshot;
#[cfg(feature = "stack")]
pub mod stack;
mod status;
mod switchboard;
mod transition;
mod update;
mod weight;

pub use active::Active;
pub use endpoint::Endpoint;
pub use event::FailoverEvent;
pub use future::FailoverFuture;
pub use handle::FailoverHandle;
pub use probe::{Driven, Probe, ProbeFuture, ProbeOutcome, ProbeReport, ProbeSettings};
pub use report::{CheckReport, EndpointReport};
pub use route::FailoverState;
pub use service::Failover;
pub use settings::{AllDown, FailoverSettings, HoldSettings, Initial, ReturnMode, SecondAttempt};
pub use snapshot::{EndpointSnapshot, FailoverSnapshot, SecondAttempts};
pub use transition::Transition;
