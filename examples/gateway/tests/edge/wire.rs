//! A connection of HTTP/1 with a strict reader (RFC 9112).

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::message::{End, Message, STEP_TIMEOUT, bytes, text};

/// A connection with the bytes that were read and not yet used.
pub(crate) struct Wire<S = TcpStream> {
    stream: S,
    buffer: Vec<u8>,
    /// All bytes that were read, for steps that wait for a text.
    log: String,
    /// The method of the request that the next message answers. `None` if requests are read.
    pub(crate) answers: Option<String>,
}

// === impl Wire ===

/// How many bytes a flood has.
const FLOOD: usize = 2 << 20;

impl Wire {
    pub(crate) async fn send(&mut self, text: &str) -> io::Result<()> {
        timeout(STEP_TIMEOUT, self.stream.write_all(&bytes(text))).await?
    }

    /// Sends a text until the peer closes, or until much more was sent than fits into any buffer. Returns `false`: nothing
    /// can follow.
    pub(crate) async fn flood(&mut self, text: &str) -> bool {
        let mut left = FLOOD;
        while left > text.len() && self.send(text).await.is_ok() {
            left -= text.len();
        }
        false
    }

    pub(crate) async fn shutdown(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Reads until bytes are there. `false` if the time is over before.
    pub(crate) async fn is_ready(&mut self, patience: Duration) -> bool {
        !self.buffer.is_empty() || timeout(patience, self.stream.readable()).await.is_ok()
    }
}

impl<S: AsyncRead + Unpin> Wire<S> {
    pub(crate) fn new(stream: S, answers: Option<String>) -> Self {
        Self { stream, buffer: Vec::new(), log: String::new(), answers }
    }

    /// Reads until the bytes received so far contain a text.
    pub(crate) async fn until(&mut self, what: &str) -> Result<(), End> {
        while !self.log.contains(what) {
            self.fill().await?;
        }
        Ok(())
    }

    async fn fill(&mut self) -> Result<(), End> {
        let start = self.buffer.len();
        match timeout(STEP_TIMEOUT, self.stream.read_buf(&mut self.buffer)).await {
            Err(_) => Err(End::Cut("silence".to_owned())),
            Ok(Ok(0)) => Err(End::Cut("closed".to_owned())),
            Ok(Err(error)) => Err(End::Cut(error.kind().to_string())),
            Ok(Ok(_)) => {
                self.log.push_str(&text(&self.buffer[start..]));
                Ok(())
            }
        }
    }

    async fn take(&mut self, length: usize, into: &mut String) -> Result<(), End> {
        while self.buffer.len() < length {
            if let Err(end) = self.fill().await {
                into.push_str(&text(&std::mem::take(&mut self.buffer)));
                return Err(end);
            }
        }
        into.push_str(&text(&self.buffer[..length]));
        self.buffer.drain(..length);
        Ok(())
    }

    /// Reads a line that ends with CRLF. A bare CR, LF or NUL is malformed.
    async fn line(&mut self) -> Result<String, End> {
        loop {
            if let Some(at) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=at).collect();
                return match line.strip_suffix(b"\r\n") {
                    Some(line) if !line.iter().any(|byte| matches!(byte, b'\r' | 0)) => Ok(text(line)),
                    _ => Err(End::Malformed(format!("a bare CR, LF or NUL in {:?}", text(&line)))),
                };
            }
            self.fill().await?;
        }
    }

    /// Reads fields up to the empty line.
    async fn fields(&mut self) -> Result<Vec<(String, String)>, End> {
        let mut fields = Vec::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(fields);
            }
            let is_token = |name: &str| !name.is_empty() && !name.contains([' ', '\t', '(', ')', ',', '/', ';', '"']);
            match line.split_once(':') {
                Some((name, value)) if is_token(name) => {
                    fields.push((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()));
                }
                _ => return Err(End::Malformed(format!("a field {line:?}"))),
            }
        }
    }

    /// Reads the head of the next message. `None` if the connection ends before it.
    pub(crate) async fn head(&mut self) -> Option<Message> {
        let mut message = Message::default();
        match self.line().await {
            Ok(line) => message.line = line,
            // An idle connection to the backend is no request; a client waits for its answer.
            Err(End::Cut(reason)) if self.buffer.is_empty() && (reason != "silence" || self.answers.is_none()) => {
                return None;
            }
            Err(end) => message.end = end,
        }
        if message.end == End::Whole {
            match self.fields().await {
                Ok(fields) => message.fields = fields,
                Err(end) => message.end = end,
            }
        }
        Some(message)
    }

    /// Reads the body and the trailers of a message (RFC 9112, 6.3).
    pub(crate) async fn body(&mut self, message: &mut Message) {
        if message.end == End::Whole
            && let Err(end) = self.read_body(message).await
        {
            message.end = end;
        }
    }

    /// Reads the next message. `None` if the connection ends before it.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        let mut message = self.head().await?;
        self.body(&mut message).await;
        Some(message)
    }

    async fn read_body(&mut self, message: &mut Message) -> Result<(), End> {
        let codings = message.values("transfer-encoding").join(",");
        let lengths: Vec<_> = message.values("content-length").into_iter().map(str::to_owned).collect();
        if let Some(status) = message.status() {
            let has_none = status < 200 || status == 204;
            if has_none && !(codings.is_empty() && lengths.is_empty()) {
                return Err(End::Malformed(format!("{status} has a length")));
            }
            if has_none || status == 304 || self.answers.as_deref() == Some("HEAD") {
                return Ok(());
            }
        }
        match (codings.as_str(), lengths.as_slice()) {
            ("", []) if self.answers.is_none() => Ok(()),
            ("", []) => match self.take(usize::MAX, &mut message.body).await {
                Err(End::Cut(reason)) if reason == "closed" => Ok(()),
                other => other,
            },
            ("", [length]) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                let length = length.parse().map_err(|_| End::Malformed(format!("Content-Length {length:?}")))?;
                self.take(length, &mut message.body).await
            }
            ("chunked", []) => self.chunks(message).await,
            _ => Err(End::Malformed(format!("lengths {lengths:?} and codings {codings:?}"))),
        }
    }

    async fn chunks(&mut self, message: &mut Message) -> Result<(), End> {
        loop {
            let line = self.line().await?;
            let size = line.split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).ok().filter(|_| !size.starts_with('+'));
            match size.ok_or_else(|| End::Malformed(format!("a chunk size {line:?}")))? {
                0 => break,
                size => self.take(size, &mut message.body).await?,
            }
            let end = self.line().await?;
            if !end.is_empty() {
                return Err(End::Malformed(format!("{end:?} after a chunk")));
            }
        }
        message.trailers = self.fields().await?;
        Ok(())
    }
}
