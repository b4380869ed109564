//! The service itself, and a script by which it misbehaves.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::stream::{self, BoxStream};
use mainstay::{InvalidSetting, RequestContext, bulkhead::Limit, http::grpc::grpc_rejection_status};
use tokio::time::{Instant, sleep};
use tonic::{Request, Status, Streaming};

use crate::api::{Item, Level};

/// Five pieces of everything.
#[derive(Debug)]
pub struct Stock {
    watchers: Limit,
    script: Mutex<VecDeque<Act>>,
}

/// What happens to one call.
#[derive(Debug)]
pub enum Act {
    /// It fails.
    Fail(Status),
    /// It takes this long.
    Take(Duration),
}

const PIECES: u32 = 5;
/// How often a piece is sold to whoever watches.
const SALE: Duration = Duration::from_millis(100);

// === impl Stock ===

impl Stock {
    /// With so many watchers at most.
    ///
    /// # Errors
    /// A limit out of its range.
    pub fn new(watchers: u32) -> Result<Self, InvalidSetting> {
        Ok(Self { watchers: Limit::new("watchers", watchers)?, script: Mutex::default() })
    }

    /// The limit of watchers.
    #[must_use]
    pub fn watchers(&self) -> &Limit {
        &self.watchers
    }

    /// What will happen to the next calls of [`count`](Self::count) and [`deliver`](Self::deliver), one after the other.
    pub fn act(&self, acts: impl IntoIterator<Item = Act>) {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).extend(acts);
    }

    /// How much there is.
    ///
    /// # Errors
    /// The script says so.
    pub async fn count(&self, item: &Request<Item>) -> Result<Level, Status> {
        // `ReadContextLayer` has read it from `grpc-timeout`. Calls that this handler makes would be given it.
        let left = item.extensions().get::<RequestContext>().and_then(|context| context.time_left(Instant::now()));
        self.perform().await?;
        let time_left_ms = left.and_then(|left| u64::try_from(left.as_millis()).ok());
        Ok(Level { pieces: PIECES, time_left_ms })
    }

    /// How much there is, whenever a piece was sold, until none is left.
    ///
    /// A stream keeps its permit of the entrance until it ends, as every call does. Watchers have a limit of their own
    /// below that one, or a few who listen for hours would leave no room for calls.
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

    /// How much there is after these have come.
    ///
    /// # Errors
    /// The stream breaks off, or the script says so.
    pub async fn deliver(&self, mut items: Streaming<Item>) -> Result<Level, Status> {
        let mut pieces = PIECES;
        while items.message().await?.is_some() {
            pieces = pieces.saturating_add(1);
        }
        self.perform().await?;
        Ok(Level { pieces, time_left_ms: None })
    }

    /// How much is left after each of these was taken, until none is left or nobody wants any more.
    pub fn trade(&self, items: Streaming<Item>) -> BoxStream<'static, Result<Level, Status>> {
        Box::pin(stream::try_unfold((PIECES, items), |(pieces, mut items)| async move {
            let Some(left) = pieces.checked_sub(1) else { return Ok(None) };
            let taken = items.message().await?;
            Ok(taken.map(|_| (Level { pieces: left, time_left_ms: None }, (left, items))))
        }))
    }

    /// The next act of the script.
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
