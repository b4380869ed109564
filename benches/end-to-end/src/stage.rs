//! What all contestants share: the origins, the programs, and who runs on which processor.

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
    /// Idle unless the gateway finds fault with the primary; then its log says so.
    backup: Process,
}

// === impl Stage ===

impl Stage {
    pub(crate) async fn set(placement: Placement, with_nginx: bool) -> Result<Self, BoxError> {
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
            eprintln!("nginx is not installed: measured without it (Debian: apt-get install nginx-light)");
        }
        Ok(Self { placement, this, gateway, nginx, folder: Folder::new()?, primary, backup })
    }

    pub(crate) async fn bare(&self) -> Result<Process, BoxError> {
        let mut command = process::command(self.placement.proxy.as_deref(), &self.this);
        command.args(["bare", &self.primary.url()]);
        Process::start(command).await
    }

    /// As a user would start it: backends named, everything else as it is by default. It logs what goes wrong.
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

    /// The process, and where it speaks HTTP/2: version 1.22 cannot tell the two apart on one port.
    pub(crate) async fn nginx(&self) -> Result<(Process, SocketAddr), BoxError> {
        let program = self.nginx.as_ref().ok_or("nginx is not installed")?;
        let addresses = nginx::free_addresses()?;
        let configuration = self.folder.configuration(addresses, self.primary.address)?;
        let mut command = process::command(self.placement.proxy.as_deref(), program);
        command.arg("-p").arg(self.folder.path()).arg("-c").arg(configuration);
        Ok((Process::start_at(command, addresses[0]).await?, addresses[1]))
    }

    /// The load, with one argument that says what to do.
    pub(crate) fn load(&self, what: &str) -> Command {
        let mut command = process::command(self.placement.rest.as_deref(), &self.this);
        command.args(["load", what]);
        command
    }
}
