//! `Expect: 100-continue` (RFC 9110, 10.1.1) from end to end, and answers before the end of an upload.

use crate::{
    row::{OK, Row, Step, http2, row},
    see::See::{Body, Broken, Field, No, Optional, Status, StatusIn},
};

const HEAD: &str =
    "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";

fn send(text: &str) -> Step {
    Step::Send(text.to_owned())
}

/// Returns the request without the wish to close the connection.
fn kept(request: &str) -> String {
    request.replace("Connection: close\r\n", "")
}

pub(crate) fn rows() -> Vec<Row> {
    let refuses = |answer: &str| [Step::Head, send(answer), Step::Close];
    let refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let too_large = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
    let upload = "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\n";
    vec![
        row("continue_of_the_backend", "RFC 9110, 10.1.1")
            .steps(&[send(HEAD), Step::Until("100 Continue"), send("abc")])
            .backend(&[Step::Head, send("HTTP/1.1 100 Continue\r\n\r\n"), Step::Request, send(OK), Step::Close])
            .arrives(&[Field("expect", "100-continue"), Body("abc")])
            .interim(&[100])
            .gets(&[Status(200)]),
        row("backend_that_does_not_continue", "RFC 9110, 10.1.1")
            .steps(&[send(HEAD), Step::Until("100 Continue"), send("abc")])
            .arrives(&[Body("abc")])
            .interim(&[100])
            .gets(&[Status(200)]),
        row("body_without_waiting", "RFC 9110, 10.1.1")
            .steps(&[send(&format!("{HEAD}abc"))])
            .arrives(&[Body("abc")])
            .gets(&[Status(200)]),
        row("refusal_before_the_body", "RFC 9110, 15.5.18")
            .steps(&[send(HEAD), Step::Until("\r\n\r\n")])
            .backend(&refuses(refusal))
            .arrives(&[Optional, Broken])
            .interim(&[])
            .gets(&[Status(417)]),
        row("too_large_before_the_body", "RFC 9110, 15.5.14")
            .steps(&[send(HEAD), Step::Until("\r\n\r\n")])
            .backend(&refuses(too_large))
            .arrives(&[Optional, Broken])
            .interim(&[])
            .gets(&[Status(413), Body("no")]),
        row("answer_without_the_body", "RFC 9110, 10.1.1")
            .steps(&[send(HEAD), Step::Until("\r\n\r\n")])
            .backend(&refuses(OK))
            .arrives(&[Optional, Broken])
            .interim(&[])
            .gets(&[Status(200)]),
        row("expectation_of_http_1_0", "RFC 9110, 10.1.1")
            .sends("POST {path} HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc")
            .arrives(&[Body("abc")])
            .interim(&[])
            .gets(&[Status(200)]),
        row("expectation_of_request_without_body", "RFC 9110, 10.1.1")
            .sends("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n")
            .arrives(&[Body("")])
            .gets(&[Status(200)]),
        row("unknown_expectation", "RFC 9110, 10.1.1")
            .sends(&HEAD.replace("100-continue", "x"))
            .backend(&refuses(refusal))
            .arrives(&[Optional, Broken])
            .gets(&[Status(417)]),
        row("expectation_over_h2", "RFC 9110, 10.1.1")
            .sends_http2(
                http2("POST", "{path}").field("expect", "100-continue").field("content-length", "3").data("abc"),
            )
            .arrives(&[Body("abc")])
            .gets(&[Status(200)]),
        // hyper's server sends no interim answer but its own 100: one of the backend is skipped, as RFC 9110, 15.2 permits.
        row("early_hints_before_the_answer", "RFC 9110, 15.2")
            .sends("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .answers(&format!("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n{OK}"))
            .arrives(&[])
            .interim(&[])
            .gets(&[Status(200), No("link")]),
        // A client of HTTP/1.0 gets no interim answer.
        row("early_hints_for_http_1_0", "RFC 9110, 15.2")
            .sends("GET {path} HTTP/1.0\r\n\r\n")
            .answers(&format!("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n{OK}"))
            .arrives(&[])
            .interim(&[])
            .gets(&[Status(200)]),
        // The client cannot tell which bytes would be read as its next request, unless the connection ends (RFC 9112, 9.6).
        row("refusal_before_the_body_ends_the_connection", "RFC 9112, 9.3")
            .steps(&[send(&kept(HEAD)), Step::Until("\r\n\r\n")])
            .backend(&refuses(refusal))
            .arrives(&[Optional, Broken])
            .interim(&[])
            .gets(&[Status(417), Field("connection", "close")]),
        row("refusal_of_an_upload_ends_the_connection", "RFC 9112, 9.3")
            .steps(&[send(&format!("{}abc", kept(upload).replace("Length: 3", "Length: 4000000"))), Step::Until("no")])
            .backend(&refuses(too_large))
            .arrives(&[Optional, Broken])
            .gets(&[Status(413), Body("no"), Field("connection", "close")]),
        row("refusal_by_the_gateway_before_the_body_ends_the_connection", "RFC 9112, 9.3")
            .steps(&[send(&kept(HEAD).replace("{path}", "/other")), Step::Until("\r\n\r\n")])
            .interim(&[])
            .gets(&[Status(404), Field("connection", "close")]),
        row("refusal_of_an_upload", "RFC 9112, 9.3")
            .sends(&format!("{}{}", upload.replace("Length: 3", "Length: 4000000"), "x".repeat(4_000_000)))
            .backend(&refuses(too_large))
            .arrives(&[Optional, Broken])
            .gets(&[Status(413), Body("no")]),
        row("refusal_by_the_gateway_of_an_upload", "RFC 9112, 9.6")
            .sends(&format!(
                "POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\nConnection: close\r\n\r\n{}",
                "x".repeat(400_000)
            ))
            .gets(&[StatusIn(&[404])]),
    ]
}
