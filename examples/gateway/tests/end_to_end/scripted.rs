//! A backend in the test's own process, which writes its answers byte for byte.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// What a backend does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Writes these bytes, and keeps the connection.
    Write(Vec<u8>),
    /// Writes these bytes, and closes the connection.
    End(Vec<u8>),
    /// Writes these bytes, and resets the connection.
    Reset(Vec<u8>),
    /// Writes nothing, and keeps the connection until the client closes it.
    Nothing,
}

/// A backend that answers all requests but health checks by a script. It ends when it is dropped, and its connections end
/// with it.
#[derive(Debug)]
pub(crate) struct Scripted {
    address: SocketAddr,
    task: JoinHandle<()>,
}

// === impl Scripted ===

impl Scripted {
    /// Starts a healthy backend. The script gets the head of a request, and its number on its connection from 1, health
    /// checks not counted.
    pub(crate) async fn start(script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::with_health(ok("well"), script).await
    }

    /// Starts a backend that answers health checks with these bytes.
    pub(crate) async fn with_health(
        health: Vec<u8>,
        script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = Arc::new((health, script));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self { address, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one connection.
async fn serve(mut stream: TcpStream, served: Arc<(Vec<u8>, impl Fn(&str, usize) -> Reply)>) {
    let (mut number, (health, script)) = (0, &*served);
    while let Some(head) = read_head(&mut stream).await {
        let reply = match head.split(' ').nth(1).is_some_and(|target| target.ends_with("/healthz")) {
            true => Reply::Write(health.clone()),
            false => {
                number += 1;
                script(&head, number)
            }
        };
        // The gateway may have gone.
        let _ = match &reply {
            Reply::Write(bytes) | Reply::End(bytes) | Reply::Reset(bytes) => stream.write_all(bytes).await,
            Reply::Nothing => Ok(()),
        };
        match reply {
            Reply::Write(_) | Reply::Nothing => {}
            Reply::End(_) => return,
            Reply::Reset(_) => return stream.set_zero_linger().unwrap(),
        }
    }
}

/// Reads the head of a request, and its body if it is two bytes long. `None` if the connection ends before.
pub(crate) async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    if head.to_ascii_lowercase().contains("content-length: 2\r\n") {
        stream.read_u16().await.ok()?;
    }
    Some(head)
}

/// Returns an answer with this body.
pub(crate) fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
