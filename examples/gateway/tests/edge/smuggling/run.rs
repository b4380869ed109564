//! Runs the cases against one gateway, many at once.

use std::{
    env,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::{net::TcpSocket, time::timeout};

use crate::{
    gateway::Gateway,
    h2::connection::Connection,
    message::{End, Message},
    row::http2,
    smuggling::{
        echo::{Echo, OWN_ANSWER},
        inspect, kinds, mutate,
        random::Random,
    },
    wire::Wire,
};

/// How many mutated messages of each kind are sent. `EDGE_MUTATIONS=50` sends fifty times as many.
const REQUESTS: usize = 2_000;
const REQUESTS_OF_HTTP2: usize = 500;
const ANSWERS: usize = 500;
const AT_ONCE: usize = 24;
/// A gateway that waits for more of an incomplete request is told that no more comes.
const SILENCE: Duration = Duration::from_millis(200);
/// How long the answers of a case are read.
const CASE: Duration = Duration::from_secs(1);

const LAST: &str = "GET /api/v1/last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn every_kind_leaves_one_reading() {
    let kinds = kinds::all();
    assert!(kinds.len() >= 130);
    let bench = Bench::start(&[]).await;
    bench.run(kinds.len(), async |n, client| bench.requests(client, &format!("{}{LAST}", kinds[n])).await).await;
}

#[tokio::test]
async fn mutated_requests_leave_one_reading() {
    let bench = Bench::start(&[]).await;
    let sent = async |n, client| {
        let request = mutate::request(&mut Random::new(n as u64));
        bench.requests(client, &format!("{request}{LAST}")).await
    };
    bench.run(times(REQUESTS), sent).await;
}

#[tokio::test]
async fn mutated_requests_of_http2_leave_one_reading() {
    let bench = Bench::start(&[]).await;
    bench.run(times(REQUESTS_OF_HTTP2), async |n, client| bench.http2(client, &mut Random::new(n as u64)).await).await;
}

/// What a backend sends after an answer, or hides in it, is never the answer to another request.
#[tokio::test]
async fn mutated_answers_stay_with_their_request() {
    // Many answers never end.
    let bench = Bench::start(&[("ATTEMPT_TIMEOUT_SECONDS", "0.3"), ("REQUEST_TIMEOUT_SECONDS", "0.6")]).await;
    let sent = async |n, client| {
        let answer = mutate::answer(&mut Random::new(n as u64));
        bench.echo.answer_with(client, answer.clone());
        let first = format!("GET /api/v1{OWN_ANSWER} HTTP/1.1\r\nHost: a\r\n\r\n");
        let second = "GET /api/v1/second HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut answers = bench.exchange(client, &format!("{first}{second}{LAST}")).await;
        answers.retain(|answer| !answer.is_interim());
        let seen = bench.echo.seen(client);
        // The first one is the mutated answer, whatever it says.
        let wrong = [inspect::forwarded(&seen), inspect::answers(&seen, answers.get(1..).unwrap_or_default())].concat();
        (format!("{answer:?}"), wrong)
    };
    bench.run(times(ANSWERS), sent).await;
}

fn times(cases: usize) -> usize {
    cases * env::var("EDGE_MUTATIONS").map_or(1, |times| times.parse().expect("EDGE_MUTATIONS is a number"))
}

struct Bench {
    gateway: Gateway,
    echo: Echo,
}

// === impl Bench ===

