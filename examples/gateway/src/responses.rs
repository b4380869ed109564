//! Counts of the answers to clients, by the endpoint that gave them and the class of their status.

use axum::response::Response;
use mainstay_core::{Counters, Name};

use crate::backend::{Backend, SERVED_BY};

/// The counts: one set for the gateway's own answers, and one for each backend.
#[derive(Debug)]
pub(crate) struct Responses(Box<[(Name, Counters<CLASSES>)]>);

const CLASSES: usize = 5;

/// The classes as labels. A backend may send a status beyond those that HTTP defines.
const LABELS: [&str; CLASSES] = ["2xx", "3xx", "4xx", "5xx", "other"];

// === impl Responses ===

impl Responses {
    pub(crate) fn new(backends: &[Backend]) -> Self {
        let names = backends.iter().map(|backend| backend.name.clone());
        let all = std::iter::once(Name::literal("gateway")).chain(names);
        Self(all.map(|name| (name, Counters::per_thread())).collect())
    }

    /// Counts an answer by its `x-served-by`, which only the gateway sets.
    pub(crate) fn record(&self, response: Response) -> Response {
        let served_by = response.headers().get(SERVED_BY);
        let is_named = |(name, _): &&(Name, _)| served_by.is_some_and(|served_by| served_by == &**name);
        if let Some((_, counts)) = self.0.iter().find(is_named).or(self.0.first()) {
            counts.add(class(response.status().as_u16()));
        }
        response
    }

    /// Returns each series: endpoint, class of status, and count.
    pub(crate) fn read(&self) -> impl Iterator<Item = (&str, &'static str, u64)> {
        self.0.iter().flat_map(|(name, counts)| {
            LABELS.into_iter().zip(counts.read()).map(move |(class, count)| (&**name, class, count))
        })
    }
}

/// Returns the position of the class of a status.
fn class(status: u16) -> usize {
    match status / 100 {
        class @ 2..=5 => usize::from(class) - 2,
        _ => CLASSES - 1,
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn answers_are_counted_by_endpoint_and_class() {
        let backends = Backend::list("http://a".parse().unwrap(), ["http://b".parse().unwrap()]);
        let responses = Responses::new(&backends);
        let answer = |served_by: Option<&str>, status: u16| {
            let mut response = http::Response::builder().status(status);
            response = served_by.into_iter().fold(response, |response, name| response.header(SERVED_BY, name));
            drop(responses.record(response.body(Body::empty()).unwrap()));
        };
        for (served_by, status) in [
            (Some("primary"), 200),
            (Some("primary"), 204),
            (Some("backup"), 301),
            (Some("backup"), 599),
            (Some("gateway"), 404),
            (None, 503),
            (Some("primary"), 799),
        ] {
            answer(served_by, status);
        }
        let counted: Vec<_> = responses.read().filter(|(_, _, count)| *count > 0).collect();
        let expected = [
            ("gateway", "4xx", 1),
            ("gateway", "5xx", 1),
            ("primary", "2xx", 2),
            ("primary", "other", 1),
            ("backup", "3xx", 1),
            ("backup", "5xx", 1),
        ];
        assert_eq!(counted, expected);
        assert_eq!(responses.read().count(), 15, "the labels are bounded");
    }
}
