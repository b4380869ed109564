//! The error type of a layer: boxed or typed.

use std::{fmt, marker::PhantomData};

use crate::{BoxError, Refusal};

/// Selects the error type of a layer: [`Boxed`] (the default) or [`Typed`].
///
/// A layer has this marker as its parameter instead of the error itself, because the compiler rejects a service with the
/// parameter `BoxError` that moves into a spawned task ("implementation is not general enough": inside an `async` block
/// it forgets that the trait object is `'static`).
pub trait ErrorType: Copy + fmt::Debug + Default {
    /// The error type of the service.
    type Error: Refusal;
}

/// Selects [`BoxError`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Boxed;

/// Selects `E`, without boxing; see `.with_error::<E>()` on a layer.
pub struct Typed<E>(PhantomData<fn() -> E>);

// === impl ErrorType ===

impl ErrorType for Boxed {
    type Error = BoxError;
}

impl<E: Refusal> ErrorType for Typed<E> {
    type Error = E;
}

impl<E> Clone for Typed<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Typed<E> {}

impl<E> Default for Typed<E> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<E> fmt::Debug for Typed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Typed<{}>", std::any::type_name::<E>())
    }
}
