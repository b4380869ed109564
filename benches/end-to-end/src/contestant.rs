//! The measured proxies.

use std::net::SocketAddr;

use crate::{BoxError, process::Process, scenario::Protocol, stage::Stage};

/// A kind of proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contestant {
    /// The reference of the others.
    Bare,
    Gateway,
    /// Another build of the gateway, given by `--before`.
    Before,
    Nginx,
}

/// A running proxy.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) contestant: Contestant,
    pub(crate) process: Process,
    /// The address for HTTP/2, if it is another port.
    pub(crate) http2: Option<SocketAddr>,
}

// === impl Contestant ===

impl Contestant {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Gateway => "gateway",
            Self::Before => "before",
            Self::Nginx => "nginx",
        }
    }

    pub(crate) async fn start(self, stage: &Stage) -> Result<Running, BoxError> {
        let (process, http2) = match self {
            Self::Bare => (stage.bare().await?, None),
            Self::Gateway => (stage.gateway().await?, None),
            Self::Before => (stage.before().await?, None),
            Self::Nginx => {
                let (process, http2) = stage.nginx().await?;
                (process, Some(http2))
            }
        };
        eprintln!("{}  {}  process {}", self.name(), process.url(), process.id);
        Ok(Running { contestant: self, process, http2 })
    }
}

// === impl Running ===

impl Running {
    pub(crate) fn address(&self, protocol: Protocol) -> SocketAddr {
        match (protocol, self.http2) {
            (Protocol::H2, Some(http2)) => http2,
            _ => self.process.address,
        }
    }
}
