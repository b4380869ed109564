//! The text that the server prints when it starts.

use std::net::SocketAddr;

pub(crate) fn introduction(server: SocketAddr) -> String {
    let pid = std::process::id();
    format!(
        "axum-server listens on http://{server}

Paste into another terminal:

  # The limit is 4 requests in flight: of eight at once, four are refused, with Retry-After.
  for i in 1 2 3 4 5 6 7 8; do curl -s -o /dev/null -w '%{{http_code}}\\n' http://{server}/wait/500 & done; wait

  # A request takes 2 s at most: 504.
  curl -si http://{server}/wait/60000

  # One route has a breaker and a fallback. Break its dependency: the answer is last week's, and marked.
  curl -s http://{server}/prices; echo
  curl -s -X POST http://{server}/demo/break
  for i in 1 2 3 4; do curl -si http://{server}/prices | grep -iE 'x-degraded|apple'; done
  curl -si http://{server}/basket | grep -iE 'x-degraded|apple'
  curl -s http://{server}/healthz; echo

  # Repair it. Within a second three trial calls close the breaker.
  curl -s -X POST http://{server}/demo/repair; sleep 1
  for i in 1 2 3 4; do curl -si http://{server}/prices | grep -iE 'x-degraded|apple'; done

  # Drain: not ready at once, closed a second later, ended with the last request.
  kill {pid}; curl -si http://{server}/ready

Health endpoints: /healthz, /ready, /live, /startup.
"
    )
}
