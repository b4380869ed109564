//! What a message must be: the expectations of a row, and how they are checked.

use crate::message::{End, Message, values};

/// The answer to a request of HTTP/2 that is malformed (RFC 9113, 8.1.1): a reset of the stream, or 400.
pub(crate) const MALFORMED: See = See::AnyOf(&[&[See::Broken], &[See::Status(400)]]);

/// One expectation of a message. Names are in lower case.
#[derive(Clone, Debug)]
pub(crate) enum See {
    /// The whole request line.
    Line(&'static str),
    /// The start of the request line or of the status line.
    LineStart(&'static str),
    Status(u16),
    StatusIn(&'static [u16]),
    /// The field is there once, with this value.
    Field(&'static str, &'static str),
    FieldStart(&'static str, &'static str),
    FieldEnd(&'static str, &'static str),
    /// The lines of the field are these, in this order.
    Lines(&'static str, &'static [&'static str]),
    No(&'static str),
    Body(&'static str),
    Trailer(&'static str, &'static str),
    NoTrailer(&'static str),
    /// The receiver can tell that the message is not complete.
    Broken,
    /// The message may be absent.
    Optional,
    /// One of these lists holds.
    AnyOf(&'static [&'static [See]]),
}

/// Returns what does not hold, one text for each expectation. `fill` replaces the placeholders of a text.
pub(crate) fn violations(message: &Message, expected: &[See], fill: &dyn Fn(&str) -> String) -> Vec<String> {
    let mut wrong: Vec<_> = expected.iter().filter_map(|see| violation(message, see, fill)).collect();
    let accepts_broken = expected.iter().any(|see| matches!(see, See::Broken | See::AnyOf(_)));
    let is_silent = message.end == End::Cut("silence".to_owned());
    if message.end != End::Whole && (is_silent || !accepts_broken) {
        wrong.push(format!("a whole message; seen {:?}", message.end));
    }
    wrong
}

fn violation(message: &Message, see: &See, fill: &dyn Fn(&str) -> String) -> Option<String> {
    let field = |name: &str| format!("{:?}", message.values(name));
    let (holds, seen) = match see {
        See::Line(line) => (message.line == fill(line), message.line.clone()),
        See::LineStart(start) => (message.line.starts_with(&fill(start)), message.line.clone()),
        See::Status(status) => (message.status() == Some(*status), message.line.clone()),
        See::StatusIn(all) => (message.status().is_some_and(|status| all.contains(&status)), message.line.clone()),
        See::Field(name, value) => (message.values(name) == [fill(value)], field(name)),
        See::FieldStart(name, start) => {
            let values = message.values(name);
            (values.len() == 1 && values[0].starts_with(&fill(start)), field(name))
        }
        See::FieldEnd(name, end) => {
            let values = message.values(name);
            (values.len() == 1 && values[0].ends_with(&fill(end)), field(name))
        }
        See::Lines(name, lines) => {
            let lines: Vec<_> = lines.iter().map(|line| fill(line)).collect();
            (message.values(name) == lines, field(name))
        }
        See::No(name) => (message.values(name).is_empty(), field(name)),
        See::Body(body) => (message.body == fill(body), format!("{:?}", message.body)),
        See::Trailer(name, value) => {
            (values(&message.trailers, name) == [fill(value)], format!("{:?}", message.trailers))
        }
        See::NoTrailer(name) => (values(&message.trailers, name).is_empty(), format!("{:?}", message.trailers)),
        See::Optional => (true, String::new()),
        See::Broken => (message.end != End::Whole, format!("{:?}", message.end)),
        See::AnyOf(lists) => {
            let holds = lists.iter().any(|list| violations(message, list, fill).is_empty());
            (holds, message.line.clone())
        }
    };
    (!holds).then(|| format!("{see:?}; seen {seen}"))
}
