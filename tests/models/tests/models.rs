//! Every interleaving of each model, or many random ones where there are too many.

use mainstay_models::scenarios;
use shuttle::{check_dfs, check_random_with_seed};

/// The number of random interleavings of a model that has too many for all of them.
const RANDOM: usize = 10_000;

#[test]
fn no_wake_up_is_lost_by_a_wait() {
    check_dfs(scenarios::no_wake_up_is_lost_by_a_wait, None);
}

#[test]
fn watch_ends_at_the_newest_epoch() {
    check_dfs(scenarios::watch_ends_at_the_newest_epoch, None);
}

#[test]
fn caller_is_woken_when_the_permits_are_used_up() {
    check_random_with_seed(scenarios::caller_is_woken_when_the_permits_are_used_up, 1, RANDOM);
}

#[test]
fn freed_slot_reaches_the_waiter() {
    check_random_with_seed(scenarios::freed_slot_reaches_the_waiter, 1, RANDOM);
}

#[test]
fn cancelled_waiter_takes_no_slot_with_it() {
    check_random_with_seed(scenarios::cancelled_waiter_takes_no_slot_with_it, 1, RANDOM);
}

#[test]
fn waiter_gets_the_lent_slot_that_another_call_gave_back() {
    check_random_with_seed(scenarios::waiter_gets_the_lent_slot_that_another_call_gave_back, 1, RANDOM);
}

#[test]
fn caller_is_woken_when_another_member_takes_the_last_lent_slot() {
    check_random_with_seed(scenarios::caller_is_woken_when_another_member_takes_the_last_lent_slot, 1, RANDOM);
}

#[test]
fn limit_with_free_permits_is_not_saturated() {
    check_random_with_seed(scenarios::limit_with_free_permits_is_not_saturated, 1, RANDOM);
}
