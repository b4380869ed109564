//! A row of the tables: what a client sends, what the backend answers, and what must arrive at both.
//!
//! Placeholders in all texts: `{path}` is a path below the prefix that only this row uses, `{gateway}` and `{backend}`
//! are the addresses.

use crate::see::{MALFORMED, See};

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) rfc: &'static str,
    pub(crate) mode: Mode,
    pub(crate) sends: Sends,
    pub(crate) backend: Vec<Step>,
    /// One list for each request that must arrive. Repeated attempts of the same bytes are one request.
    pub(crate) arrives: Vec<Vec<See>>,
    /// One list for each final answer.
    pub(crate) gets: Vec<Vec<See>>,
    /// The status codes of the interim answers before the first final one, if the row states them.
    pub(crate) interim: Option<&'static [u16]>,
}

/// The gateway that a row uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    /// Peers are clients: `FORWARDED_HEADERS=drop`.
    #[default]
    Clients,
    /// Peers are our own proxies: `FORWARDED_HEADERS=append`.
    Proxies,
    /// `PRESERVE_HOST=true`.
    PreserveHost,
}

#[derive(Debug)]
pub(crate) enum Sends {
    /// Bytes of HTTP/1, and waits between them.
    Http1(Vec<Step>),
    Http2(Request),
}

/// A request of HTTP/2, field by field, sent as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) fields: Vec<(String, String)>,
    /// The DATA frames. The last frame of the request ends the stream.
    pub(crate) data: Vec<String>,
    pub(crate) trailers: Vec<(String, String)>,
}

/// One step of a script, of the client or of the backend.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Send(String),
    /// Send a text again and again until the peer closes.
    Flood(String),
    /// Read the head of a request, without its body.
    Head,
    /// Read a whole request, or the rest of it.
    Request,
    /// Read until the bytes received so far contain a text.
    Until(&'static str),
    /// Close the write direction, and read on.
    Shutdown,
    Close,
}

/// The answer of a backend that has nothing else to say.
pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

pub(crate) fn row(name: &str, rfc: &'static str) -> Row {
    Row {
        name: name.to_owned(),
        rfc,
        mode: Mode::default(),
        sends: Sends::Http1(Vec::new()),
        backend: vec![Step::Request, Step::Send(OK.to_owned()), Step::Close],
        arrives: Vec::new(),
        gets: Vec::new(),
        interim: None,
    }
}

/// Returns a request of HTTP/2 with the four pseudo-fields.
pub(crate) fn http2(method: &str, path: &str) -> Request {
    let fields = [(":method", method), (":scheme", "http"), (":authority", "shop.example"), (":path", path)];
    Request { fields: fields.map(owned).into(), ..Request::default() }
}

pub(crate) fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Returns a row for each version of HTTP, in which a GET has these fields.
pub(crate) fn each_version(name: &str, rfc: &'static str, fields: &[(&str, &str)], arrives: &[See]) -> [Row; 2] {
    let lines: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let first = format!("GET {{path}} HTTP/1.1\r\nHost: shop.example\r\n{lines}Connection: close\r\n\r\n");
    let second = fields.iter().fold(http2("GET", "{path}"), |request, (name, value)| request.field(name, value));
    [
        row(name, rfc).sends(&first).arrives(arrives).gets(&[See::Status(200)]),
        row(&format!("{name}_h2"), rfc).sends_http2(second).arrives(arrives).gets(&[See::Status(200)]),
    ]
}

// === impl Row ===

impl Row {
    pub(crate) fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    pub(crate) fn sends(self, request: &str) -> Self {
        self.steps(&[Step::Send(request.to_owned())])
    }

    pub(crate) fn steps(mut self, steps: &[Step]) -> Self {
        self.sends = Sends::Http1(steps.to_vec());
        self
    }

    pub(crate) fn sends_http2(mut self, request: Request) -> Self {
        self.sends = Sends::Http2(request);
        self
    }

    /// The backend reads the request, answers with these bytes and closes.
    pub(crate) fn answers(self, answer: &str) -> Self {
        self.backend(&[Step::Request, Step::Send(answer.to_owned()), Step::Close])
    }

    pub(crate) fn backend(mut self, steps: &[Step]) -> Self {
        self.backend = steps.to_vec();
        self
    }

    pub(crate) fn arrives(mut self, request: &[See]) -> Self {
        self.arrives.push(request.to_vec());
        self
    }

    pub(crate) fn gets(mut self, answer: &[See]) -> Self {
        self.gets.push(answer.to_vec());
        self
    }

    /// Nothing arrives, and the answer has one of these status codes.
    pub(crate) fn refused(self, statuses: &'static [u16]) -> Self {
        self.gets(&[See::StatusIn(statuses)])
    }

    /// Nothing arrives, and the request of HTTP/2 is refused as malformed.
    pub(crate) fn malformed(self) -> Self {
        self.gets(&[MALFORMED])
    }

    pub(crate) fn interim(mut self, statuses: &'static [u16]) -> Self {
        self.interim = Some(statuses);
        self
    }
}

// === impl Request ===

impl Request {
    /// Adds a field, or replaces a pseudo-field.
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(own, _)| own == name && name.starts_with(':')) {
            Some(field) => value.clone_into(&mut field.1),
            None => self.fields.push(owned((name, value))),
        }
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(own, _)| own != name);
        self
    }

    pub(crate) fn data(mut self, data: &str) -> Self {
        self.data.push(data.to_owned());
        self
    }

    pub(crate) fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.push(owned((name, value)));
        self
    }
}
