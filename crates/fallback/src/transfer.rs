//! What the memory keeps of a response, and under which key.

use std::fmt;

/// Gives the key of a request; implemented by what [`last_good`](crate::last_good) makes of a closure.
pub trait KeyOf<Req, K> {
    #[doc(hidden)]
    fn key_of(&self, request: &Req) -> Option<K>;
}

/// Every request has a key.
pub struct Always<F>(pub(crate) F);

/// Some requests have a key.
pub struct Sometimes<F>(pub(crate) F);

/// Makes of a response what is kept, and of that a response again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot keep `{Res}`",
    label = "the last good `{Res}` cannot be kept",
    note = "responses are kept as clones; one that is not `Clone` goes through functions of your own: `last_good(..).through(keep, restore)`"
)]
pub trait Transfer<Res, V> {
    #[doc(hidden)]
    fn keep(&self, response: &Res) -> Option<V>;
    #[doc(hidden)]
    fn restore(&self, value: &V) -> Res;
}

/// Keeps a clone of the response.
#[derive(Clone, Copy, Debug)]
pub struct Whole;

/// Keeps what functions of the user's own make of the response.
pub struct Through<A, B> {
    pub(crate) keep: A,
    pub(crate) restore: B,
}

// === impl Always ===

impl<Req, K, F: Fn(&Req) -> K> KeyOf<Req, K> for Always<F> {
    fn key_of(&self, request: &Req) -> Option<K> {
        Some((self.0)(request))
    }
}

impl<F> fmt::Debug for Always<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Always")
    }
}

// === impl Sometimes ===

impl<Req, K, F: Fn(&Req) -> Option<K>> KeyOf<Req, K> for Sometimes<F> {
    fn key_of(&self, request: &Req) -> Option<K> {
        (self.0)(request)
    }
}

impl<F> fmt::Debug for Sometimes<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sometimes")
    }
}

// === impl Whole ===

impl<Res: Clone> Transfer<Res, Res> for Whole {
    fn keep(&self, response: &Res) -> Option<Res> {
        Some(response.clone())
    }

    fn restore(&self, value: &Res) -> Res {
        value.clone()
    }
}

// === impl Through ===

impl<Res, V, A, B> Transfer<Res, V> for Through<A, B>
where
    A: Fn(&Res) -> Option<V>,
    B: Fn(&V) -> Res,
{
    fn keep(&self, response: &Res) -> Option<V> {
        (self.keep)(response)
    }

    fn restore(&self, value: &V) -> Res {
        (self.restore)(value)
    }
}

impl<A, B> fmt::Debug for Through<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Through")
    }
}
