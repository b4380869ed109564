//! Upgrades (RFC 9110, 7.8; WebSocket, RFC 6455): the gateway forwards none, over either version, and no connection becomes
//! a tunnel. For CONNECT and the extended CONNECT of HTTP/2 see `targets`.

use crate::{
    row::{OK, Row, http2, row},
    see::{
        MALFORMED,
        See::{self, Field, No, Status},
    },
};

const ASKS: &str = "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// The client's last request: the gateway closes after it.
const LAST: &str = "GET {path}/2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const AGREES: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\u{81}\u{2}hi";

/// The backend is not asked to upgrade.
const ARRIVES: [See; 3] = [No("upgrade"), No("connection"), Field("sec-websocket-version", "13")];

pub(crate) fn rows() -> Vec<Row> {
    let required = "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n";
    let asks = |name: &str, answer: &str, status| {
        let row = row(name, "RFC 9110, 7.8").sends(&format!("{ASKS}{LAST}")).answers(answer);
        row.arrives(&ARRIVES).arrives(&[No("upgrade")]).gets(&[Status(status), No("upgrade")])
    };
    vec![
        asks("upgrade_is_not_forwarded", OK, 200).gets(&[Status(200)]),
        asks("upgrade_required", required, 426).gets(&[Status(426)]),
        // The connection stays one of HTTP: what follows is the next request.
        asks("upgrade_that_the_backend_agrees_to", AGREES, 502).gets(&[Status(502)]),
        row("bytes_after_an_upgrade_are_no_tunnel", "RFC 9110, 7.8")
            .sends(&format!("{ASKS}\u{81}\u{2}hi"))
            .answers(AGREES)
            .arrives(&ARRIVES)
            .gets(&[Status(502)])
            .gets(&[Status(400)]),
        row("upgrade_with_body", "RFC 9110, 7.8")
            .sends(
                &ASKS
                    .replace("GET", "POST")
                    .replace("Upgrade\r\n", "Upgrade, close\r\n")
                    .replace("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\nabc"),
            )
            .arrives(&[No("upgrade"), See::Body("abc")])
            .gets(&[Status(200)]),
        row("upgrade_over_h2", "RFC 9113, 8.2.2")
            .sends_http2(http2("GET", "{path}").field("upgrade", "websocket").field("sec-websocket-version", "13"))
            .gets(&[MALFORMED]),
        row("upgrade_that_the_backend_agrees_to_over_h2", "RFC 9113, 8.6")
            .sends_http2(http2("GET", "{path}").field("sec-websocket-version", "13"))
            .answers(AGREES)
            .arrives(&[No("upgrade")])
            .gets(&[Status(502)]),
    ]
}
