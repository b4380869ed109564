//! One connection of HTTP/2: frames (RFC 9113, 4 and 6), and the exchange of one request.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::{
    h2::hpack,
    message::{End, Message, STEP_TIMEOUT, bytes, text},
    row::Request,
};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// No dynamic table (1), no push (2), and the largest window for a stream (4).
const OWN_SETTINGS: [(u16, u32); 3] = [(1, 0), (2, 0), (4, 0x7fff_ffff)];
const LARGEST_FRAME: usize = 16_384;

pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
}

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

// === impl Connection ===

impl Connection {
    /// Connects, and sends the preface with these settings.
    pub(crate) async fn with_settings(address: SocketAddr, settings: &[(u16, u32)]) -> io::Result<Self> {
        Self::start(TcpStream::connect(address).await?, settings).await
    }

    /// Connects from this address.
    pub(crate) async fn from(client: IpAddr, address: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(client, 0))?;
        Self::start(socket.connect(address).await?, &OWN_SETTINGS).await
    }

    async fn start(stream: TcpStream, settings: &[(u16, u32)]) -> io::Result<Self> {
        let mut connection = Self { stream };
        connection.stream.set_nodelay(true)?;
        connection.stream.write_all(PREFACE).await?;
        let pairs = settings.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat());
        connection.send(SETTINGS, 0, 0, &pairs.collect::<Vec<_>>()).await?;
        Ok(connection)
    }

    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let mut connection = Self::with_settings(address, &OWN_SETTINGS).await?;
        connection.send(WINDOW_UPDATE, 0, 0, &0x3fff_ffff_u32.to_be_bytes()).await?;
        Ok(connection)
    }

    pub(crate) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let frame = frame(kind, flags, stream, payload);
        timeout(STEP_TIMEOUT, self.stream.write_all(&frame)).await?
    }

    /// Writes bytes, whatever they are. Returns whether the gateway takes more: it may have closed, or read nothing for a
    /// second.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> bool {
        timeout(Duration::from_secs(1), self.stream.write_all(bytes)).await.is_ok_and(|written| written.is_ok())
    }

    /// Sends a field section, in CONTINUATION frames if it does not fit into one frame.
    pub(crate) async fn headers(&mut self, stream: u32, fields: &[(String, String)], flags: u8) -> io::Result<()> {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (bytes(name), bytes(value))).collect();
        let block = hpack::encode(&fields);
        let mut parts = block.chunks(LARGEST_FRAME).peekable();
        let mut kind = HEADERS;
        while let Some(part) = parts.next() {
            let last = if parts.peek().is_none() { END_HEADERS } else { 0 };
            let flags = if kind == HEADERS { flags } else { 0 };
            self.send(kind, flags | last, stream, part).await?;
            kind = CONTINUATION;
        }
        Ok(())
    }

    pub(crate) async fn request(&mut self, stream: u32, request: &Request) -> io::Result<()> {
        let end = |is_last: bool| if is_last { END_STREAM } else { 0 };
        let has_trailers = !request.trailers.is_empty();
        self.headers(stream, &request.fields, end(request.data.is_empty() && !has_trailers)).await?;
        for (i, data) in request.data.iter().enumerate() {
            let is_last = i + 1 == request.data.len() && !has_trailers;
            self.send(DATA, end(is_last), stream, &bytes(data)).await?;
        }
        if has_trailers {
            self.headers(stream, &request.trailers, END_STREAM).await?;
        }
        Ok(())
    }

    /// Reads a frame. `None` if the connection ends. Settings and pings are acknowledged.
    pub(crate) async fn frame(&mut self) -> io::Result<Option<Frame>> {
        let frame = timeout(STEP_TIMEOUT, self.read_frame()).await??;
        if let Some(frame) = &frame
            && matches!(frame.kind, SETTINGS | PING)
            && frame.flags & ACK == 0
        {
            let payload = if frame.kind == PING { &frame.payload[..] } else { &[] };
            // The peer may have closed already.
            let _ = self.send(frame.kind, ACK, 0, payload).await;
        }
        Ok(frame)
    }

    async fn read_frame(&mut self) -> io::Result<Option<Frame>> {
        let mut head = [0; 9];
        match self.stream.read_exact(&mut head).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        };
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        self.stream.read_exact(&mut payload).await?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
        Ok(Some(Frame { kind: head[3], flags: head[4], stream, payload }))
    }

    /// Reads the answers on a stream: interim ones, and the final one.
    pub(crate) async fn answers(&mut self, stream: u32) -> Vec<Message> {
        let (mut answers, mut message, mut block) = (Vec::new(), Message::default(), Vec::new());
        loop {
            let frame = match self.frame().await {
                Ok(Some(frame)) => frame,
                ended => {
                    let reason = ended.err().map_or("closed".to_owned(), |error| error.kind().to_string());
                    message.end = End::Cut(reason);
                    break;
                }
            };
            match frame.kind {
                GOAWAY if error_code(&frame.payload[4..]) != 0 => {
                    message.end = End::Cut(format!("GOAWAY {}", error_code(&frame.payload[4..])));
                    break;
                }
                _ if frame.stream != stream => {}
                RST_STREAM => {
                    message.end = End::Cut(format!("RST_STREAM {}", error_code(&frame.payload)));
                    break;
                }
                HEADERS | CONTINUATION => {
                    block.extend(frame.payload);
                    if frame.flags & END_HEADERS != 0 {
                        let Some(fields) = hpack::decode(&std::mem::take(&mut block)) else {
                            message.end = End::Malformed("a field section".to_owned());
                            break;
                        };
                        message.section(fields);
                        if message.is_interim() {
                            answers.push(std::mem::take(&mut message));
                        }
                    }
                }
                DATA => message.body.push_str(&text(&frame.payload)),
                _ => {}
            }
            if matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0 {
                break;
            }
        }
        answers.push(message);
        answers
    }
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

pub(crate) fn error_code(payload: &[u8]) -> u32 {
    payload.get(..4).map_or(0, |code| u32::from_be_bytes([code[0], code[1], code[2], code[3]]))
}

// === impl Message ===

impl Message {
    /// Adds a field section: the head, or the trailers.
    fn section(&mut self, fields: Vec<(String, String)>) {
        if !self.line.is_empty() {
            self.trailers = fields;
            return;
        }
        let (pseudo, fields): (Vec<_>, Vec<_>) = fields.into_iter().partition(|(name, _)| name.starts_with(':'));
        self.line = format!("HTTP/2 {}", pseudo.first().map_or("", |(_, value)| value));
        self.fields = fields;
    }
}
