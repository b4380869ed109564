//! Where we decide otherwise than the source of a vector, and why.
//!
//! What we give is written as `step key value`, so that all the rest of the vector still holds, and so that a
//! difference that is gone shows.

/// The vector, what we give, and the reason.
type Difference = (&'static str, &'static [&'static str], &'static str);

#[rustfmt::skip]
const ALL: &[Difference] = &[
    ("cb-r4j-03-slow-call-rate", &["4 buffered 0", "4 slow 0", "4 slow_rate -1"],
        "each state begins with empty windows; the figures that fired stand in the transition's reason"),
    ("cb-r4j-09-half-open-slow-reopens", &[
        "2 permitted false", "3 permitted false", "3 failure_rate -1", "3 slow 0", "3 slow_rate -1"],
        "trial calls are judged as early as the verdict is certain: two slow ones of four are enough"),
    ("cb-r4j-13-ignored-in-half-open-is-neutral", &[
        "4 buffered 0", "4 state CLOSED", "4 successful 0", "5 buffered 0", "5 state CLOSED", "5 successful 0",
        "6 buffered 1", "6 failed 1"],
        "trial calls are judged as early as the verdict is certain: three successes of four leave no room for 50 %"),
    ("cb-r4j-14-ignored-never-exhausts-permits", &[
        "3 buffered 0", "3 state CLOSED", "3 successful 0", "4 buffered 1", "4 successful 1"],
        "as above: the third success decides"),
    ("cb-r4j-17-metrics-only", &["3 buffered 0", "3 failed 0", "3 failure_rate -1", "3 successful 0"],
        "a shadow goes through the states it would have gone through, and each begins with empty windows"),
    ("cb-r4j-18-illegal-transition", &["0 error no such operation"],
        "nobody can make a breaker half-open, so there is no illegal way to do it"),
    ("cb-r4j-20-max-wait-half-open-to-open", &["2 state HALF_OPEN"],
        "a lease belongs to a trial call; where nobody calls, nothing has failed"),
    ("cb-gob-02-fixed-window-and-exclusions", &[
        "4 failures 6", "4 requests 17", "6 requests 19", "6 state CLOSED", "7 state CLOSED", "8 state CLOSED",
        "9 state CLOSED", "10 state CLOSED", "11 requests 26", "11 state CLOSED", "12 requests 27",
        "13 permitted true", "14 requests 28"],
        "our window slides; one that forgets everything every 30 s sees 2 of 3 failures where we see 7 of 14"),
    ("cb-gob-04-generation-discards-late-outcomes", &["3 requests 2", "4 requests 2", "4 successes 2"],
        "outcomes are late after a change of state; a window that slides has no other border to be late for"),
    ("cb-pol-02-only-failures-evaluate", &["1 state OPEN", "2 permitted false"],
        "every recorded outcome is judged: nine failures of ten calls need no tenth failure"),
    ("cb-pol-05-half-open-attempts-arg", &["7 generator_half_open_attempts [0,1,2,3]"],
        "a breaker that opens right after closing is still in trouble: growth decays, one step per healthy period"),
    ("cb-coc-05-isolate-refcount", &["1 break_events 2", "3 state CLOSED"],
        "an operator's last word counts, and each word is in the log with its author; nothing to leak"),
    ("cb-coc-06-count-breaker-strictly-greater", &["1 state OPEN"],
        "thresholds are reached at `>=`, as in most libraries"),
    ("cb-pyb-01-consecutive-and-reopen", &["1 fail_counter 0", "3 fail_counter 0"],
        "the row begins anew with each state; its length stands in the transition's reason"),
    ("win-r4j-02-time-window-clear", &["8 failure_rate -1"],
        "the rate of no calls is undefined, not zero"),
];

/// What this vector shows otherwise, and the reason.
pub(crate) fn of(id: &str) -> (&'static [&'static str], &'static str) {
    ALL.iter().find(|(of, ..)| *of == id).map_or((&[], "we do not"), |(_, ours, why)| (ours, why))
}

pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(id, ..)| *id)
}
