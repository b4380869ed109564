//! Paths: nothing leaves the prefix, however a backend decodes it (RFC 3986, 5.2.4 and 6.2.2).

use crate::{
    row::{Row, http2, row},
    see::See::{AnyOf, Broken, LineStart, Status, StatusIn},
};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, path) in REFUSED {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        rows.push(row(name, "RFC 3986, 5.2.4").sends(&request).refused(&[400, 404]));
        let refused = AnyOf(&[&[Broken], &[StatusIn(&[400, 404])]]);
        let row = row(&format!("{name}_h2"), "RFC 3986, 5.2.4").sends_http2(http2("GET", path));
        rows.push(row.gets(&[refused]));
    }
    for (name, path) in FORWARDED {
        let arrives = &[LineStart(path)];
        let method = path.split(' ').next().unwrap_or_default();
        let path = path.split(' ').nth(1).unwrap_or_default();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        rows.push(row(name, "RFC 3986, 3.3").sends(&request).arrives(arrives).gets(&[Status(200)]));
        let row = row(&format!("{name}_h2"), "RFC 3986, 3.3").sends_http2(http2(method, path));
        rows.push(row.arrives(arrives).gets(&[Status(200)]));
    }
    rows
}

#[rustfmt::skip]
const REFUSED: &[(&str, &str)] = &[
    ("dot_dot", "{path}/../x"),
    ("dot_dot_at_end", "{path}/.."),
    ("dot_dot_out_of_prefix", "{path}/../../../x"),
    ("dot", "{path}/./x"),
    ("dot_dot_encoded", "{path}/%2e%2e/x"),
    ("dot_dot_encoded_in_capitals", "{path}/%2E%2E/x"),
    ("dot_dot_half_encoded", "{path}/.%2e/x"),
    ("dot_dot_before_encoded_slash", "{path}/..%2fx"),
    ("dot_dot_after_encoded_slash", "{path}/a%2f../x"),
    ("dot_dot_between_encoded_slashes", "{path}/a%2F..%2Fx"),
    ("dot_dot_before_backslash", "{path}/..\\x"),
    ("dot_dot_before_encoded_backslash", "{path}/..%5cx"),
    ("dot_dot_with_parameter", "{path}/..;a=b/x"),
    ("dot_dot_with_encoded_parameter", "{path}/..%3ba/x"),
    ("dot_dot_before_nul", "{path}/..%00/x"),
    ("dot_dot_before_tab", "{path}/..%09/x"),
    ("dot_dot_before_line_end", "{path}/..%0d%0a/x"),
    ("dot_dot_before_encoded_space", "{path}/..%20/x"),
    ("dot_dot_around_nul", "{path}/.%00./x"),
    ("dot_dot_after_nul", "{path}/%00../x"),
    ("dot_dot_around_tab", "{path}/.%09./x"),
    ("full_width_dots", "{path}/\u{ef}\u{bc}\u{8e}\u{ef}\u{bc}\u{8e}/x"),
    ("full_width_dots_encoded", "{path}/%ef%bc%8e%ef%bc%8e/x"),
    ("full_width_slash_encoded", "{path}/..%ef%bc%8fx"),
    ("overlong_dots", "{path}/%c0%ae%c0%ae/x"),
    ("overlong_slash", "{path}/..%c0%afx"),
    ("raw_high_byte", "{path}/\u{ff}"),
    ("raw_utf_8", "{path}/\u{c3}\u{a4}"),
    ("prefix_itself", "/api/v1"),
    ("prefix_as_part_of_segment", "/api/v10/x"),
    ("prefix_in_capitals", "/API/V1/x"),
    ("prefix_encoded", "/api/v%31/x"),
    ("prefix_after_slash", "//api/v1/x"),
    ("prefix_after_dot_dot", "/x/../api/v1/x"),
];

/// What an application may use in its paths.
#[rustfmt::skip]
const FORWARDED: &[(&str, &str)] = &[
    ("plain", "GET {path}/a/b "),
    ("slash_at_end", "GET {path}/ "),
    ("empty_segments", "GET {path}//a///b "),
    ("encoded_slash", "GET {path}/a%2Fb "),
    ("encoded_space", "GET {path}/a%20b "),
    ("encoded_utf_8", "GET {path}/%E2%82%AC "),
    ("encoded_small_letters", "GET {path}/%c3%a4 "),
    ("encoded_unreserved", "GET {path}/%61 "),
    ("encoded_percent", "GET {path}/%25 "),
    ("double_encoding", "GET {path}/%252e%252e%252fx "),
    ("dots_in_name", "GET {path}/a..b "),
    ("three_dots", "GET {path}/... "),
    ("name_after_dot", "GET {path}/.well-known/x "),
    ("name_after_two_dots", "GET {path}/..a "),
    ("parameters", "GET {path}/a;b=c;d "),
    ("sub_delimiters", "GET {path}/!$&'()*+,;=:@ "),
    ("dots_in_query", "GET {path}?a=/../b&c=%2e%2e%00 "),
    ("tilde", "POST {path}/~user "),
];
