use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Uri, header, uri::Scheme};
use http_body::Body;
use http_body_util::{Empty, StreamBody};

use super::*;

mod connection;
mod forwarded;
mod paths;
mod requests;
mod responses;
mod via;

type Fields<'a> = &'a [(&'a str, &'a str)];

fn headers(fields: Fields<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    headers
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

fn rules() -> ProxyRules {
    ProxyRules::new(Via::new("edge").unwrap())
}

/// Prepares a request with this head, from 192.0.2.7.
fn prepared<B: Body>(request: Request<B>, fields: HeaderMap, rules: &ProxyRules) -> Result<HeaderMap, RequestFault> {
    let mut request = request;
    *request.headers_mut() = fields;
    let peer = [192, 0, 2, 7].into();
    prepare_request(request, peer, &Scheme::HTTP, rules).map(|request| request.into_parts().0.headers)
}

fn get(uri: &str) -> Request<Empty<Bytes>> {
    Request::get(uri).body(Empty::new()).unwrap()
}

/// A body whose length is not known.
fn chunked() -> impl Body<Data = Bytes, Error = std::convert::Infallible> {
    StreamBody::new(futures_util::stream::iter([Ok(http_body::Frame::data(Bytes::from("hello")))]))
}

/// Returns what is forwarded of the fields of this peer.
fn forwarded(fields: HeaderMap, peer: &str, inbound: Inbound) -> HeaderMap {
    let mut request = get("/x");
    *request.headers_mut() = fields;
    let rules = rules().with_inbound(inbound);
    let request = prepare_request(request, peer.parse().unwrap(), &Scheme::HTTP, &rules).unwrap();
    let mut fields = request.into_parts().0.headers;
    fields.remove(header::VIA);
    fields
}
