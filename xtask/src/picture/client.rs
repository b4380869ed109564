//! A minimal HTTP/1.1 client: one connection, one request at a time, bodies with a `content-length`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than the total timeout of the gateway.
const READ_TIMEOUT: Duration = Duration::from_secs(40);

pub(super) struct Client {
    server: SocketAddr,
    /// Reused for the next request; `None` after an error.
    connection: Option<BufReader<TcpStream>>,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Response {
    pub(super) status: u16,
    /// The header `x-served-by`; empty if absent.
    pub(super) served_by: String,
    pub(super) body: String,
}

// === impl Client ===

impl Client {
    pub(super) fn new(server: SocketAddr) -> Self {
        Self { server, connection: None }
    }

    pub(super) fn send(&mut self, method: &str, path: &str, body: &str) -> io::Result<Response> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n\r\n", self.server, body.len());
        // One write: a second one could wait for the acknowledgement of the first (Nagle, delayed ACK).
        connection.get_mut().write_all((head + body).as_bytes())?;
        let response = read(&mut connection)?;
        self.connection = Some(connection);
        Ok(response)
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(self.server)?;
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }
}

fn read(from: &mut impl BufRead) -> io::Result<Response> {
    let mut response = Response::default();
    let status = line(from)?;
    let code = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    response.status = code.ok_or_else(|| invalid(&status))?;
    let mut length = None;
    loop {
        let field = line(from)?;
        let Some((name, value)) = field.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = Some(value.trim().parse::<u64>().map_err(|_| invalid(&field))?),
            "x-served-by" => response.served_by = value.trim().to_owned(),
            _ => {}
        }
    }
    let length = length.ok_or_else(|| invalid("no content-length"))?;
    let read = from.take(length).read_to_string(&mut response.body)?;
    if read as u64 == length { Ok(response) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    match from.read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end().to_owned()),
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("invalid response: {what}"))
}

#[cfg(test)]
mod tests {
    use super::{Response, io, read};

    #[test]
    fn one_response_is_read_and_the_next_left() {
        let mut bytes = &b"HTTP/1.1 200 OK\r\nX-Served-By: backup\r\ncontent-length: 2\r\n\r\nhiHTTP"[..];
        let response = read(&mut bytes).unwrap();
        assert_eq!(response, Response { status: 200, served_by: "backup".into(), body: "hi".into() });
        assert_eq!(bytes, b"HTTP");
    }

    #[test]
    fn truncated_response_is_an_error() {
        for cut in ["", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhi"] {
            assert_eq!(read(&mut cut.as_bytes()).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
        assert!(read(&mut &b"HTTP/1.1 200 OK\r\n\r\n"[..]).unwrap_err().to_string().contains("content-length"));
    }
}
