//! What a reverse proxy does to the head of a message (RFC 9110, 7.6): functions over headers and URIs.
//!
//! [`prepare_request`] and [`prepare_response`] do all that concerns headers. [`rebase`] makes the URI.

mod forwarded;
mod list;
mod not_forwarded;
mod path;
mod prepare;
mod via;

pub use forwarded::{Inbound, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO, requested_host, set_forwarded};
pub use not_forwarded::strip_hop_by_hop;
pub use path::{rebase, stays_below};
pub use prepare::{prepare_request, prepare_response};
pub use via::Via;

#[cfg(test)]
mod tests;
