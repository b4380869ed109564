//! Runs the rows of a table against a gateway, and reports every row that does not hold.

use std::{collections::HashMap, net::SocketAddr};

use futures_util::{StreamExt, stream};
use tokio::{net::TcpStream, sync::OnceCell};

use crate::{
    backend::{Backend, path_of},
    fails_today::FAILS_TODAY,
    gateway::Gateway,
    h2::connection::Connection,
    message::{End, Message},
    row::{Mode, Request, Row, Sends, Step},
    see::{See, violations},
    wire::Wire,
};

/// Rows that run at the same time.
const AT_ONCE: usize = 6;

/// A gateway of one mode in front of a scripted backend.
pub(crate) struct Bench {
    pub(crate) gateway: Gateway,
    pub(crate) backend: Backend,
    backend_address: SocketAddr,
}

/// Runs the rows of one subject.
pub(crate) async fn run(subject: &str, rows: Vec<Row>) {
    let mut names: Vec<_> = rows.iter().map(|row| row.name.clone()).collect();
    names.sort();
    names.windows(2).for_each(|pair| assert_ne!(pair[0], pair[1], "two rows of one name"));
    let benches: HashMap<Mode, OnceCell<Bench>> =
        [Mode::Clients, Mode::Proxies, Mode::PreserveHost].map(|mode| (mode, OnceCell::new())).into();

    let results = stream::iter(rows.iter().enumerate()).map(|(i, row)| {
        let bench = &benches[&row.mode];
        async move {
            let bench = bench.get_or_init(|| Bench::start(row.mode)).await;
            (row, bench.run(&format!("{subject}.{i}"), row).await)
        }
    });
    let results: Vec<_> = results.buffered(AT_ONCE).collect().await;

    let listed = FAILS_TODAY.iter().find(|(own, _)| *own == subject).map_or(&[][..], |(_, names)| names);
    let mut report = String::new();
    for (row, failure) in results {
        let is_listed = listed.contains(&row.name.as_str());
        match (failure, is_listed) {
            (Some(failure), false) => report += &failure,
            (None, true) => report += &format!("\n{subject}::{} holds: remove it from the list\n", row.name),
            _ => {}
        }
    }
    for name in listed.iter().filter(|name| !names.iter().any(|own| own == *name)) {
        report += &format!("\n{subject}::{name} is no row: remove it from the list\n");
    }
    // A row that is listed may cause one.
    for bench in benches.values().filter_map(OnceCell::get).filter(|_| listed.is_empty()) {
        for stray in bench.backend.stray() {
            report += &format!("\nthe backend received a request of no row:\n{stray}\n");
        }
    }
    assert!(report.is_empty(), "{report}");
}

// === impl Bench ===

impl Bench {
    pub(crate) async fn start(mode: Mode) -> Self {
        let settings: &[_] = match mode {
            Mode::Clients => &[],
            Mode::Proxies => &[("FORWARDED_HEADERS", "append")],
            Mode::PreserveHost => &[("PRESERVE_HOST", "true")],
        };
        Self::with_settings(settings).await
    }

    /// Starts a gateway that is not led away from its backend by failures.
    pub(crate) async fn with_settings(settings: &[(&str, &str)]) -> Self {
        let (backend, backend_address) = Backend::start().await;
        let url = format!("http://{backend_address}");
        let steady = [
            ("BACKEND_API_URL", url.as_str()),
            ("BACKEND_HEALTH_FAILURE_THRESHOLD", "1000"),
            ("BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS", "60"),
            ("BACKEND_HEALTH_TIMEOUT_SECONDS", "5"),
            ("ATTEMPT_TIMEOUT_SECONDS", "5"),
            ("REQUEST_TIMEOUT_SECONDS", "10"),
        ];
        let settings: Vec<_> = steady.iter().chain(settings).copied().collect();
        Self { gateway: Gateway::start(&settings), backend, backend_address }
    }

