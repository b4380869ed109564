//! The TCP probe.

use std::net::SocketAddr;

use mainstay_core::lookup_error;
use tokio::net::{TcpStream, lookup_host};

use super::{
    function::{Probe, ProbeFuture},
    outcome::ProbeOutcome,
};

/// Healthy when a TCP connection can be made: for dependencies without a health route.
///
/// It shows that a process accepts connections, not that it works: a hung process accepts them too. Prefer a probe that
/// sends a request.
///
/// ```
/// use mainstay_failover::{Endpoint, probe::TcpProbe};
///
/// let primary = Endpoint::named("primary").with_probe(TcpProbe::new("db.internal:5432"));
/// ```
#[derive(Clone, Debug)]
pub struct TcpProbe {
    address: String,
}

impl TcpProbe {
    /// Creates a probe that connects to `host:port`. Each attempt looks the name up.
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into() }
    }
}

impl From<SocketAddr> for TcpProbe {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.to_string())
    }
}

impl Probe for TcpProbe {
    fn probe(&self) -> ProbeFuture {
        let address = self.address.clone();
        Box::pin(async move { connect(&address).await })
    }

    fn address(&self) -> Option<String> {
        Some(self.address.clone())
    }
}

/// Connects to the first address that accepts.
async fn connect(address: &str) -> ProbeOutcome {
    let addresses = match lookup_host(address).await.map_err(lookup_error) {
        Ok(addresses) => addresses,
        Err(error) => return ProbeOutcome::failed(&error, format!("name lookup: {error}")),
    };
    let mut outcome = ProbeOutcome::unhealthy("the name has no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(_) => return ProbeOutcome::Healthy,
            Err(error) => outcome = ProbeOutcome::failed(&error, format!("connect: {error}")),
        }
    }
    outcome
}