impl Bench {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let (echo, address) = Echo::start().await;
        let url = format!("http://{address}");
        let own = [
            ("BACKEND_API_URL", url.as_str()),
            ("BACKEND_HEALTH_FAILURE_THRESHOLD", "1000"),
            ("BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS", "60"),
            ("BACKEND_HEALTH_TIMEOUT_SECONDS", "5"),
            ("LOG_LEVEL", "error"),
        ];
        let settings: Vec<_> = own.iter().chain(settings).copied().collect();
        Self { gateway: Gateway::start(&settings), echo }
    }

    /// Runs this number of cases, each with an address of its own. A case returns what it sent, and what is wrong.
    async fn run(&self, cases: usize, case: impl AsyncFn(usize, IpAddr) -> (String, Vec<String>)) {
        let results = stream::iter(0..cases).map(|n| {
            let case = &case;
            async move { (n, case(n, client(n)).await) }
        });
        let mut failed = 0;
        let mut report = String::new();
        let mut results = results.buffer_unordered(AT_ONCE);
        while let Some((n, (sent, wrong))) = results.next().await {
            if !wrong.is_empty() {
                failed += 1;
                if failed <= 10 {
                    report += &format!("\ncase {n}\n  sent {sent}\n  {}\n", wrong.join("\n  "));
                }
            }
        }
        drop(results);
        for stray in self.echo.stray() {
            report += &format!("\na request without one address of a client:\n{stray}\n");
        }
        assert!(report.is_empty(), "{failed} of {cases} cases:{report}");
    }

    /// Sends these bytes and inspects all requests and answers.
    async fn requests(&self, client: IpAddr, sent: &str) -> (String, Vec<String>) {
        let answers = self.exchange(client, sent).await;
        let seen = self.echo.seen(client);
        let wrong = [inspect::requests(sent, &seen).await, inspect::answers(&seen, &answers)].concat();
        (format!("{sent:?}"), wrong)
    }

    /// Sends these bytes on a connection of its own and reads all answers.
    async fn exchange(&self, client: IpAddr, sent: &str) -> Vec<Message> {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(client, 0)).unwrap();
        let stream = socket.connect(self.gateway.address()).await.unwrap();
        let mut wire = Wire::new(stream, Some("GET".to_owned()));
        // The gateway may refuse the request and close before everything is sent.
        let _ = wire.send(sent).await;
        let mut answers: Vec<Message> = Vec::new();
        let read = async {
            if !wire.is_ready(SILENCE).await {
                let _ = wire.shutdown().await;
            }
            while let Some(answer) = wire.message().await {
                let is_last = answer.end != End::Whole;
                answers.push(answer);
                if is_last {
                    break;
                }
            }
        };
        // An answer that does not end leaves those before it.
        let _ = timeout(CASE, read).await;
        answers
    }

    /// Sends a request of HTTP/2 with wrong fields, and then a good one on the same connection.
    async fn http2(&self, client: IpAddr, random: &mut Random) -> (String, Vec<String>) {
        let mut request = http2(random.of::<&str>(&["GET", "POST"]), "/api/v1/first").field("content-length", "5");
        for _ in 0..=random.below(2) {
            let nth = random.below(request.fields.len() + 1);
            let token = mutate::token(random);
            match request.fields.get_mut(nth) {
                Some((name, _)) if random.below(3) == 0 => *name = mutate::mutated(name, random),
                Some((_, value)) => *value = mutate::mutated(&format!("{value}{token}"), random),
                None => request = request.field(&format!("x-{token}"), token),
            }
        }
        request = request.data("hello").trailer("x-t", mutate::token(random));
        let sent = format!("{request:?}");
        let mut connection = Connection::from(client, self.gateway.address()).await.unwrap();
        let _ = connection.request(1, &request).await;
        let _ = connection.answers(1).await;
        let _ = connection.request(3, &http2("GET", "/api/v1/last")).await;
        let last = connection.answers(3).await;
        let seen = self.echo.seen(client);
        let mut wrong = inspect::forwarded(&seen);
        wrong.extend(inspect::answers(&seen, &last));
        if seen.len() > 2 {
            wrong.push(format!("{} requests arrived", seen.len()));
        }
        (sent, wrong)
    }
}

/// Returns the address of a case.
fn client(n: usize) -> IpAddr {
    let octet = |value: usize| (value % 250 + 1) as u8;
    Ipv4Addr::new(127, octet(n / 62_500), octet(n / 250), octet(n)).into()
}
