use http::{HeaderMap, HeaderName, Request, StatusCode};
use http_body_util::Empty;

use super::{
    message::CacheRequest as _,
    request::{Get, KeptRequest, Kind},
    scope::Scope,
    storable::{NotKept, Storable},
};

mod control;
mod lifetime;
mod storable;
mod vary;

type Fields<'a> = &'a [(&'a str, &'a str)];

fn headers(fields: Fields<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    headers
}

/// Returns what is kept of a `GET` with these fields.
fn get(fields: Fields<'_>) -> Get {
    let mut request = Request::get("/x").body(Empty::<bytes::Bytes>::new()).unwrap();
    *request.headers_mut() = headers(fields);
    let has_credentials = super::credential::Credentials::default().are_in(request.headers());
    match KeptRequest::new(request.view(), None, has_credentials).map(|kept| kept.kind) {
        Some(Kind::Get(get)) => *get,
        _ => unreachable!("a GET without conditions"),
    }
}
