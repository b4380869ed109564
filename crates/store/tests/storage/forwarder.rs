//! A forwarder between a storage and its server. It does what a network and a failover do.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU16, Ordering::SeqCst},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// A forwarder. It stops when it is dropped.
pub(crate) struct Forwarder {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    /// The connections that are open when this changes are never forwarded again, and not closed.
    black_hole: watch::Sender<()>,
    task: JoinHandle<()>,
}

struct Shared {
    to: AtomicU16,
    cuts_answers: AtomicBool,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

// === impl Forwarder ===

impl Forwarder {
    pub(crate) async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared { to: to.into(), cuts_answers: false.into(), tasks: Mutex::default() });
        let black_hole = watch::Sender::new(());
        let task = tokio::spawn(accept(listener, Arc::clone(&shared), black_hole.subscribe()));
        Self { port, shared, black_hole, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// New connections lead to this port.
    pub(crate) fn lead_to(&self, port: u16) {
        self.shared.to.store(port, SeqCst);
    }

    /// The connections that are open now lose all bytes and stay open.
    pub(crate) fn lose_connections(&self) {
        self.black_hole.send_replace(());
    }

    /// Requests reach the server, and in place of an answer the connection ends.
    pub(crate) fn cut_answers(&self, cuts: bool) {
        self.shared.cuts_answers.store(cuts, SeqCst);
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
        self.shared.tasks.lock().unwrap().iter().for_each(JoinHandle::abort);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, black_hole: watch::Receiver<()>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let Ok(server) = TcpStream::connect(("127.0.0.1", shared.to.load(SeqCst))).await else { continue };
        let (mut lost, shared_by_task) = (black_hole.clone(), Arc::clone(&shared));
        lost.mark_unchanged();
        let task = tokio::spawn(async move {
            let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
            let mut both = std::pin::pin!(async {
                tokio::select! {
                    () = copy(from_client, to_server, None) => {}
                    () = copy(from_server, to_client, Some(&shared_by_task.cuts_answers)) => {}
                }
            });
            tokio::select! {
                () = &mut both => {}
                // The sockets stay open and are not read any more.
                _ = lost.changed() => std::future::pending().await,
            }
        });
        shared.tasks.lock().unwrap().push(task);
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, cuts: Option<&AtomicBool>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if cuts.is_some_and(|cuts| cuts.load(SeqCst)) || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
