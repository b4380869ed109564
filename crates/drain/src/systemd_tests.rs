use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::*;
use crate::{phase::Cause, report::RequestCounts};

const S: Duration = Duration::from_secs(1);

/// Binds a socket in the abstract namespace, as systemd does.
fn bind(name: &str) -> (UnixDatagram, SocketAddr) {
    let address = address(format!("@mainstay-{name}-{}", std::process::id()).as_bytes()).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    socket.set_nonblocking(true).unwrap();
    (socket, address)
}

fn received(socket: &UnixDatagram) -> Vec<String> {
    let mut buf = [0; 64];
    let next = || socket.recv(&mut buf).ok().map(|n| String::from_utf8_lossy(&buf[..n]).into_owned());
    std::iter::from_fn(next).collect()
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn notifier_sends_ready_watchdog_and_stopping() {
    static ALIVE: AtomicBool = AtomicBool::new(true);
    let (socket, address) = bind("life");
    let drain = Drain::new();
    let notifier = Notifier::new(&address, Some(10 * S)).unwrap();
    let ready = tokio::time::sleep(S);
    let task = tokio::spawn(notifier.run(drain.clone(), ready, || ALIVE.load(Relaxed)));
    tokio::time::sleep(2 * S).await;
    assert_eq!(received(&socket), ["WATCHDOG=1", "READY=1"]);
    tokio::time::sleep(10 * S).await;
    assert_eq!(received(&socket), ["WATCHDOG=1", "WATCHDOG=1"]);
    ALIVE.store(false, Relaxed);
    tokio::time::sleep(10 * S).await;
    assert!(received(&socket).is_empty());
    drain.begin(Cause::Terminate);
    tokio::time::sleep(S).await;
    assert_eq!(received(&socket), ["STOPPING=1"]);
    drain.finish(RequestCounts::default()).await;
    task.await.unwrap();
}

#[test]
fn path_without_at_sign_is_a_file_system_address() {
    assert_eq!(address(b"/run/notify").unwrap().as_pathname(), Some(std::path::Path::new("/run/notify")));
}
