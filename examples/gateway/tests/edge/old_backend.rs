//! A backend of HTTP/1.0 that keeps its connections alive. hyper sends HTTP/1.0 on such a connection, which has no chunks,
//! and leaves out a body whose length is not known.

use crate::{backend::path_of, client::raw, row::Step, runner::Bench};

#[tokio::test]
async fn body_of_unknown_length_arrives_after_answers_of_http_1_0() {
    let bench = Bench::with_settings(&[]).await;
    let answer = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok";
    bench.backend.script("old", vec![Step::Request, Step::Send(answer.to_owned())]);
    let (address, path) = (bench.gateway.address(), path_of("old"));
    for request in ["GET", "POST", "POST", "POST"] {
        let lines = "Host: a\r\nConnection: close\r\n";
        let request = match request {
            "GET" => format!("GET {path} HTTP/1.1\r\n{lines}\r\n"),
            _ => format!("POST {path} HTTP/1.1\r\n{lines}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        };
        let answer = raw(address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let bodies: Vec<_> = bench.backend.seen("old").into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, ["", "abc", "abc", "abc"]);
}
