//! One backend as a Tower service, which sends every request to the address of the backend.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes, HttpBody},
    response::Response,
};
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use http_body_util::BodyExt;
use mainstay_core::{BoxError, LogLimit, Name, escaped};
use mainstay_http::{
    client::SharedRequest,
    policy::X_DEGRADED,
    proxy::{self, Via},
};
use tokio::time::Instant;
use tower::{Service, ServiceExt, service_fn};

use crate::{broken_answers::BrokenAnswers, problem::problem, upload::Upload};

/// The header that names the endpoint that answered.
pub(crate) const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

/// A request on its way to a backend. The layers of the stack keep copies of it, which share its head.
pub(crate) type ProxyRequest = SharedRequest<Upload>;

/// One server to send requests to.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    pub(crate) name: Name,
    pub(crate) url: Uri,
    /// Whether its answers are marked as degraded.
    pub(crate) is_backup: bool,
}

/// What all copies of a backend's service share.
struct Shared<C> {
    backend: Backend,
    client: C,
    via: Via,
    /// The backend's name as the value of a header.
    name: HeaderValue,
    faults: LogLimit,
    broken: BrokenAnswers,
}

// === impl Backend ===

impl Backend {
    /// Names the backends in their order of preference: primary, backup, backup-2, ..
    pub(crate) fn list(primary: Uri, backups: impl IntoIterator<Item = Uri>) -> Vec<Self> {
        let mut backends = vec![Self { name: Name::from("primary"), url: primary, is_backup: false }];
        for (i, url) in backups.into_iter().enumerate() {
            let name = if i == 0 { Name::from("backup") } else { Name::from(format!("backup-{}", i + 1)) };
            backends.push(Self { name, url, is_backup: true });
        }
        backends
    }

    /// Returns the URL of a path at this backend.
    pub(crate) fn address(&self, path: &str) -> String {
        // `Uri` prints a slash even if there is no path.
        format!("{}{path}", self.url.to_string().trim_end_matches('/'))
    }

    /// Returns the backend as a service over its client. The answer is prepared for the gateway's clients.
    pub(crate) fn service<C, B>(
        &self,
        client: C,
        via: Via,
    ) -> impl Service<ProxyRequest, Response = Response, Error = BoxError, Future: Send> + Clone + use<C, B>
    where
        C: Service<ProxyRequest, Response = http::Response<B>, Error = BoxError, Future: Send>,
        C: Clone + Send + Sync + 'static,
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let name = HeaderValue::try_from(self.name.as_str()).unwrap_or(HeaderValue::from_static("endpoint"));
        // In an `Arc`, because the service is cloned for every request.
        let shared = Arc::new(Shared {
            backend: self.clone(),
            client,
            via,
            name,
            faults: LogLimit::default(),
            broken: BrokenAnswers::default(),
        });
        service_fn(move |request: ProxyRequest| {
            let shared = shared.clone();
            let answer = shared.client.clone().oneshot(request);
            async move {
                let answer = answer.await?;
                let log = shared.clone();
                Ok(shared.prepare(answer.map(|body| body.map_err(move |error| log.record_break(error.into())))))
            }
        })
    }
}

// === impl Shared ===

impl<C> Shared<C> {
    /// Logs the error of an answer's body, and returns it.
    fn record_break(&self, error: BoxError) -> BoxError {
        self.broken.record(&self.backend.name, &error);
        error
    }

    /// Turns an answer into the gateway's. One that must not be forwarded becomes a 502, which counts as a failure.
    fn prepare<B>(&self, answer: http::Response<B>) -> Response
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let mut response = match proxy::prepare_response(answer, &self.backend.url, &self.via) {
            Ok(response) => response.map(Body::new),
            Err(fault) => {
                if let Some(more) = self.faults.fault(Instant::now()) {
                    tracing::warn!(endpoint = %escaped(&self.backend.name), fault = %escaped(&fault), more, "answer not forwarded");
                }
                return problem(StatusCode::BAD_GATEWAY);
            }
        };
        if self.backend.is_backup {
            response.headers_mut().insert(X_DEGRADED, self.name.clone());
        }
        response.headers_mut().insert(SERVED_BY, self.name.clone());
        response
    }
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
    use mainstay_http::rejection::PROBLEM_JSON;

    use super::*;

    /// Returns the gateway's answer for this answer of a backend, whose path is `/base`.
    fn prepared(is_backup: bool, status: StatusCode, fields: &[(HeaderName, &'static str)]) -> Response {
        let backend = Backend { name: Name::from("backup"), url: Uri::from_static("http://b:81/base"), is_backup };
        let name = HeaderValue::from_static("backup");
        let via = Via::new("gateway").unwrap();
        let shared =
            Shared { backend, client: (), via, name, faults: LogLimit::default(), broken: BrokenAnswers::default() };
        let mut answer = http::Response::new(Body::empty());
        *answer.status_mut() = status;
        answer.headers_mut().extend(fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))));
        shared.prepare(answer)
    }

    #[tokio::test]
    async fn marks_are_those_of_the_gateway() {
        let marks = [(SERVED_BY, "other"), (X_DEGRADED, "other"), (LOCATION, "http://b:81/base/x")];
        let response = prepared(false, StatusCode::FOUND, &marks);
        assert_eq!(
            (&response.headers()[SERVED_BY], response.headers().get(X_DEGRADED)),
            (&"backup".parse().unwrap(), None)
        );
        assert_eq!(response.headers()[LOCATION], "/x");
        let response = prepared(true, StatusCode::OK, &marks);
        assert_eq!(response.headers().get_all(X_DEGRADED).iter().collect::<Vec<_>>(), ["backup"]);
    }

    /// The policy takes a 502 for a failure of the backend, so that another one is asked.
    #[tokio::test]
    async fn faulty_answer_becomes_502_of_the_gateway() {
        for (status, fields) in
            [(StatusCode::SWITCHING_PROTOCOLS, &[][..]), (StatusCode::OK, &[(CONTENT_LENGTH, "4, 5")][..])]
        {
            let response = prepared(false, status, fields);
            assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
            assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON.to_str().unwrap());
            assert!(!response.headers().contains_key(SERVED_BY));
        }
    }
}
