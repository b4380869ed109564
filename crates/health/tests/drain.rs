//! The registry together with a drain: the endpoints over its server, and systemd's notifier.
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::time::Duration;

use mainstay_drain::{Cause, Drain, DrainSettings, Phase, serve};
use mainstay_health::{Check, CheckOutcome, Health};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn during_the_delay_ready_is_503_and_live_is_200_over_new_connections() {
    let settings = DrainSettings { drain_delay: 600 * LONG, drain_timeout: LONG };
    let drain = Drain::with_settings(settings).unwrap();
    let health = Health::builder().drain(&drain).build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (report, ()) = tokio::join!(serve(listener, health.router(), &drain), async {
        drain.begin(Cause::Terminate);
        for (path, status) in [("/ready", "HTTP/1.1 503"), ("/live", "HTTP/1.1 200")] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            timeout(LONG, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
            assert!(answer.starts_with(status), "{answer}");
        }
        drain.skip_phase();
    });
    assert_eq!(report.to_string(), "accepted 2, completed 2, aborted 0, refused 0");
}

fn failing(name: &'static str) -> Check {
    Check::new(name, || async { Err::<(), _>("refused") })
}

#[tokio::test(start_paused = true)]
async fn wait_for_readiness_ends_when_the_drain_begins() {
    for begins_before in [true, false] {
        let drain = Drain::new();
        let health = Health::builder().check(failing("database").critical()).drain(&drain).build().unwrap();
        let begin = async {
            tokio::time::sleep(LONG).await;
            drain.begin(Cause::Terminate)
        };
        if begins_before {
            drain.begin(Cause::Terminate);
        }
        let (ready, _) = timeout(10 * LONG, async { tokio::join!(health.until_ready(), begin) }).await.unwrap();
        assert!(!ready);
        assert!(!timeout(LONG, health.until_ready()).await.unwrap());
    }
}

/// Returns the time from the start of the drain until the listener closes.
async fn delay(drain: &Drain) -> Duration {
    let start = Instant::now();
    drain.begin(Cause::Terminate);
    drain.reached(Phase::Closing).await;
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn drain_of_a_process_that_was_never_ready_has_no_delay() {
    let default = DrainSettings::default().drain_delay;
    let drain = Drain::new();
    let health = Health::builder().check(failing("database").critical()).drain(&drain).build().unwrap();
    tokio::time::sleep(LONG).await;
    assert!(!health.is_started());
    assert_eq!(delay(&drain).await, Duration::ZERO);

    // A signal during the start.
    let drain = Drain::new();
    drain.begin(Cause::Terminate);
    let _health = Health::builder().drain(&drain).build().unwrap();
    assert_eq!(delay(&drain).await, Duration::ZERO);

    let drain = Drain::new();
    let check = Check::new("database", || async { CheckOutcome::healthy() }).critical();
    let health = Health::builder().check(check).check(failing("search")).drain(&drain).build().unwrap();
    assert!(health.until_ready().await);
    assert_eq!(delay(&drain).await, default);

    let drain = Drain::new();
    let _without_checks = Health::builder().drain(&drain).build().unwrap();
    tokio::task::yield_now().await;
    assert_eq!(delay(&drain).await, default);
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn systemd_is_notified_of_readiness_and_not_kept_alive_after_declared_death() {
    use std::os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    };

    const S: Duration = Duration::from_secs(1);

    let address = SocketAddr::from_abstract_name(format!("mainstay-health-{}", std::process::id())).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    socket.set_nonblocking(true).unwrap();
    let received = || {
        let mut buf = [0; 64];
        let next = || socket.recv(&mut buf).ok().map(|n| String::from_utf8_lossy(&buf[..n]).into_owned());
        std::iter::from_fn(next).collect::<Vec<_>>()
    };
    let drain = Drain::new();
    let check = Check::new("database", || async { CheckOutcome::healthy() }).critical();
    let health = Health::builder().check(check).drain(&drain).build().unwrap();
    let notifier = mainstay_drain::Notifier::new(&address, Some(10 * S)).unwrap();
    let (ready, alive) = (health.clone(), health.clone());
    tokio::spawn(notifier.run(
        drain,
        async move {
            let _ = ready.until_ready().await;
        },
        move || alive.is_alive(),
    ));
    tokio::time::sleep(2 * S).await;
    assert_eq!(received(), ["WATCHDOG=1", "READY=1"]);
    health.declare_dead("the writer is gone");
    tokio::time::sleep(20 * S).await;
    assert!(received().is_empty());
}
