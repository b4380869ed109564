//! What must hold of the requests and the answers of a case.

use crate::{
    message::{End, Message, bytes},
    smuggling::echo::LINE,
    wire::Wire,
};

/// Checks the requests that arrived. `sent` is what the client wrote.
pub(crate) async fn requests(sent: &str, seen: &[Message]) -> Vec<String> {
    let mut wrong = forwarded(seen);
    let sent = bytes(sent);
    let mut wire = Wire::new(&sent[..], None);
    let (mut parsed, mut is_regular) = (Vec::new(), true);
    while let Some(request) = wire.message().await {
        is_regular = request.end == End::Whole;
        if !is_regular {
            break;
        }
        parsed.push(request);
    }
    // The gateway may have refused some of them.
    let mut expected = parsed.iter();
    for request in seen {
        let same_line = |own: &&Message| normalized(&own.line) == normalized(&request.line);
        match expected.by_ref().find(same_line) {
            Some(own) if request.end == End::Whole && own.body != request.body => {
                wrong.push(format!("the body of {:?} is {:?}; sent {:?}", request.line, request.body, own.body));
            }
            // Where the client's bytes are not regular, a lenient reading has no counterpart.
            None if is_regular => wrong.push(format!("{:?} was not sent", request.line)),
            _ => {}
        }
    }
    wrong
}

/// Checks that the answers of the backend belong to the requests, in their order.
pub(crate) fn answers(seen: &[Message], answers: &[Message]) -> Vec<String> {
    let mut lines = seen.iter().map(|request| request.line.as_str());
    let mut wrong = Vec::new();
    for answer in answers {
        if let End::Malformed(reason) = &answer.end {
            wrong.push(format!("the client got {reason}"));
        }
        match answer.values(LINE)[..] {
            [] => {}
            [line] if lines.any(|own| own == line) => {}
            ref other => wrong.push(format!("an answer to {other:?} at the wrong place")),
        }
    }
    wrong
}

/// Checks that the gateway has forwarded each request, and in one reading.
pub(crate) fn forwarded(seen: &[Message]) -> Vec<String> {
    seen.iter().filter_map(ambiguity).collect()
}

/// Returns why a request is not what the gateway forwards.
fn ambiguity(request: &Message) -> Option<String> {
    let via = request.values("via");
    let is_forwarded = via.len() == 1 && via[0].contains("gateway-");
    match &request.end {
        End::Malformed(reason) => Some(format!("the backend received {reason}")),
        _ if !is_forwarded => Some(format!("{:?} has Via {via:?}: the gateway has not forwarded it", request.line)),
        // hyper uses the version of the last answer on a connection. `old_backend.rs` has the bodies.
        _ if !request.line.ends_with(" HTTP/1.1") && !request.line.ends_with(" HTTP/1.0") => {
            Some(format!("the request line {:?}", request.line))
        }
        _ if request.values("host").len() != 1 => Some(format!("Host is {:?}", request.values("host"))),
        _ => None,
    }
}

/// Returns method and path: the gateway changes the form of the target and the version.
fn normalized(line: &str) -> (&str, &str) {
    let (method, rest) = line.split_once(' ').unwrap_or((line, ""));
    let target = rest.rsplit_once(' ').map_or(rest, |(target, _)| target);
    let path = target.find("/api/").map_or(target, |at| &target[at..]);
    (method, path.split('#').next().unwrap_or_default())
}
