//! The limits of a server.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

use crate::connection_limit::ConnectionLimit;

/// The limits of a server. Each time limits a pause of the client, and none the length of an exchange. The time between
/// two pieces of a request's body is the application's concern: `mainstay_http::body::IdleTimeoutBody` limits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct ServerSettings {
    /// The time for an HTTP/1 request head: from the opening of the connection, or from the first byte of a further head,
    /// until the head is complete. Default 10 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub head_timeout: Duration,
    /// The time that a connection stays open without a request. Default 75 s (nginx's `keepalive_timeout`): above the
    /// 60 s for which load balancers keep idle connections, so that they close first and never send into a connection
    /// that the server closes.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub idle_timeout: Duration,
    /// The time for which a client may take no byte of a response: at its socket, or with an HTTP/2 window of zero.
    /// Default 30 s. The connection or the stream is then reset.
    ///
    /// The response of an HTTP/2 stream counts in pieces of 16 KiB: a client must open the stream's window by one piece in
    /// this time. A stream that waits because the socket is full of other streams is not reset. There is no minimum rate
    /// beyond that: a slow client keeps its request in flight for as long as it reads. Limit the requests of one client
    /// in front of the server.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub write_timeout: Duration,
    /// The connections that are served at once. Default 10,000. See [`Server::with_reserve`](crate::Server::with_reserve)
    /// for what further ones get.
    pub max_connections: usize,
    /// The size of a request's head, over both versions: the target, and name, value and 32 bytes for each field (RFC
    /// 9113, 6.5.2). Default 65,536. A longer head gets 431.
    pub max_head_bytes: usize,
}

// === impl ServerSettings ===

impl ServerSettings {
    /// Checks the values.
    ///
    /// # Errors
    /// A timeout outside 1 ms to a year, a number of connections outside 1 to 1,000,000, or a head outside 8 KiB to 1 MiB.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        let times = [
            ("head_timeout", self.head_timeout),
            ("idle_timeout", self.idle_timeout),
            ("write_timeout", self.write_timeout),
        ];
        for (field, time) in times {
            settings::duration(field, time, SHORTEST..=LONGEST)?;
        }
        settings::count("max_head_bytes", self.max_head_bytes as u64, 8_192..=1_048_576)?;
        ConnectionLimit::new(self.max_connections).map(drop)
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            max_connections: 10_000,
            max_head_bytes: 65_536,
        }
    }
}
