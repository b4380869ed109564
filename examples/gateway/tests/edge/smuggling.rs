//! Requests and answers that two parties could divide differently (RFC 9112, 11.2).
//!
//! Each case has an address of its own in 127.0.0.0/8, which the gateway writes into `X-Forwarded-For`, so that each
//! request at the backend belongs to one case. What holds for every case, accepted or not:
//!
//! * The backend receives only what the gateway has forwarded as a request: each has the gateway's `Via`, one
//!   `X-Forwarded-For`, and a head and a body that are not ambiguous.
//! * A request that a strict parser finds in the bytes of the client has the same body at the backend.
//! * The answers that a client gets are those to its own requests, in their order.

mod echo;
mod inspect;
mod kinds;
mod mutate;
mod random;
mod run;
