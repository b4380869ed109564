//! The demo service, and a script of its faults.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::stream::{self, BoxStream};
use mainstay::{InvalidSetting, RequestContext, bulkhead::Limit, http::grpc::grpc_rejection_status};
use tokio::time::{Instant, sleep};
use tonic::{Request, Status, Streaming};

use crate::messages::{Item, Level};

/// A stock with five pieces of each kind of goods.
#[derive(Debug)]
pub struct Stock {
    watchers: Limit,
    script: Mutex<VecDeque<Act>>,
}

/// The scripted behaviour of one call.
#[derive(Debug)]
pub enum Act {
    /// The call fails with this status.
    Fail(Status),
    /// The call takes this long.
    Take(Duration),
}

const PIECES: u32 = 5;
/// The time between two sales, which a watched stream reports.
const SALE: Duration = Duration::from_millis(100);

// === impl Stock ===

impl Stock {
    /// Creates a stock with a limit of watchers.
    ///
    /// # Errors
    /// The limit is out of its range.
    pub fn new(watchers: u32) -> Result<Self, InvalidSetting> {
        Ok(Self { watchers: Limit::new("watchers", watchers)?, script: Mutex::default() })
    }

    /// Returns the limit of watchers.
    #[must_use]
    pub fn watchers(&self) -> &Limit {
        &self.watchers
    }

    /// Scripts the next calls of [`count`](Self::count) and [`deliver`](Self::deliver), one after the other.
    pub fn act(&self, acts: impl IntoIterator<Item = Act>) {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).extend(acts);
    }

    /// Returns the amount.
    ///
    /// # Errors
    /// The script contains an error.
    pub async fn count(&self, item: &Request<Item>) -> Result<Level, Status> {
        // `ReadContextLayer` has set the context from `grpc-timeout`. Pass it on to calls that a handler makes.
        let left = item.extensions().get::<RequestContext>().and_then(|context| context.time_left(Instant::now()));
        self.perform().await?;
        let time_left_ms = left.and_then(|left| u64::try_from(left.as_millis()).ok());
        Ok(Level { pieces: PIECES, time_left_ms })
    }

    /// Returns the amount after each sale, until none is left.
    ///
    /// Each call holds its permit of the server's limit until its stream ends. Watchers have a lower limit of their own.
    /// Without it, a few streams that last for hours would leave no permits for calls.
    ///
    /// # Errors
    /// There are too many watchers: `RESOURCE_EXHAUSTED`.
    pub fn watch(&self) -> Result<BoxStream<'static, Result<Level, Status>>, Status> {
        let permit = self.watchers.try_acquire().map_err(|full| grpc_rejection_status(&full))?;
        let levels = stream::unfold((PIECES, permit), |(pieces, permit)| async move {
            let left = pieces.checked_sub(1)?;
            sleep(SALE).await;
            Some((Ok(Level { pieces: left, time_left_ms: None }), (left, permit)))
        });
        Ok(Box::pin(levels))
    }

    /// Adds a piece for each item, and returns the amount.
    ///
    /// # Errors
    /// The stream breaks off, or the script contains an error.
    pub async fn deliver(&self, mut items: Streaming<Item>) -> Result<Level, Status> {
        let mut pieces = PIECES;
        while items.message().await?.is_some() {
            pieces = pieces.saturating_add(1);
        }
        self.perform().await?;
        Ok(Level { pieces, time_left_ms: None })
    }

    /// Takes a piece for each item and returns the amount after each, until none is left or the items end.
    pub fn trade(&self, items: Streaming<Item>) -> BoxStream<'static, Result<Level, Status>> {
        Box::pin(stream::try_unfold((PIECES, items), |(pieces, mut items)| async move {
            let Some(left) = pieces.checked_sub(1) else { return Ok(None) };
            let taken = items.message().await?;
            Ok(taken.map(|_| (Level { pieces: left, time_left_ms: None }, (left, items))))
        }))
    }

    /// Performs the next act of the script.
    async fn perform(&self) -> Result<(), Status> {
        let act = self.script.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match act {
            Some(Act::Fail(status)) => return Err(status),
            Some(Act::Take(time)) => sleep(time).await,
            None => {}
        }
        Ok(())
    }
}
