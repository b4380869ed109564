//! Request bodies that can be sent twice.

use bytes::{Buf, Bytes};
use http_body::Body;
use http_body_util::{
    BodyExt as _, Either, Empty, Full,
    combinators::{BoxBody, UnsyncBoxBody},
};

/// A request body that can be copied in order to be sent again.
///
/// A body in memory can always be copied. A boxed body (axum's, tonic's, http-body-util's) may be a stream, so it can be
/// copied only if it is empty. For streams use [`Replayable`](crate::Replayable).
#[diagnostic::on_unimplemented(
    message = "the body `{Self}` cannot be sent twice",
    label = "no `ReplayBody` for this body",
    note = "wrap it: `request.map(Replayable::new)` sends a stream again from a bounded buffer"
)]
pub trait ReplayBody: Sized {
    /// Returns a copy that sends the same bytes, or `None` if the body cannot be copied.
    fn replay(&self) -> Option<Self>;

    /// Whether this copy, made earlier, can still be sent.
    fn is_intact(&self) -> bool {
        true
    }
}

macro_rules! in_memory {
    ($($body:ty),*) => {$(
        impl ReplayBody for $body {
            fn replay(&self) -> Option<Self> {
                Some(self.clone())
            }
        }
    )*};
}

in_memory!((), Bytes, String, Vec<u8>, &'static str, &'static [u8]);

impl<D: Buf + Clone> ReplayBody for Full<D> {
    fn replay(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl<D: Buf> ReplayBody for Empty<D> {
    fn replay(&self) -> Option<Self> {
        Some(*self)
    }
}

impl<B: ReplayBody> ReplayBody for Option<B> {
    fn replay(&self) -> Option<Self> {
        match self {
            Some(body) => body.replay().map(Some),
            None => Some(None),
        }
    }

    fn is_intact(&self) -> bool {
        self.as_ref().is_none_or(B::is_intact)
    }
}

impl<L: ReplayBody, R: ReplayBody> ReplayBody for Either<L, R> {
    fn replay(&self) -> Option<Self> {
        match self {
            Self::Left(body) => body.replay().map(Self::Left),
            Self::Right(body) => body.replay().map(Self::Right),
        }
    }

    fn is_intact(&self) -> bool {
        match self {
            Self::Left(body) => body.is_intact(),
            Self::Right(body) => body.is_intact(),
        }
    }
}

impl<D: Buf + 'static, E: 'static> ReplayBody for BoxBody<D, E> {
    fn replay(&self) -> Option<Self> {
        self.is_end_stream().then(|| Empty::new().map_err(|never| match never {}).boxed())
    }
}

impl<D: Buf + 'static, E: 'static> ReplayBody for UnsyncBoxBody<D, E> {
    fn replay(&self) -> Option<Self> {
        self.is_end_stream().then(|| Empty::new().map_err(|never| match never {}).boxed_unsync())
    }
}

#[cfg(feature = "axum")]
impl ReplayBody for axum::body::Body {
    fn replay(&self) -> Option<Self> {
        self.is_end_stream().then(Self::empty)
    }
}

#[cfg(feature = "tonic")]
impl ReplayBody for tonic::body::Body {
    fn replay(&self) -> Option<Self> {
        self.is_end_stream().then(Self::empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn can<B: ReplayBody>(body: &B) -> bool {
        body.is_intact() && body.replay().is_some()
    }

    #[test]
    fn body_in_memory_is_copied_and_boxed_body_only_if_empty() {
        assert!(can(&()) && can(&Bytes::from("x")) && can(&"x") && can(&String::new()) && can(&vec![1_u8]));
        assert!(can(&Full::new(Bytes::from("x"))) && can(&Empty::<Bytes>::new()));
        assert!(can(&None::<Bytes>) && can(&Either::<Bytes, ()>::Left(Bytes::new())));
        assert!(can(&Empty::<Bytes>::new().boxed()) && can(&Empty::<Bytes>::new().boxed_unsync()));
        assert!(!can(&Full::new(Bytes::from("x")).boxed()));
        assert!(!can(&Some(Full::new(Bytes::from("x")).boxed_unsync())));
    }
}