    /// Runs a row. Returns what does not hold.
    async fn run(&self, key: &str, row: &Row) -> Option<String> {
        let fill = |text: &str| self.fill(key, text);
        self.backend.script(key, row.backend.iter().map(|step| filled(step, &fill)).collect());
        let answers = match &row.sends {
            Sends::Http1(steps) => self.http1(steps, &fill).await,
            Sends::Http2(request) => self.http2(request, &fill).await,
        };
        let (interim, answers): (Vec<_>, Vec<_>) = answers.into_iter().partition(Message::is_interim);
        let requests = distinct(self.backend.seen(key));

        let mut wrong = Vec::new();
        if let Some(expected) = row.interim {
            let seen: Vec<_> = interim.iter().filter_map(Message::status).collect();
            if seen != expected {
                wrong.push(format!("interim answers {expected:?}; seen {seen:?}"));
            }
        }
        for (side, expected, seen) in [("arrives", &row.arrives, &requests), ("gets", &row.gets, &answers)] {
            let absent = expected.get(seen.len()..).unwrap_or_default();
            let is_optional = |message: &Vec<See>| message.iter().any(|see| matches!(see, See::Optional));
            if seen.len() > expected.len() || !absent.iter().all(is_optional) {
                wrong.push(format!("{side}: {} messages; seen {}", expected.len(), seen.len()));
            }
            for (expected, message) in expected.iter().zip(seen) {
                let violations = violations(message, expected, &fill);
                wrong.extend(violations.into_iter().map(|wrong| format!("{side}: {wrong}")));
            }
        }
        (!wrong.is_empty()).then(|| {
            let shown = |messages: &[Message]| messages.iter().map(|message| format!("\n{message}")).collect::<String>();
            format!(
                "\n{} ({})\n  expected\n      {}\n  sent\n      {}\n  arrived at the backend{}\n  got by the client{}\n",
                row.name,
                row.rfc,
                wrong.join("\n      "),
                fill(&format!("{:?}", row.sends)),
                shown(&requests),
                shown(&answers),
            )
        })
    }

    fn fill(&self, key: &str, text: &str) -> String {
        text.replace("{path}", &path_of(key))
            .replace("{gateway}", &self.gateway.address().to_string())
            .replace("{backend}", &self.backend_address.to_string())
    }

    /// Sends on a connection of its own and reads every answer until the gateway closes.
    async fn http1(&self, steps: &[Step], fill: &dyn Fn(&str) -> String) -> Vec<Message> {
        let method = steps.iter().find_map(|step| match step {
            Step::Send(text) => text.split(' ').next().map(str::to_owned),
            _ => None,
        });
        let stream = TcpStream::connect(self.gateway.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut wire = Wire::new(stream, method.or(Some(String::new())));
        for step in steps {
            let done = match filled(step, fill) {
                Step::Send(text) => wire.send(&text).await.is_ok(),
                Step::Flood(text) => wire.flood(&text).await,
                Step::Until(text) => wire.until(text).await.is_ok(),
                Step::Shutdown => wire.shutdown().await.is_ok(),
                Step::Close => return Vec::new(),
                Step::Head | Step::Request => true,
            };
            // The gateway may answer and close before everything is sent.
            if !done {
                break;
            }
        }
        let mut answers = Vec::new();
        while let Some(answer) = wire.message().await {
            let is_last = answer.end != End::Whole;
            answers.push(answer);
            if is_last {
                break;
            }
        }
        answers
    }

    async fn http2(&self, request: &Request, fill: &dyn Fn(&str) -> String) -> Vec<Message> {
        let filled = |fields: &[(String, String)]| {
            fields.iter().map(|(name, value)| (name.clone(), fill(value))).collect::<Vec<_>>()
        };
        let request = Request {
            fields: filled(&request.fields),
            data: request.data.clone(),
            trailers: filled(&request.trailers),
        };
        let mut connection = Connection::open(self.gateway.address()).await.unwrap();
        // The gateway may reset the stream before everything is sent.
        let _ = connection.request(1, &request).await;
        connection.answers(1).await
    }
}

fn filled(step: &Step, fill: &dyn Fn(&str) -> String) -> Step {
    match step {
        Step::Send(text) => Step::Send(fill(text)),
        Step::Flood(text) => Step::Flood(fill(text)),
        other => other.clone(),
    }
}

/// Returns the requests without repeated attempts: the same request, whole or cut.
fn distinct(requests: Vec<Message>) -> Vec<Message> {
    let mut distinct: Vec<Message> = Vec::new();
    for request in requests {
        let same = |own: &Message| own.line == request.line && own.fields == request.fields && own.body == request.body;
        if !distinct.iter().any(same) {
            distinct.push(request);
        }
    }
    distinct
}
