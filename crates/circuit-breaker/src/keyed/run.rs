//! Breakers by key around plain async or blocking code, without Tower.

use std::{fmt, future::Future, hash::Hash};

use mainstay_core::{BoxError, Classify, Follow, Refusal};

use super::KeyedBreakers;

impl<K: Hash + Eq + Clone + fmt::Display> KeyedBreakers<K> {
    /// Runs the function, unless the breaker of the key refuses; see [`Breaker::run`](crate::Breaker::run).
    ///
    /// # Errors
    /// The function's own error, or the refusal.
    pub async fn run<F, Fut, T, E>(&self, key: &K, function: F) -> Result<T, BoxError>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        self.get(key).run(function).await
    }

    /// Runs the function through the breaker of the key; see [`Breaker::run_with`](crate::Breaker::run_with).
    ///
    /// # Errors
    /// The function's own error, or the refusal.
    pub async fn run_with<P, F, Fut, T, E>(&self, policy: P, key: &K, function: F) -> Result<T, E>
    where
        P: Classify<T, E> + Follow<T>,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: Refusal,
    {
        self.get(key).run_with(policy, function).await
    }

    /// Runs the blocking function through the breaker of the key; see
    /// [`Breaker::run_blocking`](crate::Breaker::run_blocking).
    ///
    /// # Errors
    /// The function's own error, or the refusal; a refusal (draining) if the runtime shuts down.
    ///
    /// # Panics
    /// If the function does.
    pub async fn run_blocking<F, T, E>(&self, key: &K, function: F) -> Result<T, BoxError>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError> + 'static,
    {
        self.get(key).run_blocking(function).await
    }

    /// Runs the blocking function through the breaker of the key; see
    /// [`Breaker::run_blocking_with`](crate::Breaker::run_blocking_with).
    ///
    /// # Errors
    /// See [`run_blocking`](Self::run_blocking).
    ///
    /// # Panics
    /// If the function does.
    pub async fn run_blocking_with<P, F, T, E>(&self, policy: P, key: &K, function: F) -> Result<T, E>
    where
        P: Classify<T, E> + Send + 'static,
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Refusal + Send + 'static,
    {
        self.get(key).run_blocking_with(policy, function).await
    }
}
