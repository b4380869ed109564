//! The server and its layers, whose refusals become statuses.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use mainstay::{
    BoxError,
    bulkhead::{BulkheadLayer, Limit},
    drain::{Cause, Drain, Phase},
    http::{
        Grpc, RejectionLayer,
        context::{ContextHeaders, ReadContextLayer},
    },
    timeout::TimeoutLayer,
};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tonic::transport::{self, server::TcpIncoming};
use tower::ServiceBuilder;

use crate::{api::StockServer, stock::Stock};

/// The longest time of a call, and the time of a call without a deadline.
pub const LONGEST: Duration = Duration::from_secs(1);
/// The time that a shutdown waits for calls and streams in flight.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    entrance: Limit,
    drain: Drain,
    task: JoinHandle<Result<(), transport::Error>>,
}

// === impl Server ===

impl Server {
    /// Serves a stock, with a limit of calls in flight.
    ///
    /// # Errors
    /// The address cannot be bound, or the limit is out of its range.
    pub async fn start(address: SocketAddr, stock: &Arc<Stock>, limit: u32) -> Result<Self, BoxError> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (entrance, drain) = (Limit::new("entrance", limit)?, Drain::new());
        let layers = ServiceBuilder::new()
            // Outermost. Turns refusals into RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED or UNAVAILABLE, with a pushback if the
            // wait is known.
            .layer(RejectionLayer::grpc())
            // Reads `grpc-timeout`, and sets the deadline that the layers below read.
            .layer(ReadContextLayer::new(ContextHeaders::grpc()).with_max_timeout(LONGEST))
            .layer(BulkheadLayer::with(entrance.clone()).with_policy(Grpc::new()))
            // Ends the call at that deadline.
            .layer(TimeoutLayer::total("stock", LONGEST)?.with_policy(Grpc::new()));
        let router = transport::Server::builder().layer(layers).add_service(StockServer::new(Arc::clone(stock)));
        let closing = drain.clone();
        let closing = async move { closing.reached(Phase::Closing).await };
        let task = tokio::spawn(router.serve_with_incoming_shutdown(TcpIncoming::from(listener), closing));
        Ok(Self { address, entrance, drain, task })
    }

    /// Returns the address of the listener.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the limit of calls in flight.
    #[must_use]
    pub fn entrance(&self) -> &Limit {
        &self.entrance
    }

    /// Stops accepting, waits for calls in flight, and aborts them after the shutdown time.
    pub async fn stop(mut self) {
        self.drain.begin(Cause::Interrupt);
        // Tonic alone would wait until every stream ends.
        if timeout(SHUTDOWN, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}
