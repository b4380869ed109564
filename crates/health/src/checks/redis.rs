//! A Redis that answers PING.

use mainstay_core::Name;
use redis::aio::ConnectionLike;

use crate::Check;

// === impl Check ===

impl Check {
    /// Healthy when PING is answered with PONG. The connection is the application's own (a clone of its
    /// `MultiplexedConnection`, `ConnectionManager` or cluster connection), so that what is checked is what is used.
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
