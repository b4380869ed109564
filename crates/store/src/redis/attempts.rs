//! The attempts of one call: its time limit, and when it is repeated.

use std::time::Duration;

use mainstay_core::{Backoff, Jitter, Random, escaped};
use redis::{RedisResult, aio::MultiplexedConnection};
use tokio::time::{sleep, timeout};

use super::{connection::Connection, failure::Failure};
use crate::{StorageError, StoreSettings};

/// How a call is attempted.
#[derive(Clone)]
pub(super) struct Attempts {
    limit: Duration,
    max_retries: u32,
    backoff: Backoff,
    random: std::sync::Arc<Random>,
}

/// What a second execution of a command does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It leaves the same state as one.
    Same,
    /// It changes the state again: the call is repeated only if the command was certainly not executed.
    Once,
}

/// Spreads the delays of processes that lost the same server, by half of the delay to either side.
const SPREAD: Jitter = Jitter::Proportional { share: 0.5 };

// === impl Attempts ===

impl Attempts {
    pub(super) fn new(settings: &StoreSettings) -> Self {
        let backoff = Backoff::constant(settings.retry_delay).with_cap(settings.retry_delay).with_jitter(SPREAD);
        Self { limit: settings.timeout, max_retries: settings.max_retries, backoff, random: Random::new().into() }
    }

    /// Returns the same without repetition.
    pub(super) fn single(&self) -> Self {
        Self { max_retries: 0, ..self.clone() }
    }

    /// Returns the same with a time limit of one attempt that is not longer than this.
    pub(super) fn within(self, limit: Duration) -> Self {
        Self { limit: self.limit.min(limit), ..self }
    }

    pub(super) async fn run<T, F>(
        &self,
        connection: &Connection,
        effect: Effect,
        command: impl Fn(MultiplexedConnection) -> F,
    ) -> Result<T, StorageError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let mut retry = 0;
        loop {
            let failure = match self.attempt(connection, &command).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let may_repeat = effect == Effect::Same || !failure.may_be_executed;
            if retry == self.max_retries || !failure.is_transient() || !may_repeat {
                return Err(failure.error);
            }
            retry += 1;
            tracing::debug!(retry, error = %escaped(&failure.error), "a call of the storage is repeated");
            sleep(self.backoff.delay(retry, Duration::ZERO, &self.random)).await;
        }
    }

    async fn attempt<T, F>(
        &self,
        connection: &Connection,
        command: impl Fn(MultiplexedConnection) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let current = connection.current().map_err(Failure::not_sent)?;
        let attempt = async {
            let open = connection
                .open_once(&current)
                .await
                .map_err(|error| Failure::to_connect(&error, connection.redaction()))?;
            command(open).await.map_err(|error| Failure::of_command(&error, connection.redaction()))
        };
        let unanswered = connection.unanswered(&current);
        let ended = timeout(self.limit, attempt).await;
        unanswered.answered();
        let failure = match ended {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::timeout(StorageError::timeout(self.limit)),
        };
        if failure.ends_connection() {
            connection.discard(&current);
        }
        Err(failure)
    }
}
