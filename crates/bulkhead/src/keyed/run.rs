//! The function form of keyed limits.

use std::{borrow::Borrow, fmt, future::Future, hash::Hash};

use mainstay_core::{BoxError, Follow, Plain, Refusal, run::boxed};

use super::KeyedLimits;
use crate::{Permit, run};

impl<K: Hash + Eq + Clone + fmt::Display> KeyedLimits<K> {
    /// Runs the function with a permit of the key, which it takes as [`acquire`](Self::acquire) does, for at most the
    /// execution timeout; see [`Limit::run`](crate::Limit::run).
    ///
    /// # Errors
    /// The function's own error, or the refusal.
    pub async fn run<Q, F, Fut, T, E>(&self, key: &Q, function: F) -> Result<T, BoxError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        self.run_with(Plain, key, || boxed(function())).await
    }

    /// Runs the function with a permit of the key; see [`Limit::run_with`](crate::Limit::run_with).
    ///
    /// # Errors
    /// The function's own error, or the refusal.
    pub async fn run_with<P, Q, F, Fut, T, E>(&self, policy: P, key: &Q, function: F) -> Result<T, E>
    where
        P: Follow<T>,
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Refusal,
    {
        run::run(self.acquire(key).await?, &policy, function).await
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
        run::run_with_permit(self.acquire(key).await?, |permit| boxed(work(permit))).await
    }

    /// Runs the blocking function with a permit of the key; see [`Limit::run_blocking`](crate::Limit::run_blocking).
    ///
    /// # Errors
    /// The function's own error, or the refusal; a refusal (draining) if the runtime shuts down.
    ///
    /// # Panics
    /// If the function does.
    pub async fn run_blocking<Q, F, T, E>(&self, key: &Q, function: F) -> Result<T, BoxError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError> + 'static,
    {
        self.run_blocking_with(Plain, key, || function().map_err(Into::into)).await
    }

    /// Runs the blocking function with a permit of the key; see [`Limit::run_blocking_with`](crate::Limit::run_blocking_with).
    ///
    /// # Errors
    /// See [`run_blocking`](Self::run_blocking).
    ///
    /// # Panics
    /// If the function does.
    pub async fn run_blocking_with<P, Q, F, T, E>(&self, _policy: P, key: &Q, function: F) -> Result<T, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Refusal + Send + 'static,
    {
        run::run_blocking(self.acquire(key).await?, function).await
    }
}
