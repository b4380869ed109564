//! A Redis server, checked with PING.

use mainstay_core::Name;
use redis::aio::ConnectionLike;

use crate::check::Check;

// === impl Check ===

impl Check {
    /// Creates a check that is healthy when Redis answers PING with PONG. Pass a clone of the application's own connection
    /// (`MultiplexedConnection`, `ConnectionManager` or cluster connection), so that the check covers it.
    pub fn redis(name: impl Into<Name>, connection: impl ConnectionLike + Clone + Send + Sync + 'static) -> Self {
        Self::new(name, move || ping(connection.clone()))
    }
}

async fn ping(mut connection: impl ConnectionLike + Send) -> Result<(), String> {
    let answer: String = redis::cmd("PING").query_async(&mut connection).await.map_err(|error| error.to_string())?;
    match answer.as_str() {
        "PONG" => Ok(()),
        other => Err(format!("PING was answered with {other:?}")),
    }
}
