//! The client's address and what it claims of itself (RFC 7239 and the `X-Forwarded-*` fields).

use crate::{
    row::{Mode, Row, each_version, row},
    see::See::{self, Field, FieldEnd, No, Status},
};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, fields, arrives) in OF_CLIENTS {
        rows.extend(each_version(name, "RFC 7239, 8.1", fields, arrives));
    }
    for (name, fields, arrives) in OF_PROXIES {
        let name = format!("append_{name}");
        rows.extend(each_version(&name, "RFC 7239, 5.2", fields, arrives).map(|row| row.mode(Mode::Proxies)));
    }
    // The gateway does not write these fields, so that no value of them can be trusted.
    for name in REMOVED {
        let fields = [(*name, "10.0.0.1")];
        rows.extend(each_version(&format!("removes_{name}"), "RFC 7239, 8.1", &fields, &[No(name)]));
        let append = each_version(&format!("append_removes_{name}"), "RFC 7239, 8.1", &fields, &[No(name)]);
        rows.extend(append.map(|row| row.mode(Mode::Proxies)));
    }
    let get = "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Degraded: forged\r\nX-Served-By: forged\r\n\r\nok";
    rows.push(
        row("marks_of_the_gateway_from_backend", "RFC 9110, 7.7").sends(get).answers(answer).arrives(&[]).gets(&[
            Status(200),
            No("x-degraded"),
            Field("x-served-by", "primary"),
        ]),
    );
    rows
}

#[rustfmt::skip]
const REMOVED: &[&str] = &[
    "forwarded", "x-real-ip", "x-forwarded-port", "x-forwarded-server", "x_forwarded_for", "x_forwarded_host",
    "x_forwarded_proto", "x_real_ip", "x-forwarded_for", "x_forwarded-proto", "x-forwarded-preferred_username",
    "content_length", "transfer_encoding", "proxy",
];

type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [See]);

const ADDRESS: See = Field("x-forwarded-for", "127.0.0.1");

#[rustfmt::skip]
const OF_CLIENTS: &[Case] = &[
    ("nothing", &[], &[ADDRESS, Field("x-forwarded-proto", "http"), Field("x-forwarded-host", "shop.example")]),
    ("forged_address", &[("x-forwarded-for", "10.0.0.1")], &[ADDRESS]),
    ("forged_addresses", &[("x-forwarded-for", "10.0.0.1"), ("x-forwarded-for", "10.0.0.2")], &[ADDRESS]),
    ("forged_address_with_high_byte", &[("x-forwarded-for", "10.0.0.1\u{ff}")], &[ADDRESS]),
    ("forged_scheme", &[("x-forwarded-proto", "https")], &[Field("x-forwarded-proto", "http")]),
    ("forged_host", &[("x-forwarded-host", "admin.internal")], &[Field("x-forwarded-host", "shop.example")]),
    ("forged_prefix", &[("x-forwarded-prefix", "/admin")], &[No("x-forwarded-prefix")]),
    ("client_address_of_others", &[("x-client-ip", "10.0.0.1")], &[Field("x-client-ip", "10.0.0.1")]),
];

#[rustfmt::skip]
const OF_PROXIES: &[Case] = &[
    ("nothing", &[], &[ADDRESS, Field("x-forwarded-proto", "http"), Field("x-forwarded-host", "shop.example")]),
    ("one", &[("x-forwarded-for", "192.0.2.7")], &[Field("x-forwarded-for", "192.0.2.7, 127.0.0.1")]),
    ("two_lines", &[("x-forwarded-for", "10.0.0.1"), ("x-forwarded-for", "192.0.2.7")],
        &[Field("x-forwarded-for", "10.0.0.1, 192.0.2.7, 127.0.0.1")]),
    // What the proxy before us appended stays, whatever the client wrote in front of it.
    ("high_byte_of_client", &[("x-forwarded-for", "\u{ff}, 192.0.2.7")], &[FieldEnd("x-forwarded-for", "192.0.2.7, 127.0.0.1")]),
    ("utf_8_of_client", &[("x-forwarded-for", "\u{c3}\u{a4}, 192.0.2.7")], &[FieldEnd("x-forwarded-for", "192.0.2.7, 127.0.0.1")]),
    ("high_byte_in_own_line", &[("x-forwarded-for", "\u{ff}"), ("x-forwarded-for", "192.0.2.7")],
        &[FieldEnd("x-forwarded-for", "192.0.2.7, 127.0.0.1")]),
    ("open_quote_of_client", &[("x-forwarded-for", "\", 192.0.2.7")], &[FieldEnd("x-forwarded-for", "192.0.2.7, 127.0.0.1")]),
    ("empty_members", &[("x-forwarded-for", ",, 192.0.2.7 ,")], &[FieldEnd("x-forwarded-for", "192.0.2.7, 127.0.0.1")]),
    ("scheme_and_host", &[("x-forwarded-proto", "https"), ("x-forwarded-host", "own.example")],
        &[Field("x-forwarded-proto", "https"), Field("x-forwarded-host", "own.example")]),
];
