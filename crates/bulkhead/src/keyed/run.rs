//! The function form of keyed limits.

use std::{borrow::Borrow, fmt, future::Future, hash::Hash};

use mainstay_core::BoxError;

use super::KeyedLimits;
use crate::{Permit, run};

impl<K: Hash + Eq + Clone + fmt::Display> KeyedLimits<K> {
    /// Runs the work with a permit of the key, which it takes as [`acquire`](Self::acquire) does, for at most the
    /// execution timeout.
    ///
    /// # Errors
    /// The work's own error, or the refusal.
    pub async fn run<Q, T, E>(&self, key: &Q, work: impl Future<Output = Result<T, E>>) -> Result<T, BoxError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        E: Into<BoxError>,
    {
        run::run(self.acquire(key).await?, work).await
    }

    /// Runs work that holds its permit itself; see [`Limit::run_with_permit`](crate::Limit::run_with_permit).
    ///
    /// # Errors
    /// The work's own error, or the refusal.
    pub async fn run_with_permit<Q, F, T, E>(&self, key: &Q, work: impl FnOnce(Permit) -> F) -> Result<T, BoxError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        run::run_with_permit(self.acquire(key).await?, work).await
    }

    /// Runs blocking work with a permit of the key; see [`Limit::run_blocking`](crate::Limit::run_blocking).
    ///
    /// # Errors
    /// The work's own error, or the refusal.
    ///
    /// # Panics
    /// If the work does.
    pub async fn run_blocking<Q, T, E>(
        &self,
        key: &Q,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, BoxError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        T: Send + 'static,
        E: Into<BoxError> + Send + 'static,
    {
        run::run_blocking(self.acquire(key).await?, work).await
    }
}
