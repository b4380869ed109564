//! The shared parts of all contestants: origins, binaries and placement.

use std::{
    env,
    ffi::OsString,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use crate::{
    BoxError,
    args::Options,
    gateway,
    nginx::{self, Folder},
    placement::Placement,
    process::{self, Process},
};

#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) placement: Placement,
    this: PathBuf,
    gateway: PathBuf,
    /// The binary of `--before`.
    before: Option<PathBuf>,
    pub(crate) nginx: Option<PathBuf>,
    folder: Folder,
    primary: Process,
    /// Idle, unless the gateway leaves the primary; its log reports that.
    backup: Process,
}

// === impl Stage ===

impl Stage {
    pub(crate) async fn start(placement: Placement, options: &Options) -> Result<Self, BoxError> {
        let before = options.before.as_ref().map(|program| {
            fs::canonicalize(program).map_err(|error| format!("--before {}: {error}", program.display()))
        });
        let before = before.transpose()?;
        let gateway = gateway::program().await?;
        let this = env::current_exe()?;
        let origin = || {
            let mut command = process::command(&placement.of_rest(), &this);
            command.arg("origin");
            Process::start(command)
        };
        let (primary, backup) = (origin().await?, origin().await?);
        for origin in [&primary, &backup] {
            eprintln!("origin  {}  process {}", origin.url(), origin.id);
        }
        let with_nginx = !options.quick;
        let nginx = if with_nginx { nginx::installed() } else { None };
        if with_nginx && nginx.is_none() {
            eprintln!("nginx is not installed, and is not measured (Debian: apt-get install nginx-light)");
        }
        Ok(Self { placement, this, gateway, before, nginx, folder: Folder::new()?, primary, backup })
    }

    pub(crate) async fn bare(&self) -> Result<Process, BoxError> {
        Process::start(self.bare_under(&self.placement.of_proxy())).await
    }

    /// Starts the gateway with two backends and defaults. It logs warnings.
    pub(crate) async fn gateway(&self) -> Result<Process, BoxError> {
        Process::start(self.gateway_under(&self.placement.of_proxy())).await
    }

    /// Starts the gateway of `--before`, with the same settings.
    pub(crate) async fn before(&self) -> Result<Process, BoxError> {
        Process::start(self.before_under(&self.placement.of_proxy())?).await
    }

    /// Returns the command of the bare proxy, below another one.
    pub(crate) fn bare_under(&self, launcher: &[OsString]) -> Command {
        let mut command = process::command(launcher, &self.this);
        command.args(["bare", &self.primary.url()]);
        command
    }

    /// Returns the command of the gateway, below another one.
    pub(crate) fn gateway_under(&self, launcher: &[OsString]) -> Command {
        self.configured(process::command(launcher, &self.gateway))
    }

    /// Returns the command of the gateway of `--before`, below another one.
    pub(crate) fn before_under(&self, launcher: &[OsString]) -> Result<Command, BoxError> {
        let program = self.before.as_ref().ok_or("--before is not given")?;
        Ok(self.configured(process::command(launcher, program)))
    }

    fn configured(&self, mut gateway: Command) -> Command {
        gateway
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("ENVIRONMENT", "production")
            .env("BACKEND_API_URL", self.primary.url())
            .env("BACKEND_API_FALLBACK_URL", self.backup.url())
            .env("LOG_LEVEL", "warn");
        gateway
    }

    /// Returns the process, and its address for HTTP/2: version 1.22 needs a separate port.
    pub(crate) async fn nginx(&self) -> Result<(Process, SocketAddr), BoxError> {
        let program = self.nginx.as_ref().ok_or("nginx is not installed")?;
        let addresses = nginx::free_addresses()?;
        let configuration = self.folder.configuration(addresses, self.primary.address)?;
        let mut command = process::command(&self.placement.of_proxy(), program);
        command.arg("-p").arg(self.folder.path()).arg("-c").arg(configuration);
        Ok((Process::start_at(command, addresses[0]).await?, addresses[1]))
    }

    /// Returns the folder for temporary files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the command of the load; `what` is its parameter.
    pub(crate) fn load(&self, what: &str) -> Command {
        let mut command = process::command(&self.placement.of_rest(), &self.this);
        command.args(["load", what]);
        command
    }
}
