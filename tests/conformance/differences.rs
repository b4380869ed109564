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
    ("bh-r4j-02-zero-capacity", &["0 settings limit = 0: must be 1 to 1000000"],
        "a limit of nothing is a mistake in the settings; whoever wants to refuse everything opens the breaker"),
    ("bh-net-01-partitions-borrow-until-global-limit", &["0 granted false", "0 inflight {\"batch\":3}"],
        "a member of a group borrows up to 20 % of its own limit, so that one tenant never takes all that is idle"),
    ("rt-r4j-09-invalid-config", &["0 valid true"],
        "a first delay of zero is a wish that makes sense: no wait, no timer"),
    ("rt-pol-05-decorrelated-jitter-v2", &[
        "0 delays_ms [2000.0,3500.0,5750.0,9125.0,14187.5,21781.25]",
        "1 delays_ms [1000.0,1000.0,1000.0,1000.0,1000.0]",
        "2 delays_ms [1000.0,2980.0,1000.0,2980.0]"],
        "our decorrelated jitter is the simple one, uniform from the base to three times the last delay"),
    ("rt-pol-10-cancel-during-attempt", &["0 on_retry_events 0"],
        "to cancel is to drop the future; what happens after that is nothing, a retry event included"),
    ("rt-fsg-03-max-duration", &["0 result err"],
        "the caller gets the last original result, always; that the deadline stopped the retries shows in the figures"),
    ("rt-msx-02-transient-classification", &["0 505 false"],
        "a server that does not speak this version of HTTP will not do so in a second either"),
    ("bud-grp-01-throttle", &[
        "1 retry_allowed true", "3 expect_tokens 0.1", "4 expect_tokens 5.1", "4 retry_allowed true",
        "5 expect_tokens 5.2", "6 expect_tokens 105.1"],
        "tokens can be spent to the last one, the rest of one is kept, and a second's earnings may exceed the cap"),
    ("bud-bot-01-standard-costs", &[
        "1 expect_capacity 496.0", "2 expect_capacity 491.0", "3 expect_capacity 491.0", "4 expect_capacity 492.0"],
        "a retry that worked is paid for all the same: it was load; a success earns its share"),
    ("bud-bot-02-v2_1-costs", &[
        "1 expect_capacity 487.0", "2 expect_capacity 482.0", "3 expect_capacity 483.0", "4 expect_capacity 469.0",
        "5 expect_capacity 469.0"],
        "as above"),
    ("fo-msx-02-walks-routes-in-order", &[r#"0 requests ["ep1","ep2"]"#, "0 result 500"],
        "one second attempt within a request, no more: a walk over all endpoints multiplies load when all are down"),
    ("fo-msx-04-all-failed-returns-first", &[r#"0 requests ["ep1","ep2"]"#],
        "as above"),
    ("fo-msx-05-empty-routes-is-error", &["0 error endpoints = 0: must be 1 to 1000 endpoints"],
        "no endpoint is an error of the settings, found when it is built and not by the first request"),
    ("cmp-msx-01-standard-order", &[r#"0 order ["total timeout","retry","breaker","bulkhead","attempt timeout"]"#],
        "permits are an endpoint's own, and not held while a request waits for its next attempt"),
    ("cmp-r4j-01-aspect-order", &[r#"0 order ["retry","breaker","bulkhead","attempt timeout"]"#],
        "the attempt timeout bounds what a permit is held for, not the wait for it"),
];

/// What this vector shows otherwise, and the reason.
pub(crate) fn of(id: &str) -> (&'static [&'static str], &'static str) {
    ALL.iter().find(|(of, ..)| *of == id).map_or((&[], "we do not"), |(_, ours, why)| (ours, why))
}

pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(id, ..)| *id)
}
