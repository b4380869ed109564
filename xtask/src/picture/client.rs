//! As much of HTTP/1.1 as the picture needs: one connection, one request at a time, bodies of a known length.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than the gateway lets any request take.
const PATIENCE: Duration = Duration::from_secs(40);

pub(super) struct Client {
    server: SocketAddr,
    /// Kept between requests; gone after an error.
    connection: Option<BufReader<TcpStream>>,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// `x-served-by`; empty if it was not said.
    pub(super) served_by: String,
    pub(super) body: String,
}

// === impl Client ===

impl Client {
    pub(super) fn new(server: SocketAddr) -> Self {
        Self { server, connection: None }
    }

    pub(super) fn send(&mut self, method: &str, path: &str, body: &str) -> io::Result<Answer> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n\r\n", self.server, body.len());
        // In one write: a second one would wait for the acknowledgement of the first.
        connection.get_mut().write_all((head + body).as_bytes())?;
        let answer = read(&mut connection)?;
        self.connection = Some(connection);
        Ok(answer)
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(self.server)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }
}

fn read(from: &mut impl BufRead) -> io::Result<Answer> {
    let mut answer = Answer::default();
    let status = line(from)?;
    let code = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    answer.status = code.ok_or_else(|| invalid(&status))?;
    let mut length = None;
    loop {
        let field = line(from)?;
        let Some((name, value)) = field.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = Some(value.trim().parse::<u64>().map_err(|_| invalid(&field))?),
            "x-served-by" => answer.served_by = value.trim().to_owned(),
            _ => {}
        }
    }
    let length = length.ok_or_else(|| invalid("no content-length"))?;
    let read = from.take(length).read_to_string(&mut answer.body)?;
    if read as u64 == length { Ok(answer) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    match from.read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end().to_owned()),
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not understood in an answer: {what}"))
}

#[cfg(test)]
mod tests {
    use super::{Answer, io, read};

    #[test]
    fn reads_one_answer_and_leaves_the_next() {
        let mut bytes = &b"HTTP/1.1 200 OK\r\nX-Served-By: backup\r\ncontent-length: 2\r\n\r\nhiHTTP"[..];
        let answer = read(&mut bytes).unwrap();
        assert_eq!(answer, Answer { status: 200, served_by: "backup".into(), body: "hi".into() });
        assert_eq!(bytes, b"HTTP");
    }

    #[test]
    fn a_cut_answer_is_an_error() {
        for cut in ["", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhi"] {
            assert_eq!(read(&mut cut.as_bytes()).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
        assert!(read(&mut &b"HTTP/1.1 200 OK\r\n\r\n"[..]).unwrap_err().to_string().contains("content-length"));
    }
}
