//! What a reverse proxy does to a message between a client and a backend (RFC 9110, 7.6): functions over headers and URIs.
//!
//! [`prepare_request`] and [`prepare_response`] do all that concerns heads and trailers. [`rebase`] makes the URI.
//!
//! | question | RFC |
//! |---|---|
//! | which fields concern one connection, and which are claims? | 9110, 7.6.1 |
//! | where does a message end? | 9112, 6; 9110, 8.6 |
//! | which trailers pass? | 9110, 6.5 |
//! | which host is requested? | 9112, 3.2; 9113, 8.3.1 |
//! | which paths are safe to forward? | 3986, 5.2.4 |
//! | how many proxies may a message pass? | 9110, 7.6.2 and 7.6.3 |
//! | what changes from HTTP/2 to HTTP/1.1? | 9113, 8.2 and 8.3 |
//! | what does a redirect lead to? | 9110, 10.2.2 |

mod address;
mod cookie;
mod dot_segments;
mod fault;
mod field_kind;
mod forwarded;
mod host;
mod length;
mod list;
mod location;
mod max_forwards;
mod not_forwarded;
mod path;
mod prepare;
mod trailers;
mod via;

pub use fault::{RequestFault, ResponseFault};
pub use forwarded::{Inbound, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};
pub use host::{check_host, requested_host};
pub use location::map_location;
pub use not_forwarded::strip_hop_by_hop;
pub use path::{rebase, stays_below};
pub use prepare::{HostRule, ProxyRules, prepare_request, prepare_response};
pub use trailers::ForwardedBody;
pub use via::Via;

#[cfg(test)]
mod tests;
