//! The registry as `grpc.health.v1`, on a paused clock and over real HTTP/2.
#![cfg(feature = "tonic")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::time::Duration;

use mainstay_core::{Random, Status, StatusSender};
use mainstay_drain::{Cause, Drain, DrainSettings, serve};
use mainstay_health::{Check, CheckOutcome, Health, HealthBuilder, Level};
use tokio::{net::TcpListener, time::timeout};
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient, health_server::HealthServer,
};

const S: Duration = Duration::from_secs(1);

type Client = HealthClient<HealthServer<mainstay_health::GrpcHealth>>;

fn exact() -> HealthBuilder {
    Health::builder().random(Random::scripted(&[0.0]))
}

fn request(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

async fn check(client: &mut Client, service: &str) -> Result<ServingStatus, Code> {
    let answer = client.check(request(service)).await.map_err(|status| status.code())?;
    Ok(answer.into_inner().status())
}

async fn next(stream: &mut tonic::Streaming<tonic_health::pb::HealthCheckResponse>) -> Option<ServingStatus> {
    timeout(10 * S, stream.message()).await.ok()?.unwrap().map(|answer| answer.status())
}

#[tokio::test(start_paused = true)]
async fn services_are_the_process_and_its_groups() {
    let (reads, writes) =
        (StatusSender::new(Status::new(Level::Healthy, "")), StatusSender::new(Status::new(Level::Unhealthy, "")));
    let health = exact()
        .critical_component("reads", reads.subscribe())
        .critical_component("writes", writes.subscribe())
        .group("orders.v1.Reads", ["reads"])
        .group("orders.v1.Writes", ["writes"])
        .build()
        .unwrap();
    let mut client = HealthClient::new(health.grpc());
    assert_eq!(check(&mut client, "orders.v1.Reads").await, Ok(ServingStatus::NotServing), "starting");
    writes.publish(Level::Healthy, "");
    tokio::time::sleep(S).await;
    assert_eq!(check(&mut client, "").await, Ok(ServingStatus::Serving));
    writes.publish(Level::Unhealthy, "");
    tokio::time::sleep(S).await;
    assert_eq!(check(&mut client, "").await, Ok(ServingStatus::NotServing));
    assert_eq!(check(&mut client, "orders.v1.Reads").await, Ok(ServingStatus::Serving));
    assert_eq!(check(&mut client, "orders.v1.Writes").await, Ok(ServingStatus::NotServing));
    assert_eq!(check(&mut client, "orders.v1.Others").await, Err(Code::NotFound));
}

#[tokio::test(start_paused = true)]
async fn watch_sends_the_status_at_once_and_then_only_changes() {
    let component = StatusSender::new(Status::new(Level::Healthy, ""));
    let health = exact().critical_component("db", component.subscribe()).build().unwrap();
    health.until_ready().await;
    let mut client = HealthClient::new(health.grpc());
    let mut stream = client.watch(request("")).await.unwrap().into_inner();
    assert_eq!(next(&mut stream).await, Some(ServingStatus::Serving));
    component.publish(Level::Degraded, "slow");
    assert_eq!(next(&mut stream).await, None, "degraded is still SERVING: no change");
    component.publish(Level::Unhealthy, "gone");
    assert_eq!(next(&mut stream).await, Some(ServingStatus::NotServing));
    component.publish(Level::Healthy, "");
    assert_eq!(next(&mut stream).await, Some(ServingStatus::Serving));
}

#[tokio::test(start_paused = true)]
async fn watch_of_unknown_service_sends_service_unknown_and_stays_open() {
    let health = Health::builder().build().unwrap();
    let mut client = HealthClient::new(health.grpc());
    let mut stream = client.watch(request("unknown")).await.unwrap().into_inner();
    assert_eq!(next(&mut stream).await, Some(ServingStatus::ServiceUnknown));
    let more = timeout(3600 * S, stream.message()).await;
    assert!(more.is_err(), "neither a message nor the end");
}

#[tokio::test(start_paused = true)]
async fn drain_is_not_serving_for_good_and_ends_watches() {
    let component = StatusSender::new(Status::new(Level::Healthy, ""));
    let drain = Drain::new();
    let health = exact().critical_component("db", component.subscribe()).drain(&drain).build().unwrap();
    health.until_ready().await;
    let mut client = HealthClient::new(health.grpc());
    let mut stream = client.watch(request("")).await.unwrap().into_inner();
    assert_eq!(next(&mut stream).await, Some(ServingStatus::Serving));
    drain.begin(Cause::Terminate);
    assert_eq!(next(&mut stream).await, Some(ServingStatus::NotServing));
    component.publish(Level::Degraded, "");
    component.publish(Level::Healthy, "");
    assert_eq!(check(&mut client, "").await, Ok(ServingStatus::NotServing));
    let end = timeout(10 * S, stream.message()).await.expect("the stream ends when connections close").unwrap();
    assert_eq!(end, None);
}

/// No event marks the expiry of a result; the watcher waits for its time.
#[tokio::test]
async fn watch_sends_not_serving_when_a_result_expires() {
    let ms = Duration::from_millis(1);
    let (unblock, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = std::sync::Arc::new(std::sync::Mutex::new(blocked));
    let runs = std::sync::atomic::AtomicUsize::new(0);
    // A runtime with a thread of its own, which the check blocks.
    let stuck = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let component = Check::new("stuck", move || {
        let first = runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        let blocked = std::sync::Arc::clone(&blocked);
        async move {
            if !first {
                let _ = blocked.lock().unwrap().recv();
            }
            CheckOutcome::healthy()
        }
    });
    let health = {
        let _inside = stuck.enter();
        exact().check(component.critical().interval(50 * ms).timeout(40 * ms)).build().unwrap()
    };
    let mut client = HealthClient::new(health.grpc());
    timeout(10 * S, health.until_ready()).await.unwrap();
    let mut stream = client.watch(request("")).await.unwrap().into_inner();
    assert_eq!(next(&mut stream).await, Some(ServingStatus::Serving));
    assert_eq!(next(&mut stream).await, Some(ServingStatus::NotServing));
    drop(unblock);
    drop(health);
    stuck.shutdown_background();
}

/// An open watch must not delay the exit, nor be counted as aborted.
#[tokio::test]
async fn open_watch_over_http2_ends_with_the_drain() {
    let settings = DrainSettings { drain_delay: Duration::ZERO, drain_timeout: 600 * S };
    let drain = Drain::with_settings(settings).unwrap();
    let health = Health::builder().drain(&drain).build().unwrap();
    let app = axum::Router::new().route_service("/grpc.health.v1.Health/{*method}", health.grpc());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn({
        let drain = drain.clone();
        async move { serve(listener, app, &drain).await }
    });
    let channel = tonic::transport::Channel::from_shared(url).unwrap().connect().await.unwrap();
    let mut client = HealthClient::new(channel);
    let mut stream = client.watch(request("")).await.unwrap().into_inner();
    assert_eq!(next(&mut stream).await, Some(ServingStatus::Serving));
    drain.begin(Cause::Terminate);
    assert_eq!(next(&mut stream).await, Some(ServingStatus::NotServing));
    assert_eq!(stream.message().await.unwrap(), None);
    let report = timeout(20 * S, server).await.unwrap().unwrap();
    assert_eq!(report.to_string(), "accepted 1, completed 1, aborted 0, refused 0");
}
