//! One limit for the heads of requests, over both versions.

use axum::{body::Body, http::Request};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use mainstay_drain::ServerSettings;

use crate::running::Running;

/// Defect: a head of 20 kB got 431 over HTTP/2, and one of 300 kB was served over HTTP/1.
#[tokio::test]
async fn heads_have_one_limit_over_both_versions() {
    let server = Running::limited(ServerSettings { max_head_bytes: 40_000, ..ServerSettings::default() }).await;
    for http2 in [false, true] {
        let client: Client<_, Body> = Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
        for (size, fields, expected) in
            [(20_000, 1, 200), (39_000, 1, 200), (380, 90, 200), (41_000, 1, 431), (440, 90, 431), (300_000, 1, 431)]
        {
            let mut request = Request::get(format!("http://{}/", server.addr)).body(Body::empty()).unwrap();
            for _ in 0..fields {
                request.headers_mut().append("large", "x".repeat(size).parse().unwrap());
            }
            match client.request(request).await {
                Ok(response) => {
                    assert_eq!(response.status(), expected, "{size}, {fields}, HTTP/2: {http2}");
                    // Beyond the buffer, hyper answers by itself, without a body.
                    let is_own = expected == 431 && size < 100_000;
                    let has_type = response.headers().contains_key("content-type");
                    assert!(has_type || !is_own || http2, "{size}, {fields}, HTTP/2: {http2}");
                }
                // The client's own h2 gives up on the answer to a head that the server did not read to its end.
                Err(error) => assert!(http2 && expected == 431, "{size}, {fields}: {error:?}"),
            }
        }
    }
}
