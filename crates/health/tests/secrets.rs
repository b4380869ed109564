//! No secrets in response bodies. The only test of its program: tests that run in parallel replace each other's logger.
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    http::{Request, header},
};
use mainstay_core::Random;
use mainstay_health::{Check, CheckOutcome, Health, HealthBuilder};
use tokio::time::sleep;
use tower::ServiceExt;

const S: Duration = Duration::from_secs(1);
const DSN: &str = "postgres://admin:hunter2@db.internal/orders";

fn exact() -> HealthBuilder {
    Health::builder().random(Random::scripted(&[0.0]))
}

fn failing(name: &'static str) -> Check {
    Check::new(name, || async { Err::<(), _>(format!("{DSN}: connection refused")) })
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Defect of another library: details, DSNs and panic payloads in bodies.
#[tokio::test(start_paused = true)]
async fn secrets_are_in_the_log_and_in_no_body() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let panics = || Check::new("panics", || async { std::panic::panic_any(DSN.to_owned()) as CheckOutcome });
    for details in [false, true] {
        let mut builder = exact().check(panics().critical()).group("g", ["panics"]);
        if details {
            builder = builder.show_details();
        } else {
            builder = builder.check(failing("fails").critical()).group("h", ["fails"]);
        }
        let health = builder.build().unwrap();
        sleep(20 * S).await;
        for path in ["/healthz", "/ready", "/live", "/startup", "/healthz/g", "/ready/g", "/healthz/h", "/ready/h"] {
            for accept in ["*/*", "application/health+json"] {
                let ask = Request::get(path).header(header::ACCEPT, accept).body(Body::empty()).unwrap();
                let (head, body) = health.router().oneshot(ask).await.unwrap().into_parts();
                let body = to_bytes(body, usize::MAX).await.unwrap();
                assert!(!String::from_utf8_lossy(&body).contains("hunter2"), "{path}: {body:?}");
                assert!(!format!("{:?}", head.headers).contains("hunter2"));
            }
        }
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("check panicked") && log.contains(&format!("panic=\"{DSN}\"")), "{log}");
    assert!(log.contains("check=fails") && log.contains("connection refused"), "{log}");
}
