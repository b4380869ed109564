//! A message as it was read from a socket, and a strict reader of HTTP/1.
//!
//! Bytes are kept as text in which each character is one byte (ISO 8859-1), so that rows can state any byte.

use std::{fmt, io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Longer than any step of a row takes, even on a busy machine.
pub(crate) const STEP_TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Message {
    /// The request line, or the status line. HTTP/2 has `HTTP/2 STATUS`.
    pub(crate) line: String,
    /// Names are in lower case.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) trailers: Vec<(String, String)>,
    pub(crate) end: End,
}

/// How a message ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum End {
    #[default]
    Whole,
    /// The connection or the stream ended before the message.
    Cut(String),
    /// The message breaks the rules of HTTP.
    Malformed(String),
}

/// A connection with the bytes that were read and not yet used.
pub(crate) struct Wire<S = TcpStream> {
    stream: S,
    buffer: Vec<u8>,
    /// All bytes that were read, for steps that wait for a text.
    log: String,
    /// The method of the request that the next message answers. `None` if requests are read.
    pub(crate) answers: Option<String>,
}

/// Returns the text whose characters are these bytes.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Returns the bytes of such a text.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|char| u8::try_from(u32::from(char)).expect("one byte for each character")).collect()
}

// === impl Message ===

impl Message {
    pub(crate) fn values<'a>(&'a self, name: &str) -> Vec<&'a str> {
        values(&self.fields, name)
    }

    pub(crate) fn status(&self) -> Option<u16> {
        self.line.strip_prefix("HTTP/")?.split(' ').nth(1)?.parse().ok()
    }

    pub(crate) fn is_interim(&self) -> bool {
        self.status().is_some_and(|status| (100..200).contains(&status) && status != 101)
    }
}

pub(crate) fn values<'a>(fields: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    fields.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect()
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "      {}", self.line.escape_debug())?;
        for (name, value) in &self.fields {
            writeln!(f, "      {}: {}", name.escape_debug(), value.escape_debug())?;
        }
        let body: String = self.body.chars().take(300).collect();
        writeln!(f, "      body of {}: \"{}\"", self.body.len(), body.escape_debug())?;
        for (name, value) in &self.trailers {
            writeln!(f, "      trailer {name}: {}", value.escape_debug())?;
        }
        write!(f, "      end: {:?}", self.end)
    }
}

// === impl Wire ===

impl Wire {
    pub(crate) async fn send(&mut self, text: &str) -> io::Result<()> {
        timeout(STEP_TIMEOUT, self.stream.write_all(&bytes(text))).await?
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
