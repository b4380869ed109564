//! Frames of HTTP/2, and a client that writes them over a pipe.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use mainstay_drain::ServerSettings;

use crate::pipes::connect;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const WINDOW_UPDATE: u8 = 8;

pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u8,
    pub(crate) payload: Vec<u8>,
}

/// A client that acknowledges no settings.
pub(crate) struct Client {
    pub(crate) pipe: DuplexStream,
    unused: Vec<u8>,
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// GET of a path on this stream.
pub(crate) fn request(stream: u8, path: &str) -> Vec<u8> {
    // GET, http, the path, and `test` for the authority.
    let block = [&[0x82, 0x86, 0x44, path.len() as u8], path.as_bytes(), &[0x41, 4], b"test"].concat();
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &block)
}

// === impl Client ===

impl Client {
    /// Connects to a server with the default settings. The connection has this much room, and a stream this window.
    pub(crate) async fn connect(room: usize, window: u32) -> Self {
        let mut client = Self { pipe: connect(ServerSettings::default(), room), unused: Vec::new() };
        client.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        client.write(&frame(SETTINGS, 0, 0, &[&[0, 4], &window.to_be_bytes()[..]].concat())).await;
        client.write(&frame(WINDOW_UPDATE, 0, 0, &0x3fff_ffff_u32.to_be_bytes())).await;
        client
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.pipe.write_all(bytes).await.unwrap();
    }

    /// Reads at most this many bytes. Returns the frames that are whole then; `None` if the server has closed.
    pub(crate) async fn read(&mut self, bytes: usize) -> Option<Vec<Frame>> {
        let mut piece = vec![0; bytes];
        let read = self.pipe.read(&mut piece).await.unwrap();
        self.unused.extend(&piece[..read]);
        (read > 0).then(|| std::iter::from_fn(|| self.take()).collect())
    }

    /// Answers a ping.
    pub(crate) async fn answer(&mut self, frame: &Frame) {
        if frame.kind == PING && frame.flags & ACK == 0 {
            self.write(&self::frame(PING, ACK, 0, &frame.payload)).await;
        }
    }

    /// Takes a whole frame from the front of the bytes that were read.
    fn take(&mut self) -> Option<Frame> {
        let [a, b, c, kind, flags, _, _, _, stream] = *self.unused.first_chunk::<9>()?;
        let end = 9 + u32::from_be_bytes([0, a, b, c]) as usize;
        let payload = self.unused.get(9..end)?.to_vec();
        self.unused.drain(..end);
        Some(Frame { kind, flags, stream, payload })
    }
}
