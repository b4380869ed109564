//! Plain and blocking functions without Tower: handles, and a stack of layers, in the fields of a struct.

use std::{io, time::Duration};

use mainstay::{
    BoxError,
    bulkhead::Limit,
    circuit_breaker::Breaker,
    fallback::{FallbackHandle, Value, value},
    retry::{Retrier, RetryLayer},
    timeout::TimeLimit,
};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn, util::BoxCloneSyncService};

/// A client of a shop. Its handles are for the calls, and for the pages that show their snapshots.
#[derive(Debug)]
pub struct Shop {
    /// Answers with the list price while the shop is down.
    pub prices: FallbackHandle,
    list_price: Value<u32>,
    /// Repeats questions for a price.
    pub retrier: Retrier,
    /// Refuses them while the shop fails.
    pub breaker: Breaker,
    /// Of all calls at once.
    pub limit: Limit,
    attempt: TimeLimit,
    orders: BoxCloneSyncService<u32, String, BoxError>,
}

impl Shop {
    /// Creates a client.
    ///
    /// # Errors
    /// None with these settings.
    pub fn new() -> Result<Self, BoxError> {
        let list_price = value(100);
        let orders = ServiceBuilder::new().layer(RetryLayer::new("orders")).service(service_fn(place_order));
        Ok(Self {
            prices: FallbackHandle::new("prices", &list_price),
            list_price,
            retrier: Retrier::new("prices"),
            breaker: Breaker::new("prices"),
            limit: Limit::new("prices", 8)?,
            attempt: TimeLimit::attempt("prices", Duration::from_secs(1))?,
            orders: BoxCloneSyncService::new(orders),
        })
    }

    /// Asks for a price. Handles nest in the order of layers, outermost first.
    ///
    /// # Errors
    /// The function's own, or a refusal.
    pub async fn price(&self, id: u32) -> Result<u32, BoxError> {
        let attempt = || self.breaker.run(|| self.limit.run(|| self.attempt.run(|| ask_for_price(id))));
        self.prices.run(&self.list_price, id, |_| self.retrier.run(|_attempt| attempt())).await
    }

    /// Reads a label with a blocking function, which gives its permit back when it ends.
    ///
    /// # Errors
    /// The function's own, or a refusal.
    pub async fn label(&self, id: u32) -> Result<String, BoxError> {
        self.limit.run_blocking(move || read_label(id)).await
    }

    /// Sends an order through the stack.
    ///
    /// # Errors
    /// The function's own, or a refusal.
    pub async fn order(&self, id: u32) -> Result<String, BoxError> {
        self.orders.clone().ready().await?.call(id).await
    }
}

async fn ask_for_price(id: u32) -> io::Result<u32> {
    if id == 0 { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(10 * id) }
}

fn read_label(id: u32) -> io::Result<String> {
    Ok(format!("article {id}"))
}

async fn place_order(id: u32) -> io::Result<String> {
    Ok(format!("order of {id}"))
}
