//! The shared parts of all contestants: origins, binaries and placement.

use std::{env, net::SocketAddr, path::PathBuf};

use tokio::process::Command;

use crate::{
    BoxError, gateway,
    nginx::{self, Folder},
    placement::Placement,
    process::{self, Process},
};

#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) placement: Placement,
    this: PathBuf,
    gateway: PathBuf,
    pub(crate) nginx: Option<PathBuf>,
    folder: Folder,
    primary: Process,
    /// Idle, unless the gateway leaves the primary; its log reports that.
    backup: Process,
}

// === impl Stage ===

impl Stage {
    pub(crate) async fn start(placement: Placement, with_nginx: bool) -> Result<Self, BoxError> {
        let gateway = gateway::program().await?;
        let this = env::current_exe()?;
        let origin = || {
            let mut command = process::command(placement.rest.as_deref(), &this);
            command.arg("origin");
            Process::start(command)
        };
        let (primary, backup) = (origin().await?, origin().await?);
        for origin in [&primary, &backup] {
            eprintln!("origin  {}  process {}", origin.url(), origin.id);
        }
        let nginx = if with_nginx { nginx::installed() } else { None };
        if with_nginx && nginx.is_none() {
            eprintln!("nginx is not installed, and is not measured (Debian: apt-get install nginx-light)");
        }
        Ok(Self { placement, this, gateway, nginx, folder: Folder::new()?, primary, backup })
    }

    pub(crate) async fn bare(&self) -> Result<Process, BoxError> {
        let mut command = process::command(self.placement.proxy.as_deref(), &self.this);
        command.args(["bare", &self.primary.url()]);
        Process::start(command).await
    }

    /// Starts the gateway with two backends and defaults. It logs warnings.
    pub(crate) async fn gateway(&self) -> Result<Process, BoxError> {
        let mut command = process::command(self.placement.proxy.as_deref(), &self.gateway);
        command
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("ENVIRONMENT", "production")
            .env("BACKEND_API_URL", self.primary.url())
            .env("BACKEND_API_FALLBACK_URL", self.backup.url())
            .env("LOG_LEVEL", "warn");
        Process::start(command).await
    }

    /// Returns the process, and its address for HTTP/2: version 1.22 needs a separate port.
    pub(crate) async fn nginx(&self) -> Result<(Process, SocketAddr), BoxError> {
        let program = self.nginx.as_ref().ok_or("nginx is not installed")?;
        let addresses = nginx::free_addresses()?;
        let configuration = self.folder.configuration(addresses, self.primary.address)?;
        let mut command = process::command(self.placement.proxy.as_deref(), program);
        command.arg("-p").arg(self.folder.path()).arg("-c").arg(configuration);
        Ok((Process::start_at(command, addresses[0]).await?, addresses[1]))
    }

    /// Returns the command of the load; `what` is its parameter.
    pub(crate) fn load(&self, what: &str) -> Command {
        let mut command = process::command(self.placement.rest.as_deref(), &self.this);
        command.args(["load", what]);
        command
    }
}
