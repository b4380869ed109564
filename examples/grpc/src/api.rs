//! `stock.v1.Stock`: messages, client and server, as `tonic-prost-build` would generate them from:
//!
//! ```proto
//! service Stock {
//!   rpc Count(Item) returns (Level);
//!   rpc Watch(Item) returns (stream Level);
//!   rpc Deliver(stream Item) returns (Level);
//!   rpc Trade(stream Item) returns (stream Level);
//! }
//! ```

use std::{convert::Infallible, sync::Arc, task::Poll};

use http::uri::PathAndQuery;
use http_body::Body as HttpBody;
use mainstay::BoxError;
use tonic::{
    IntoRequest, IntoStreamingRequest, Request, Response, Status, Streaming,
    body::Body,
    client::{self, GrpcService},
    codegen::{BoxFuture, Bytes},
    server::{self, NamedService},
};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

pub use crate::messages::{Item, Level};
use crate::stock::Stock;

const COUNT: &str = "/stock.v1.Stock/Count";
const WATCH: &str = "/stock.v1.Stock/Watch";
const DELIVER: &str = "/stock.v1.Stock/Deliver";
const TRADE: &str = "/stock.v1.Stock/Trade";

/// The client, over any channel or stack of layers around one.
#[derive(Clone, Debug)]
pub struct StockClient<T>(client::Grpc<T>);

/// The server.
#[derive(Clone, Debug)]
pub struct StockServer(Arc<Stock>);

// === impl StockClient ===

impl<T> StockClient<T>
where
    T: GrpcService<Body>,
    T::ResponseBody: HttpBody<Data = Bytes, Error: Into<BoxError> + Send> + Send + 'static,
{
    /// Creates a client over a channel.
    pub fn new(channel: T) -> Self {
        Self(client::Grpc::new(channel))
    }

    /// Returns the amount.
    ///
    /// # Errors
    /// The server's status, or the status of an error of the connection.
    pub async fn count(&mut self, item: impl IntoRequest<Item>) -> Result<Response<Level>, Status> {
        self.ready().await?;
        let codec = ProstCodec::<Item, Level>::default();
        self.0.unary(item.into_request(), PathAndQuery::from_static(COUNT), codec).await
    }

    /// Returns the amount after each change.
    ///
    /// # Errors
    /// As for [`count`](Self::count).
    pub async fn watch(&mut self, item: impl IntoRequest<Item>) -> Result<Response<Streaming<Level>>, Status> {
        self.ready().await?;
        let codec = ProstCodec::<Item, Level>::default();
        self.0.server_streaming(item.into_request(), PathAndQuery::from_static(WATCH), codec).await
    }

    /// Adds a piece for each item, and returns the amount.
    ///
    /// # Errors
    /// As for [`count`](Self::count).
    pub async fn deliver(
        &mut self,
        items: impl IntoStreamingRequest<Message = Item>,
    ) -> Result<Response<Level>, Status> {
        self.ready().await?;
        let codec = ProstCodec::<Item, Level>::default();
        self.0.client_streaming(items.into_streaming_request(), PathAndQuery::from_static(DELIVER), codec).await
    }

    /// Takes a piece for each item, and returns the amount after each.
    ///
    /// # Errors
    /// As for [`count`](Self::count).
    pub async fn trade(
        &mut self,
        items: impl IntoStreamingRequest<Message = Item>,
    ) -> Result<Response<Streaming<Level>>, Status> {
        self.ready().await?;
        let codec = ProstCodec::<Item, Level>::default();
        self.0.streaming(items.into_streaming_request(), PathAndQuery::from_static(TRADE), codec).await
    }

    async fn ready(&mut self) -> Result<(), Status> {
        self.0.ready().await.map_err(|error| Status::from_error(error.into()))
    }
}

// === impl StockServer ===

impl StockServer {
    /// Creates a server of this stock.
    #[must_use]
    pub fn new(stock: Arc<Stock>) -> Self {
        Self(stock)
    }

    async fn answer(stock: Arc<Stock>, request: http::Request<Body>) -> http::Response<Body> {
        let mut grpc = server::Grpc::new(ProstCodec::<Level, Item>::default());
        match request.uri().path() {
            COUNT => {
                let count = service_fn(move |item: Request<Item>| {
                    let stock = Arc::clone(&stock);
                    async move { stock.count(&item).await.map(Response::new) }
                });
                grpc.unary(count, request).await
            }
            WATCH => {
                let watch = service_fn(move |_: Request<Item>| {
                    let levels = stock.watch();
                    async move { levels.map(Response::new) }
                });
                grpc.server_streaming(watch, request).await
            }
            DELIVER => {
                let deliver = service_fn(move |items: Request<Streaming<Item>>| {
                    let stock = Arc::clone(&stock);
                    async move { stock.deliver(items.into_inner()).await.map(Response::new) }
                });
                grpc.client_streaming(deliver, request).await
            }
            TRADE => {
                let trade = service_fn(move |items: Request<Streaming<Item>>| {
                    let levels = stock.trade(items.into_inner());
                    async move { Ok(Response::new(levels)) }
                });
                grpc.streaming(trade, request).await
            }
            _ => Status::unimplemented("no such method").into_http(),
        }
    }
}

impl NamedService for StockServer {
    const NAME: &'static str = "stock.v1.Stock";
}

impl Service<http::Request<Body>> for StockServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let answer = Self::answer(Arc::clone(&self.0), request);
        Box::pin(async { Ok(answer.await) })
    }
}
