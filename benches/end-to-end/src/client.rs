//! One connection of a client, without a pool, whose cost would be measured too.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::{
    BoxError,
    scenario::{Body, LARGE, Protocol},
};

/// A persistent connection; dropping it closes it.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: Sender,
    authority: Uri,
    headers: HeaderMap,
}

#[derive(Debug)]
enum Sender {
    H1(http1::SendRequest<Full<Bytes>>),
    H2(http2::SendRequest<Full<Bytes>>),
}

static ZEROS: [u8; LARGE] = [0; LARGE];

// === impl Connection ===

impl Connection {
    pub(crate) async fn open(address: SocketAddr, protocol: Protocol) -> Result<Self, BoxError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let io = TokioIo::new(stream);
        let sender = match protocol {
            Protocol::H1 => {
                let (sender, connection) = http1::handshake(io).await?;
                tokio::spawn(connection);
                Sender::H1(sender)
            }
            Protocol::H2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
                tokio::spawn(connection);
                Sender::H2(sender)
            }
        };
        let authority = format!("http://{address}").parse()?;
        Ok(Self { sender, authority, headers: headers(address, protocol)? })
    }

    /// Sends one request, and reads the response to its end.
    ///
    /// # Errors
    /// Returns an error if there is no response, or not that of the origin.
    pub(crate) async fn send(&mut self, body: Body) -> Result<(), BoxError> {
        let request = self.request(body)?;
        let response = match &mut self.sender {
            Sender::H1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Sender::H2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
        };
        check(response, body).await
    }

    fn request(&self, body: Body) -> Result<Request<Full<Bytes>>, BoxError> {
        let sent = Full::new(Bytes::from_static(&ZEROS[..body.sent()]));
        let mut request = Request::new(sent);
        *request.method_mut() = body.method();
        *request.headers_mut() = self.headers.clone();
        *request.uri_mut() = match &self.sender {
            Sender::H1(_) => Uri::from_static(body.path()),
            // HTTP/2 has scheme and authority in each request.
            Sender::H2(_) => {
                let mut parts = self.authority.clone().into_parts();
                parts.path_and_query = Some(body.path().parse()?);
                Uri::from_parts(parts)?
            }
        };
        Ok(request)
    }
}

async fn check(response: Response<Incoming>, body: Body) -> Result<(), BoxError> {
    let status = response.status();
    let (mut incoming, mut received) = (response.into_body(), 0);
    while let Some(frame) = incoming.frame().await {
        received += frame?.data_ref().map_or(0, Bytes::len);
    }
    match status.is_success() && received == body.received() {
        true => Ok(()),
        false => Err(format!("{status} with {received} bytes").into()),
    }
}

/// Returns as many headers as requests to an API usually have.
fn headers(address: SocketAddr, protocol: Protocol) -> Result<HeaderMap, BoxError> {
    let mut headers = HeaderMap::new();
    if protocol == Protocol::H1 {
        headers.insert(header::HOST, HeaderValue::try_from(address.to_string())?);
    }
    headers.insert(header::USER_AGENT, HeaderValue::from_static("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("en,de;q=0.7"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, br"));
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer 6f1d5c1e8a3b4d0f9e7c2a1b"));
    headers.insert("x-request-id", HeaderValue::from_static("5f0c1a52-6a3f-4d0e-9a57-0c8e3b6f1d2a"));
    headers.insert("traceparent", HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    Ok(headers)
}
