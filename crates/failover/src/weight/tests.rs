use super::*;

const FAILURE: Outcome = Outcome::failure(FailureKind::Unavailable);
const OVERLOAD: Outcome = Outcome::overloaded(None);

#[test]
fn failure_weighs_by_what_the_other_endpoints_say() {
    let unproven = Weight::Unproven { in_streak: true, in_rate: true };
    let table = [
        (FAILURE, Others::Good, Weight::Proven),
        (FAILURE, Others::Failed, Weight::FailedEverywhere),
        (FAILURE, Others::Silent, unproven),
        (OVERLOAD, Others::Good, Weight::Proven),
        (OVERLOAD, Others::Failed, Weight::FailedEverywhere),
        (OVERLOAD, Others::Silent, Weight::Unproven { in_streak: false, in_rate: true }),
        (Outcome::failure(FailureKind::Connect), Others::Silent, Weight::Connect { proven: false }),
        (Outcome::failure(FailureKind::Connect), Others::Good, Weight::Connect { proven: true }),
        // Connect failures count for their endpoint even where the request fails everywhere.
        (Outcome::failure(FailureKind::Connect), Others::Failed, Weight::Connect { proven: false }),
        (Outcome::rate_limited(None), Others::Good, Weight::Nothing),
        (Outcome::Success, Others::Failed, Weight::Nothing),
        (Outcome::ignored(), Others::Good, Weight::Nothing),
        (Outcome::rejected(None), Others::Good, Weight::Nothing),
    ];
    for (outcome, others, weight) in table {
        assert_eq!(weigh(&outcome, others), weight, "{outcome:?}, {others:?}");
    }
}

#[test]
fn trial_call_counts_what_the_endpoint_is_to_blame_for() {
    let unproven = Weight::Unproven { in_streak: true, in_rate: true };
    let table = [
        (Weight::Proven, true, 0, true),
        (Weight::Connect { proven: false }, true, 0, true),
        (Weight::FailedEverywhere, true, 3, false),
        (unproven, true, 2, false),
        (unproven, true, 3, true),
        (unproven, false, 1, true),
    ];
    for (weight, has_others, streak, counts) in table {
        assert_eq!(weight.counts_in_trial(has_others, streak, 3), counts, "{weight:?}, {has_others}, {streak}");
    }
}
