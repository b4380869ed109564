//! A tonic server and its client, with retries and deadlines.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use grpc::{
    api::{StockClient, StockServer},
    stock::Stock,
};
use mainstay::{
    BoxError,
    bulkhead::BulkheadLayer,
    http::{
        Grpc, RejectionLayer, ReplayableLayer,
        context::{ContextHeaders, ForwardContextLayer, ReadContextLayer},
        grpc::GrpcStatusLayer,
    },
    retry::RetryLayer,
    timeout::TimeoutLayer,
};
use tokio::net::TcpListener;
use tonic::{
    Status,
    body::Body,
    transport::{Channel, Server, server::TcpIncoming},
};
use tower::{ServiceBuilder, util::BoxCloneSyncService};

/// A channel in its layers.
pub type StockChannel = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Status>;

/// Serves a stock. Refusals are statuses, and a call ends at its caller's deadline, after 5 s at the latest.
///
/// # Errors
/// A setting is out of its range, or the server fails.
pub async fn serve(listener: TcpListener, stock: Arc<Stock>) -> Result<(), BoxError> {
    let layers = ServiceBuilder::new()
        .layer(RejectionLayer::grpc())
        .layer(ReadContextLayer::new(ContextHeaders::grpc()))
        .layer(BulkheadLayer::new("stock", 256)?.with_policy(Grpc::new()))
        .layer(TimeoutLayer::total("stock", Duration::from_secs(5))?.with_policy(Grpc::new()));
    let server = Server::builder().layer(layers).add_service(StockServer::new(stock));
    Ok(server.serve_with_incoming(TcpIncoming::from(listener)).await?)
}

/// Creates a client. Calls are repeated within 2 s, or the time of `Request::set_timeout`, which the server is told.
///
/// # Errors
/// A setting is out of its range.
pub fn connect(server: SocketAddr) -> Result<StockClient<StockChannel>, BoxError> {
    let policy = Grpc::new().repeating_any_method();
    let channel = ServiceBuilder::new()
        .layer(GrpcStatusLayer::new())
        .layer(ReadContextLayer::new(ContextHeaders::grpc()))
        .layer(TimeoutLayer::total("stock", Duration::from_secs(2))?.with_policy(policy))
        .layer(ReplayableLayer::around(RetryLayer::new("stock").with_policy(policy)))
        .layer(TimeoutLayer::attempt("stock", Duration::from_millis(500))?.with_policy(policy))
        .layer(ForwardContextLayer::new(ContextHeaders::grpc()))
        .service(Channel::from_shared(format!("http://{server}"))?.connect_lazy());
    Ok(StockClient::new(BoxCloneSyncService::new(channel)))
}
