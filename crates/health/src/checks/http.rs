//! The check of a downstream service over HTTP.

use http::{Request, Response};
use http_body::Body;
use mainstay_core::{BoxError, Name};
use mainstay_http::probe::HttpProbe;
use tower_service::Service;

use crate::check::Check;

// === impl Check ===

impl Check {
    /// Creates a check that is healthy when a downstream service answers `GET` with 2xx. By default redirects are not followed.
    ///
    /// A critical check of a shared service takes all replicas out of rotation together when that service fails.
    ///
    /// ```
    /// use mainstay_health::Check;
    /// use mainstay_http::probe::HttpProbe;
    ///
    /// # fn main() -> Result<(), mainstay_health::InvalidSetting> {
    /// let inventory = Check::http("inventory", HttpProbe::new("http://inventory.internal/ready")?);
    /// # let _ = inventory; Ok(()) }
    /// ```
    pub fn http<C, B, ResB>(name: impl Into<Name>, probe: HttpProbe<C, B>) -> Self
    where
        C: Service<Request<B>, Response = Response<ResB>, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
        B: Default + Send + 'static,
        ResB: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let probe = probe.for_health_check();
        Self::new(name, move || probe.clone().send())
    }
}
