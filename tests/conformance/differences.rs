//! The differences from the sources of the vectors, with reasons.
//!
//! A difference is written as `step key value`, with Mainstay's value. All other expectations of the vector must hold, and
//! a listed difference that does not occur fails.

/// The vector, Mainstay's values, and the reason.
type Difference = (&'static str, &'static [&'static str], &'static str);

#[rustfmt::skip]
const ALL: &[Difference] = &[
    ("cb-r4j-03-slow-call-rate", &["4 buffered 0", "4 slow 0", "4 slow_rate -1"],
        "each state starts with empty windows; the reason of the transition has the figures that caused it"),
    ("cb-r4j-09-half-open-slow-reopens", &[
        "2 permitted false", "3 permitted false", "3 failure_rate -1", "3 slow 0", "3 slow_rate -1"],
        "half-open ends as soon as the result is certain: two slow trials of four are enough"),
    ("cb-r4j-13-ignored-in-half-open-is-neutral", &[
        "4 buffered 0", "4 state CLOSED", "4 successful 0", "5 buffered 0", "5 state CLOSED", "5 successful 0",
        "6 buffered 1", "6 failed 1"],
        "half-open ends as soon as the result is certain: with three successes of four, 50 % failures are out of reach"),
    ("cb-r4j-14-ignored-never-exhausts-permits", &[
        "3 buffered 0", "3 state CLOSED", "3 successful 0", "4 buffered 1", "4 successful 1"],
        "as above: the third success closes the breaker"),
    ("cb-r4j-17-metrics-only", &["3 buffered 0", "3 failed 0", "3 failure_rate -1", "3 successful 0"],
        "in shadow mode the breaker changes its state as usual, and each state starts with empty windows"),
    ("cb-r4j-18-illegal-transition", &["0 error no such operation"],
        "no operation makes a breaker half-open, so no transition is illegal"),
    ("cb-r4j-20-max-wait-half-open-to-open", &["2 state HALF_OPEN"],
        "only trial calls have a lease; without calls nothing has failed"),
    ("cb-gob-02-fixed-window-and-exclusions", &[
        "4 failures 6", "4 requests 17", "6 requests 19", "6 state CLOSED", "7 state CLOSED", "8 state CLOSED",
        "9 state CLOSED", "10 state CLOSED", "11 requests 26", "11 state CLOSED", "12 requests 27",
        "13 permitted true", "14 requests 28"],
        "Mainstay's window slides: it has 7 failures of 14 calls where a window that is cleared every 30 s has 2 of 3"),
    ("cb-gob-04-generation-discards-late-outcomes", &["3 requests 2", "4 requests 2", "4 successes 2"],
        "only a change of state makes an outcome late; a sliding window has no other boundary"),
    ("cb-pol-02-only-failures-evaluate", &["1 state OPEN", "2 permitted false"],
        "every recorded outcome is evaluated, not only failures: nine failures of ten calls are enough"),
    ("cb-pol-05-half-open-attempts-arg", &["7 generator_half_open_attempts [0,1,2,3]"],
        "the open time of a breaker that opens soon after closing keeps growing: it decays one step per healthy period"),
    ("cb-coc-05-isolate-refcount", &["1 break_events 2", "3 state CLOSED"],
        "the operator's last command applies, and the log has each one with its author; there is no count to leak"),
    ("cb-coc-06-count-breaker-strictly-greater", &["1 state OPEN"],
        "a threshold is reached at `>=`, as in most libraries"),
    ("cb-pyb-01-consecutive-and-reopen", &["1 fail_counter 0", "3 fail_counter 0"],
        "the streak restarts with each state; the reason of the transition has its length"),
    ("win-r4j-02-time-window-clear", &["8 failure_rate -1"],
        "the rate of no calls is undefined, not zero"),
    ("bh-r4j-02-zero-capacity", &["0 settings vector: limit = 0: must be 1 to 1000000"],
        "a limit of zero is an error in the settings; to refuse all calls, force the breaker open"),
    ("bh-net-01-partitions-borrow-until-global-limit", &["0 granted false", "0 inflight {\"batch\":3}"],
        "a member of a group borrows up to 20 % of its own limit, so that one tenant never takes all idle permits"),
    ("rt-r4j-09-invalid-config", &["0 valid true"],
        "a first delay of zero is valid: no wait, no timer"),
    ("rt-pol-05-decorrelated-jitter-v2", &[
        "0 delays_ms [2000.0,3500.0,5750.0,9125.0,14187.5,21781.25]",
        "1 delays_ms [1000.0,1000.0,1000.0,1000.0,1000.0]",
        "2 delays_ms [1000.0,2980.0,1000.0,2980.0]"],
        "Mainstay's decorrelated jitter is the simple one: uniform from the base to three times the previous delay"),
    ("rt-pol-10-cancel-during-attempt", &["0 on_retry_events 0"],
        "dropping the future cancels the call; no event follows"),
    ("rt-fsg-03-max-duration", &["0 result err"],
        "the caller always receives the last original result; the statistics show that the deadline ended the retries"),
    ("rt-msx-02-transient-classification", &["0 505 false"],
        "a repeat does not change the HTTP versions of the server"),
    ("bud-grp-01-throttle", &[
        "1 retry_allowed true", "3 expect_tokens 0.1", "4 expect_tokens 5.1", "4 retry_allowed true",
        "5 expect_tokens 5.2", "6 expect_tokens 105.1"],
        "all tokens can be spent, fractions are kept, and the tokens earned within a second may exceed the cap"),
    ("bud-bot-01-standard-costs", &[
        "1 expect_capacity 496.0", "2 expect_capacity 491.0", "3 expect_capacity 491.0", "4 expect_capacity 492.0"],
        "a successful retry is paid for, because it was load; its success earns tokens"),
    ("bud-bot-02-v2_1-costs", &[
        "1 expect_capacity 487.0", "2 expect_capacity 482.0", "3 expect_capacity 483.0", "4 expect_capacity 469.0",
        "5 expect_capacity 469.0"],
        "as above"),
    ("fo-msx-02-walks-routes-in-order", &[r#"0 requests ["ep1","ep2"]"#, "0 result 500"],
        "one second attempt within a request: trying all endpoints multiplies the load when all are down"),
    ("fo-msx-04-all-failed-returns-first", &[r#"0 requests ["ep1","ep2"]"#],
        "as above"),
    ("fo-msx-05-empty-routes-is-error", &["0 error vector: endpoints = 0: must be 1 to 1000 endpoints"],
        "an empty list of endpoints is an error of the constructor, not of the first request"),
    ("cmp-msx-01-standard-order", &[r#"0 order ["total timeout","retry","breaker","bulkhead","attempt timeout"]"#],
        "each endpoint has its own permits, which are not held while a request waits for its next attempt"),
    ("cmp-r4j-01-aspect-order", &[r#"0 order ["retry","breaker","bulkhead","attempt timeout"]"#],
        "the attempt timeout bounds the time that a permit is held, not the wait for it"),
];

/// Returns the differences of a vector, and their reason.
pub(crate) fn of(id: &str) -> (&'static [&'static str], &'static str) {
    ALL.iter().find(|(of, ..)| *of == id).map_or((&[], "none"), |(_, ours, why)| (ours, why))
}

pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(id, ..)| *id)
}
