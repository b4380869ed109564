//! nginx with a configuration that is as close to the gateway as possible.

use std::{
    env, fs, io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process,
};

/// A folder for its configuration and temporary files; dropping it deletes the folder.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

/// Returns the path of nginx, if it is installed.
pub(crate) fn installed() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian installs it outside the path of ordinary users.
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders.map(|folder| folder.join("nginx")).find(|program| program.is_file())
}

/// Returns two addresses that are free now: nginx cannot choose a free port itself.
pub(crate) fn free_addresses() -> io::Result<[SocketAddr; 2]> {
    let listeners = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    Ok([listeners[0].local_addr()?, listeners[1].local_addr()?])
}

// === impl Folder ===

impl Folder {
    pub(crate) fn new() -> io::Result<Self> {
        let folder = env::temp_dir().join(format!("mainstay-bench-gateway-{}", process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a configuration, and returns its path.
    pub(crate) fn configuration(&self, addresses: [SocketAddr; 2], origin: SocketAddr) -> io::Result<PathBuf> {
        let file = self.0.join(format!("{}.conf", addresses[0].port()));
        fs::write(&file, configuration(&self.0, addresses, origin))?;
        Ok(file)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A single process, so that no worker survives when it is killed, on one processor like the other proxies. Bodies stay in
/// memory, as in the gateway: no temporary files, no buffering of requests.
fn configuration(folder: &Path, [h1, h2]: [SocketAddr; 2], origin: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
master_process off;
pid {folder}/{}.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  tcp_nodelay on;
  upstream origin {{
    server {origin};
    keepalive 512;
    keepalive_requests 1000000000;
  }}
  server {{
    listen {h1};
    listen {h2} http2;
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_buffers 8 32k;
      proxy_max_temp_file_size 0;
      proxy_set_header Connection \"\";
      proxy_set_header Via \"1.1 nginx\";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
    }}
  }}
}}
",
        h1.port()
    )
}
