//! `Host` (RFC 9112, 3.2; RFC 9110, 7.2): what is valid, what is forwarded, and what the backend gets.

use crate::{
    row::{Mode, Row, http2, row},
    see::See::{self, AnyOf, Broken, Field, No, Status},
};

fn request(lines: &str) -> String {
    format!("GET {{path}} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n")
}

pub(crate) fn rows() -> Vec<Row> {
    [accepted(), refused(), preserved(), over_http2()].into_iter().flatten().collect()
}

fn accepted() -> Vec<Row> {
    #[rustfmt::skip]
    const HOSTS: &[(&str, &str)] = &[
        ("name", "shop.example"),
        ("name_with_port", "shop.example:8443"),
        ("ipv4", "192.0.2.1"),
        ("ipv6", "[2001:db8::1]"),
        ("ipv6_with_port", "[2001:db8::1]:80"),
        ("underscore", "a_b.example"),
        ("capitals", "Shop.Example"),
    ];
    let accepts = |(name, host): &(&str, &'static str)| {
        row(name, "RFC 9112, 3.2")
            .sends(&request(&format!("Host: {host}\r\n")))
            .arrives(&[Field("host", "{backend}"), Field("x-forwarded-host", host)])
            .gets(&[Status(200)])
    };
    let mut rows: Vec<_> = HOSTS.iter().map(accepts).collect();
    let to_backend = &[Field("host", "{backend}")];
    rows.extend([
        row("empty_host", "RFC 9110, 7.2")
            .sends(&request("Host:\r\n"))
            .arrives(&[
                Field("host", "{backend}"),
                AnyOf(&[&[No("x-forwarded-host")], &[Field("x-forwarded-host", "")]]),
            ])
            .gets(&[Status(200)]),
        row("no_host_from_http_1_0", "RFC 9112, 3.2")
            .sends("GET {path} HTTP/1.0\r\n\r\n")
            .arrives(to_backend)
            .gets(&[Status(200)]),
        row("absolute_form_wins", "RFC 9112, 3.2.2")
            .sends("GET http://one.example{path} HTTP/1.1\r\nHost: two.example\r\nConnection: close\r\n\r\n")
            .arrives(&[Field("host", "{backend}"), Field("x-forwarded-host", "one.example")])
            .gets(&[Status(200)]),
        row("credentials_of_absolute_form", "RFC 9110, 4.2.4")
            .sends(
                "GET http://user:secret@one.example{path} HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n",
            )
            .arrives(&[See::Optional, Field("host", "{backend}"), Field("x-forwarded-host", "one.example")])
            .gets(&[See::StatusIn(&[200, 400])]),
    ]);
    rows
}

