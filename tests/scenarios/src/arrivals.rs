//! Arrivals of an open loop: drawn before the run, so that a slow server cannot slow down the load that measures it
//! ("coordinated omission").

use http::Method;

use crate::random::{exponential, source};

/// Milliseconds since the start of the simulation. Tokio's timer has this resolution, so every time of the model is a
/// whole number of them.
pub type Ms = u64;

/// One request, before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it is sent.
    pub at: Ms,
    /// The number of the client process that sends it.
    pub client: usize,
    /// What it asks for.
    pub kind: Kind,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The method; it decides whether the request may be sent twice.
    pub method: Method,
    /// The path; the server's faults may depend on it.
    pub path: &'static str,
}

/// A Poisson stream of requests.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Requests a second.
    pub rate: f64,
    /// What they ask for.
    pub kind: Kind,
}

// === impl Kind ===

impl Kind {
    /// A request that may be sent twice, to a route that works.
    pub const GOOD: Self = Self { method: Method::GET, path: "/" };
}

// === impl Stream ===

impl Stream {
    /// A stream of [good](Kind::GOOD) requests.
    #[must_use]
    pub fn good(rate: f64) -> Self {
        Self { rate, kind: Kind::GOOD }
    }
}

/// Draws the arrivals of these streams up to `until`, in their order. Each goes to one of the clients at random.
#[must_use]
pub fn arrivals(seed: u64, streams: &[Stream], clients: usize, until: Ms) -> Vec<Arrival> {
    let mut all = Vec::new();
    for (number, stream) in streams.iter().enumerate() {
        let random = source(seed, 100 + number as u64);
        let mut at = 0.0;
        loop {
            at += exponential(&random, 1_000.0 / stream.rate);
            if at >= until as f64 {
                break;
            }
            let client = (random.unit() * clients as f64) as usize;
            all.push(Arrival { at: at as Ms, client, kind: stream.kind.clone() });
        }
    }
    all.sort_by_key(|arrival| arrival.at);
    all
}
