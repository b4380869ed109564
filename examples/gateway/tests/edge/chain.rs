//! A gateway behind a gateway: what a client may say of the inner one.

use http::{Request, StatusCode};

use axum::body::Body;

use crate::{backend::Backend, client::send, gateway::Gateway};

/// `Via` of an answer names all gateways. A client that sends the inner one's name gets 508 from it, and could otherwise
/// make the outer gateway leave a healthy backend.
#[tokio::test]
async fn forged_via_of_the_inner_gateway_is_no_failure() {
    let (_backend, address) = Backend::start().await;
    let inner = Gateway::start(&[("BACKEND_API_URL", &format!("http://{address}"))]);
    let outer = Gateway::start(&[("BACKEND_API_URL", &format!("http://{}", inner.address()))]);
    let via = outer.get("/api/v1/x").await.header("via").to_owned();
    let name = via.split([' ', ',']).find(|word| word.starts_with("gateway-")).expect(&via).to_owned();

    for _ in 0..10 {
        let request = Request::get(format!("http://{}/api/v1/x", outer.address())).header("via", format!("1.1 {name}"));
        assert_eq!(send(request.body(Body::empty()).unwrap()).await.status, StatusCode::LOOP_DETECTED);
    }
    let status = outer.status().await;
    assert_eq!(status["failover"]["endpoints"][0]["breaker"]["failures"], 0, "{status:#}");
}
