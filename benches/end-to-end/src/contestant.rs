//! The measured proxies.

use std::{ffi::OsString, net::SocketAddr};

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

    /// Starts a proxy of this workspace under another program, with one worker thread.
    pub(crate) async fn start_under(self, launcher: &[OsString], stage: &Stage) -> Result<Running, BoxError> {
        let mut command = match self {
            Self::Bare => stage.bare_under(launcher),
            Self::Gateway => stage.gateway_under(launcher),
            Self::Before => stage.before_under(launcher)?,
            Self::Nginx => return Err("nginx is not of this workspace".into()),
        };
        // Nothing needs to notice the end.
        command.env("TOKIO_WORKER_THREADS", "1").env("DRAIN_DELAY_SECONDS", "0");
        Ok(Running { contestant: self, process: Process::start(command).await?, http2: None })
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
