//! The part that both clients share: the settings of the stack, and the probe of an endpoint.

use std::{net::SocketAddr, time::Duration};

use mainstay::{
    BoxError, InvalidSetting,
    failover::{Endpoint, FailoverSettings, HoldSettings, ProbeSettings, SecondAttempt, stack::StandardSettings},
    http::probe::HttpProbe,
};
use tower::util::BoxCloneSyncService;

pub use crate::wire::Wire;
use crate::wire::plain;

/// A client in its stack: a path in, status and text out. Boxed, so that both clients have one type.
pub type Client = BoxCloneSyncService<String, (u16, String), BoxError>;

/// The longest time of a call, including its retries.
pub const TOTAL: Duration = Duration::from_secs(2);

/// How long a request waits for an answer before its second attempt.
const SECOND_ATTEMPT_DELAY: Duration = Duration::from_millis(400);

/// Times are short for a demonstration. In production begin with the defaults: a hold of 30 s, probes every 5 s.
#[must_use]
pub fn settings() -> StandardSettings {
    StandardSettings {
        total_timeout: TOTAL,
        attempt_timeout: Duration::from_millis(900),
        failover: FailoverSettings {
            consecutive_failures: Some(3),
            recovery_successes: 2,
            hold: HoldSettings { base: Duration::from_secs(1), ..HoldSettings::default() },
            // After this long without an answer the request is also sent to the next endpoint. The default derives the
            // delay from the endpoint's latencies.
            second_attempt: Some(SecondAttempt {
                delay: Some(SECOND_ATTEMPT_DELAY),
                max_delay: SECOND_ATTEMPT_DELAY,
                ..SecondAttempt::default()
            }),
            probe: ProbeSettings {
                interval: Duration::from_millis(500),
                interval_counting: Duration::from_millis(200),
                interval_idle: Duration::from_millis(500),
                timeout: Duration::from_millis(300),
                max_retries: 0,
                ..ProbeSettings::default()
            },
            ..FailoverSettings::default()
        },
        ..StandardSettings::default()
    }
}

/// Returns an endpoint that is probed at `/healthz`, over the same version of HTTP.
pub(crate) fn endpoint<S>(
    name: &'static str,
    address: SocketAddr,
    wire: Wire,
    service: S,
) -> Result<Endpoint<S>, InvalidSetting> {
    let url = format!("http://{address}");
    let probe = HttpProbe::with_client(&format!("{url}/healthz"), plain(wire))?;
    Ok(Endpoint::new(name, service).with_url(url).with_probe(probe))
}