fn refused() -> Vec<Row> {
    #[rustfmt::skip]
    const LINES: &[(&str, &str)] = &[
        ("no_host", ""),
        ("two_hosts", "Host: a\r\nHost: b\r\n"),
        ("same_host_twice", "Host: a\r\nHost: a\r\n"),
        ("host_with_path_and_credentials", "Host: a/b?c@d\r\n"),
        ("host_with_credentials", "Host: user@a\r\n"),
        ("host_with_path", "Host: a/b\r\n"),
        ("host_with_query", "Host: a?b\r\n"),
        ("host_with_fragment", "Host: a#b\r\n"),
        ("host_with_space", "Host: a b\r\n"),
        ("host_list", "Host: a,b c\r\n"),
        ("host_with_scheme", "Host: http://a\r\n"),
        ("host_with_backslash", "Host: a\\b\r\n"),
        ("host_with_markup", "Host: <script>\r\n"),
        ("host_with_high_byte", "Host: \u{e4}\r\n"),
        ("host_with_letters_as_port", "Host: a:b\r\n"),
        ("host_with_two_ports", "Host: a:1:2\r\n"),
        ("host_with_port_beyond_16_bits", "Host: a:99999\r\n"),
        ("host_with_port_and_sign", "Host: a:+80\r\n"),
        ("host_with_open_bracket", "Host: [::1\r\n"),
        ("host_with_text_after_bracket", "Host: [::1]x\r\n"),
        ("space_before_colon", "Host : a\r\n"),
        ("folded_host", "Host: a\r\n b\r\n"),
    ];
    let refused = |(name, lines): &(&str, &str)| row(name, "RFC 9112, 3.2").sends(&request(lines)).refused(&[400]);
    let mut rows: Vec<_> = LINES.iter().map(refused).collect();
    let absolute = "GET http://a{path} HTTP/1.1\r\nConnection: close\r\n\r\n";
    rows.push(row("absolute_form_without_host", "RFC 9112, 3.2").sends(absolute).refused(&[400]));
    // Paths that the gateway answers itself.
    for (path, host) in [("/live", ""), ("/metrics", "Host: a\r\nHost: b\r\n"), ("/nowhere", "Host: a/b\r\n")] {
        let name = format!("host_at_{}", &path[1..]);
        let request = format!("GET {path} HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
        rows.push(row(&name, "RFC 9112, 3.2").sends(&request).refused(&[400]));
    }
    rows
}

/// With `PRESERVE_HOST=true` the backend gets the host that the client requested.
fn preserved() -> Vec<Row> {
    vec![
        row("preserved", "RFC 9110, 7.2")
            .mode(Mode::PreserveHost)
            .sends(&request("Host: shop.example:8443\r\n"))
            .arrives(&[Field("host", "shop.example:8443"), Field("x-forwarded-host", "shop.example:8443")])
            .gets(&[Status(200)]),
        row("preserved_over_h2", "RFC 9113, 8.3.1")
            .mode(Mode::PreserveHost)
            .sends_http2(http2("GET", "{path}"))
            .arrives(&[Field("host", "shop.example"), Field("x-forwarded-host", "shop.example")])
            .gets(&[Status(200)]),
        row("preserved_from_absolute_form", "RFC 9112, 3.2.2")
            .mode(Mode::PreserveHost)
            .sends("GET http://one.example{path} HTTP/1.1\r\nHost: two.example\r\nConnection: close\r\n\r\n")
            .arrives(&[Field("host", "one.example")])
            .gets(&[Status(200)]),
        row("preserved_without_host", "RFC 9110, 7.2")
            .mode(Mode::PreserveHost)
            .sends("GET {path} HTTP/1.0\r\n\r\n")
            .arrives(&[Field("host", "{backend}")])
            .gets(&[Status(200)]),
    ]
}

fn over_http2() -> Vec<Row> {
    let accepted = |name, request, host| {
        row(name, "RFC 9113, 8.3.1")
            .sends_http2(request)
            .arrives(&[Field("host", "{backend}"), Field("x-forwarded-host", host)])
            .gets(&[Status(200)])
    };
    let get = || http2("GET", "{path}");
    let mut rows = vec![
        accepted("h2_authority", get(), "shop.example"),
        accepted("h2_host_instead_of_authority", get().without(":authority").field("host", "a.example"), "a.example"),
        accepted("h2_authority_and_same_host", get().field("host", "shop.example"), "shop.example"),
        // The field may be ignored, or the request is malformed.
        row("h2_authority_and_other_host", "RFC 9113, 8.3.1")
            .sends_http2(get().field("host", "evil.example"))
            .arrives(&[See::Optional, Field("x-forwarded-host", "shop.example"), Field("host", "{backend}")])
            .gets(&[AnyOf(&[&[Broken], &[Status(400)], &[Status(200)]])]),
    ];
    let refused = [
        ("h2_no_authority", get().without(":authority")),
        ("h2_empty_authority", get().field(":authority", "")),
        ("h2_credentials_in_authority", get().field(":authority", "user@shop.example")),
        ("h2_path_in_authority", get().field(":authority", "shop.example/x")),
        ("h2_space_in_authority", get().field(":authority", "shop example")),
        ("h2_port_beyond_16_bits", get().field(":authority", "shop.example:99999")),
        ("h2_two_hosts", get().without(":authority").field("host", "a").field("host", "b")),
        ("h2_wrong_host", get().without(":authority").field("host", "a/b?c@d")),
    ];
    rows.extend(refused.map(|(name, request)| row(name, "RFC 9113, 8.3.1").sends_http2(request).malformed()));
    rows
}
