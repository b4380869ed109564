//! The layers of a server: what they refuse becomes a status.

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

/// How long a call may take, and what a client gets that sets no deadline.
pub const LONGEST: Duration = Duration::from_secs(1);
/// How long a shutdown waits for calls and streams in flight.
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
    /// Serves this stock, with so many calls at once at most.
    ///
    /// # Errors
    /// It cannot listen, or the limit is out of its range.
    pub async fn start(address: SocketAddr, stock: &Arc<Stock>, limit: u32) -> Result<Self, BoxError> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (entrance, drain) = (Limit::new("entrance", limit)?, Drain::new());
        let layers = ServiceBuilder::new()
            // Outermost: RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED, UNAVAILABLE, with pushback where it is known.
            .layer(RejectionLayer::grpc())
            // Reads `grpc-timeout`. From here on every layer knows by when the client must have its answer.
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

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The limit at its entrance.
    #[must_use]
    pub fn entrance(&self) -> &Limit {
        &self.entrance
    }

    /// Accepts no more, and ends: by itself if all is done in time.
    pub async fn stop(mut self) {
        self.drain.begin(Cause::Interrupt);
        // Tonic waits for as long as a stream lasts.
        if timeout(SHUTDOWN, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}
