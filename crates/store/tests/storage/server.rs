//! A `redis-server` of a test, on a free port of the loopback address.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use mainstay_store::{RedisStorage, Store, StoreSettings};
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, aio::MultiplexedConnection};

/// A server. It stops when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    folder: PathBuf,
    arguments: Vec<String>,
}

// === impl Server ===

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        // Another process can take the port between the look and the start.
        for _ in 0..10 {
            let port = free_port();
            let folder =
                PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("redis-{}-{port}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            match run(port, &folder, &arguments) {
                Some(child) => return Self { child, port, folder, arguments },
                None => fs::remove_dir_all(&folder).unwrap(),
            }
        }
        panic!("redis-server does not start with {arguments:?}");
    }

    /// Ends the server as a crash does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts a server that was killed again, empty, on the same port.
    pub(crate) fn restart(&mut self) {
        self.child = run(self.port, &self.folder, &self.arguments).expect("the port is free");
    }

    /// Sends a signal: `STOP` stops the process so that it accepts connections and answers nothing, `CONT` continues it.
    pub(crate) fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args([format!("-{signal}"), self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn storage(&self) -> RedisStorage {
        RedisStorage::from_config(&settings(&self.url())).unwrap()
    }

    pub(crate) fn store(&self) -> Store {
        Store::from_config(&settings(&self.url())).unwrap()
    }

    /// Runs a command as an operator.
    pub(crate) async fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = Cmd::new();
        words.iter().for_each(|word| {
            command.arg(*word);
        });
        command.query_async(&mut self.client().await).await.unwrap()
    }

    pub(crate) async fn client(&self) -> MultiplexedConnection {
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let client = redis::Client::open(self.url()).unwrap();
        client.get_multiplexed_async_connection_with_config(&config).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Settings with a time limit in which a server that works answers on a busy machine too.
pub(crate) fn settings(url: &str) -> StoreSettings {
    StoreSettings {
        redis_url: Some(url.into()),
        timeout: Duration::from_secs(20),
        retry_delay: Duration::from_millis(20),
        ..StoreSettings::default()
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts a server and waits until it is ready. Returns `None` if it ends before.
fn run(port: u16, folder: &PathBuf, arguments: &[String]) -> Option<Child> {
    let mut command = Command::new("redis-server");
    let is_own = |name: &str| arguments.iter().any(|argument| argument == name);
    if !is_own("--port") {
        command.args(["--port", &port.to_string()]);
    }
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"]);
    command.args(arguments.iter().map(|argument| argument.replace("{port}", &port.to_string())));
    command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("redis-server is installed: `cargo xtask test` installs it");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    if lines.by_ref().any(|line| line.unwrap().contains("Ready to accept connections")) {
        // Read to the end, so that the server does not wait for a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        return Some(child);
    }
    child.wait().unwrap();
    None
}
