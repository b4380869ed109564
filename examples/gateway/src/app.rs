//! Everything around the stack: what is started, in which order, and where each path leads.

use std::{io, net::SocketAddr};

use axum::Router;
use http::Uri;
use mainstay_core::{BoxError, Name, Random};
use mainstay_http::proxy::Inbound;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, util::BoxCloneSyncService};

use crate::{
    demo,
    endpoint::{self, endpoint},
    introduction::introduction,
    proxy::{self, Proxy},
    settings::Settings,
};

/// Runs the gateway until it is told to stop.
pub(crate) async fn serve(settings: Settings) -> io::Result<()> {
    let listener = listen(settings.listen_addr).await?;
    let address = listener.local_addr()?;
    println!("gateway listens on http://{address}");
    let backends = match &settings.primary {
        Some(primary) => named(primary, &settings.backups),
        None => {
            let prefix = &settings.api_prefix;
            let (primary, backup) = (demo::start("primary", prefix).await?, demo::start("backup", prefix).await?);
            println!("{}", introduction(address, prefix, &primary, &backup));
            named(&primary, &[backup])
        }
    };
    let app = router(&settings, &backends[0]).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).await
}

/// Binds, or says to which address it could not.
async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let wrong = |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"));
    TcpListener::bind(address).await.map_err(wrong)
}

/// The endpoints in the order in which they are preferred: primary, backup, backup-2, ..
fn named(primary: &Uri, backups: &[Uri]) -> Vec<(Name, Uri)> {
    let name = |i| match i {
        0 => Name::from("backup"),
        i => Name::from(format!("backup-{}", i + 1)),
    };
    let backups = backups.iter().enumerate().map(|(i, url)| (name(i), url.clone()));
    std::iter::once((Name::from("primary"), primary.clone())).chain(backups).collect()
}

fn router(settings: &Settings, primary: &(Name, Uri)) -> Router {
    let client = endpoint::client(settings.attempt_timeout);
    let (name, url) = primary;
    let stack = ServiceBuilder::new().map_err(BoxError::from).service(endpoint(name, url.clone(), client));
    let proxy = Proxy {
        prefix: settings.api_prefix.clone(),
        inbound: Inbound::Untrusted,
        pseudonym: format!("gateway-{:.0}", Random::new().between(0.0, 1e9)),
        stack: BoxCloneSyncService::new(stack),
    };
    Router::new().fallback(proxy::forward).with_state(proxy)
}
