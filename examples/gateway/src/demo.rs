//! Demo backends: two in the gateway's process if no backend is configured, or one in its own process
//! (`gateway demo-backend`), which can be killed and stopped for real.
//!
//! Every answer names its backend. `POST /demo/fault` makes a backend misbehave; see [`fault::Fault`].

use std::{io, net::SocketAddr};

use axum::{Router, middleware, routing};
use http::Uri;
use tokio::net::TcpListener;

mod connection;
mod fault;
mod routes;

use connection::{Connection, Connections};
use fault::Faults;

use crate::logs::print_line;

/// Starts one backend in this process, on a free port of the loopback interface.
pub(crate) async fn start(name: &'static str, prefix: &str) -> io::Result<Uri> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = router(name.to_owned(), prefix);
    tokio::spawn(serve(listener, app));
    format!("http://{address}").parse().map_err(io::Error::other)
}

/// Runs one backend in this process: prints its address, and serves until the process is killed.
pub(crate) async fn run(name: String, listen: SocketAddr, prefix: &str) -> io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    print_line(format_args!("demo backend {name} listens on http://{}", listener.local_addr()?));
    serve(listener, router(name, prefix)).await
}

async fn serve(listener: TcpListener, app: Router) -> io::Result<()> {
    axum::serve(Connections::new(listener), app.into_make_service_with_connect_info::<Connection>()).await
}

/// The fault concerns every path under the prefix, including the health endpoint, but not the switch itself.
fn router(name: String, prefix: &str) -> Router {
    let faults = Faults::default();
    let api = routes::router(&name).layer(middleware::from_fn_with_state(faults.clone(), fault::apply));
    Router::new()
        .route("/demo/fault", routing::get(fault::current).post(fault::set))
        .with_state(faults)
        .nest(prefix, api)
        .layer(middleware::map_response_with_state(name, routes::add_backend_name))
}
