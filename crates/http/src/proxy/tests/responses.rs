//! The head of a response to a client.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, Version, header};
use http_body_util::Empty;

use super::{Fields, chunked, headers, uri};
use crate::proxy::*;

#[test]
fn response_keeps_one_length_and_no_marks() {
    let cases: [(u16, Fields<'_>, Fields<'_>); 6] = [
        // RFC 9112, 6.3
        (200, &[("content-length", "3"), ("transfer-encoding", "chunked")], &[]),
        (200, &[("content-length", "0"), ("transfer-encoding", "chunked")], &[]),
        // RFC 9110, 8.6
        (200, &[("content-length", "4, 4")], &[("content-length", "4")]),
        (204, &[("content-length", "3")], &[]),
        // The marks of another proxy, and fields of its connection.
        (200, &[("x-served-by", "b"), ("x-degraded", "b"), ("keep-alive", "timeout=5"), ("te", "trailers")], &[]),
        (302, &[("location", "http://b:81/base/x")], &[("location", "/x")]),
    ];
    for (status, received, expected) in cases {
        let mut response = Response::builder().status(status).version(Version::HTTP_10).body(chunked()).unwrap();
        *response.headers_mut() = headers(received);
        let response = prepare_response(response, &uri("http://b:81/base"), &Via::new("edge").unwrap()).unwrap();
        let mut expected = headers(expected);
        expected.insert(header::VIA, HeaderValue::from_static("1.0 edge"));
        assert_eq!(*response.headers(), expected, "{status} {received:?}");
        assert_eq!(response.version(), Version::HTTP_11, "RFC 9112, 2.3");
    }
}

#[test]
fn faulty_responses_are_refused() {
    let cases: [(u16, Fields<'_>, ResponseFault); 4] = [
        // RFC 9110, 7.8
        (101, &[("upgrade", "x"), ("connection", "upgrade")], ResponseFault::Upgrade),
        // RFC 9112, 6.3
        (200, &[("content-length", "4, 5")], ResponseFault::ContentLength),
        // RFC 9112, 6.1
        (200, &[("transfer-encoding", "gzip, chunked")], ResponseFault::TransferCoding),
        (200, &[("transfer-encoding", "gzip")], ResponseFault::TransferCoding),
    ];
    for (status, received, fault) in cases {
        let mut response = Response::builder().status(status).body(chunked()).unwrap();
        *response.headers_mut() = headers(received);
        let prepared = prepare_response(response, &uri("http://b"), &Via::new("edge").unwrap());
        assert_eq!(prepared.map(drop), Err(fault), "{status} {received:?}");
    }
}

/// A response to `HEAD` has the fields of one to `GET`, and no content to decode.
#[test]
fn coding_of_a_response_without_content_is_removed() {
    let response = Response::builder().status(StatusCode::OK).header("transfer-encoding", "gzip, chunked");
    let response = response.header("content-length", "3").body(Empty::<Bytes>::new()).unwrap();
    let response = prepare_response(response, &uri("http://b"), &Via::new("edge").unwrap()).unwrap();
    assert_eq!(*response.headers(), headers(&[("via", "1.1 edge")]));
}
