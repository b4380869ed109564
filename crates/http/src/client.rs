//! What a client of HTTP servers needs beyond hyper-util's: an answer that came before the connection broke is read, and
//! a request that met a stale connection is sent again.
//!
//! [`Connector`] wraps any connector. Its connections count what was read and written, so that an error tells whether
//! it is [stale](is_stale): the [policies](crate::policy) then record no failure. [`RepeatStale`] sends such a request
//! again on a new connection. [`SharedRequest`] makes the copies cheap that this and the layers above need.
//! [`InterimLimit`] ends a request whose server sends interim responses (1xx) without end. With [`Resolver`] a lookup that
//! fails for want of a file descriptor counts against no server.

mod connection;
mod connector;
mod head_size;
mod interim_limit;
mod io;
mod repeat_stale;
mod resolver;
mod shared_request;

pub use connection::{Exchange, is_stale};
pub use connector::{Connecting, Connector};
pub use head_size::head_size;
pub use interim_limit::{InterimLimit, InterimLimited, MAX_INTERIM_RESPONSES, TooManyInterimResponses};
pub use io::ClientIo;
pub use repeat_stale::{RepeatStale, RepeatStaleFuture};
pub use resolver::{Resolver, Resolving};
pub use shared_request::SharedRequest;
