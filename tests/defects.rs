//! Defects seen in other libraries, and the tests of Mainstay for each of them.
//!
//! A test checks that the tests in the table exist, run and assert something.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::{fs, path::Path};

/// A defect and its tests: `file::test`, with the path from the root of the workspace.
type Defect = (&'static str, &'static [&'static str]);

const BREAKER: &str = "crates/circuit-breaker/tests/defects.rs";
const BULKHEAD: &str = "crates/bulkhead/tests/defects.rs";
const FALLBACK: &str = "crates/fallback/tests/defects.rs";
const DRAIN: &str = "crates/drain/tests";
const HEALTH: &str = "crates/health/tests";
const FAILOVER: &str = "crates/failover/tests";
const RETRY: &str = "crates/retry/tests/suite";
const GATEWAY: &str = "examples/gateway/src";
const GATEWAY_E2E: &str = "examples/gateway/tests/end_to_end";
const EDGE: &str = "examples/gateway/tests/edge";
const PROXY: &str = "crates/http/src/proxy";

#[rustfmt::skip]
const BREAKERS: &[Defect] = &[
    ("a count window that never slides", &["{breaker}::many_successes_do_not_delay_opening", "crates/core/src/window/tests.rs::oldest_call_leaves_the_window"]),
    ("half-open wedges: a probe's caller gave up", &["{breaker}::dropped_trial_call_releases_its_permit"]),
    ("half-open wedges: a hung probe", &["{breaker}::hung_trial_call_expires_as_a_failure"]),
    ("half-open: a success wakes no waiter", &["crates/circuit-breaker/tests/pace.rs::success_of_a_trial_call_wakes_a_gate_that_waits_for_a_permit"]),
    ("an open time refuses hundreds of calls to a dependency that is back", &["crates/circuit-breaker/tests/pace.rs::sixty_refused_calls_make_a_trial_call_due_after_the_base_time"]),
    ("each opening sends three calls to a dead dependency", &["crates/circuit-breaker/tests/pace.rs::second_trial_call_waits_for_the_success_of_the_first"]),
    ("half-open wedges: successes age out of a time window", &["{breaker}::trials_longer_than_the_time_window_close_the_breaker"]),
    ("results of calls admitted before the trip move the half-open circuit", &["{breaker}::results_of_an_earlier_epoch_change_nothing"]),
    ("a dropped future is never counted", &["{breaker}::timeout_around_the_breaker_opens_it", "tests/composition/order.rs::timeout_around_a_breaker_opens_it_over_a_hung_backend"]),
    ("a runtime or a thread that ends counts as callers that give up", &["crates/circuit-breaker/tests/ending_runtime.rs::runtime_that_ends_opens_no_shared_breaker", "crates/circuit-breaker/tests/ending_runtime.rs::thread_that_ends_with_its_runtime_opens_no_breaker", "{failover}/ending_runtime.rs::runtime_that_ends_leaves_no_endpoint"]),
    ("a panic is never counted", &["{breaker}::panic_is_a_failure", "{breaker}::panic_that_is_caught_outside_is_a_failure", "crates/circuit-breaker/tests/panics.rs::panic_of_work_and_of_readiness_is_a_failure", "{failover}/panics.rs::panic_that_is_caught_outside_counts_before_the_call_is_dropped", "{failover}/panics.rs::panic_of_a_second_attempt_counts_with_the_first_one", "{failover}/panics.rs::panic_of_readiness_counts_as_its_failure"]),
    ("a panic elsewhere that blames a healthy call", &["crates/circuit-breaker/tests/panics.rs::panic_of_the_caller_is_neutral", "{failover}/panics.rs::panic_of_the_caller_says_nothing_about_the_endpoint"]),
    ("half-open wedges: other settings of recovery", &["{breaker}::half_open_breaker_recovers_by_probes_after_a_change_of_settings", "{breaker}::open_breaker_recovers_by_trials_after_a_change_of_settings"]),
    ("a breaker that nothing can open", &["{breaker}::breaker_without_a_rule_is_an_error"]),
    ("openings of long ago in a snapshot", &["{breaker}::openings_in_a_snapshot_decay"]),
    ("an error of `poll_ready` is never counted", &["{breaker}::readiness_error_is_a_failure"]),
    ("local bulkhead refusals open the breaker", &["{breaker}::refusals_by_layers_below_never_open_the_breaker", "tests/composition/order.rs::bulkhead_refusals_do_not_open_the_breaker_around_it"]),
    ("`minimum_calls` below the window ignored", &["{breaker}::minimum_below_the_window_opens_at_the_minimum"]),
    ("a 1 ms sleep on the refusing path under contention", &["tests/contention.rs::contended_calls_are_refused_in_the_first_poll"]),
    ("a time window with cost proportional to calls", &["tests/allocations.rs::time_window_does_not_grow_with_a_million_calls"]),
    ("listeners run inside the lock", &["{breaker}::watcher_reads_the_breaker_without_deadlock", "{failover}/publishing.rs::waker_reads_the_handle_without_deadlock"]),
    ("a store that announces, formats keys or drops breakers under its lock", &["crates/circuit-breaker/tests/callbacks.rs::waker_reconfigures_the_store_that_is_being_reconfigured", "crates/circuit-breaker/tests/callbacks.rs::key_reads_the_store_while_it_is_formatted", "crates/circuit-breaker/tests/callbacks.rs::waker_of_an_evicted_breaker_reads_the_store", "crates/bulkhead/tests/keyed.rs::key_reads_the_store_while_it_is_formatted", "{failover}/publishing.rs::waker_reconfigures_the_stack_that_is_being_reconfigured"]),
    ("an opening or a probe lost between two locks", &["crates/circuit-breaker/tests/callbacks.rs::opening_while_a_reset_is_announced_counts", "crates/circuit-breaker/tests/callbacks.rs::probe_while_a_trip_is_announced_counts"]),
    ("settings of two changes at once, mixed", &["tests/races/settings.rs::bulkhead_has_the_settings_of_one_change", "tests/races/settings.rs::failover_has_the_settings_of_one_change", "tests/races/settings.rs::fallback_has_the_settings_of_one_change", "tests/races/settings.rs::standard_stack_has_the_settings_of_one_change", "tests/races/settings.rs::resize_of_a_bulkhead_loses_no_other_change", "tests/races/evictions.rs::keyed_breaker_made_during_a_change_has_the_new_settings"]),
    ("a watched state that is lent and locks its channel", &["crates/circuit-breaker/tests/callbacks.rs::arm_of_a_match_on_the_watched_state_changes_the_breaker"]),
    ("sums over keys that forget the evicted ones", &["crates/circuit-breaker/tests/keyed.rs::sums_include_evicted_breakers_and_never_fall"]),
    ("state gauges of the old state never cleared", &["examples/gateway/tests/end_to_end/operations.rs::metrics_are_valid_and_follow_a_failover"]),
    ("a zero in the settings that wedges", &["{breaker}::settings_out_of_range_are_errors_and_a_rate_of_one_works"]),
    ("each `layer()` call with a state of its own", &["{breaker}::services_of_one_layer_share_the_breaker", "tests/composition/server.rs::routes_share_the_breaker_and_the_permits_of_one_layer"]),
    ("std's clock, blind to a paused runtime", &["{breaker}::open_time_ends_at_its_exact_instant_of_the_paused_clock"]),
    ("success on cancellation", &["{breaker}::call_that_is_dropped_early_is_neutral"]),
    ("an open breaker that first waits for inner readiness", &["{breaker}::open_breaker_refuses_while_the_inner_service_is_pending"]),
    ("an open breaker that keeps an inner permit", &["{breaker}::refusing_service_keeps_no_readiness_of_the_inner_service"]),
    ("35 s to close again after a 5 s break", &["{breaker}::rate_criteria_close_despite_background_errors"]),
    ("thresholds of 1.0 that panic and of 0.0 that never close", &["{breaker}::settings_out_of_range_are_errors_and_a_rate_of_one_works"]),
    ("a caller that waits for ever at a closed breaker", &["tests/races/wakeups.rs::caller_of_a_gate_is_woken_when_the_breaker_closes", "tests/races/wakeups.rs::caller_that_waits_for_the_inner_service_is_woken_when_the_breaker_opens", "tests/races/wakeups.rs::caller_that_waits_for_the_primary_is_woken_when_it_is_left", "crates/core/src/wait.rs::change_between_check_and_subscription_is_seen"]),
    ("a status that stays at the state before the last", &["tests/races/status.rs::breaker_publishes_its_last_state", "tests/races/status.rs::bulkhead_is_healthy_after_its_last_permit_came_back", "tests/races/status.rs::failover_publishes_its_last_state", "crates/core/src/epoch_watch.rs::older_epoch_does_not_overwrite_a_newer_one"]),
    ("partitions never evicted", &["{breaker}::full_store_evicts_clean_breakers_and_keeps_open_ones", "{breaker}::old_failures_and_openings_keep_no_key", "{breaker}::keys_with_recent_failures_make_room_for_new_ones", "crates/core/src/bounded/tests.rs::new_key_visits_few_entries_of_a_full_map"]),
    ("a log line for each key, and for each freed permit", &["tests/logs.rs::thousand_keys_that_are_down_log_a_few_lines", "tests/logs.rs::outage_of_an_hour_logs_its_begin_and_its_end", "tests/logs.rs::limit_at_its_edge_logs_every_ten_seconds"]),
    ("a partition evicted with a call in flight", &["{breaker}::key_with_a_call_in_flight_is_not_evicted", "tests/races/evictions.rs::keyed_breaker_that_is_found_is_not_evicted_before_its_call_ends"]),
];

#[rustfmt::skip]
const RETRIES: &[Defect] = &[
    ("a panic where there is no runtime", &["tests/without_runtime.rs::retry_returns_the_result_that_it_cannot_repeat", "tests/without_runtime.rs::bulkhead_refuses_what_would_wait", "tests/without_runtime.rs::timeout_of_a_function_and_of_a_service_refuses", "tests/without_runtime.rs::second_attempt_starts_after_an_error_alone", "tests/without_runtime.rs::gate_refuses_while_its_breaker_is_open", "tests/without_runtime.rs::backup_is_skipped_for_the_next_step", "tests/without_runtime.rs::forced_check_reports_that_no_probe_was_sent"]),
    ("retries without a delay in one poll: no timeout fires", &["{retry}/fairness.rs::layer_without_a_delay_lets_a_timeout_fire", "{retry}/fairness.rs::function_without_a_delay_lets_a_timeout_fire"]),
    ("a limit of attempts cut by another one without a word", &["{retry}/warnings.rs::quota_below_the_attempts_is_logged_once_with_both_numbers", "{retry}/warnings.rs::policy_without_context_has_all_attempts_and_no_warning", "{failover}/stack.rs::attempts_above_the_quota_are_a_warning_with_both_numbers"]),
    ("a budget that a running stack can neither turn off nor on", &["{retry}/budget.rs::budget_is_turned_off_and_on_while_requests_run", "{failover}/stack.rs::retry_budget_is_turned_off_and_on_live"]),
    ("a retry that can never repeat, without a word", &["{retry}/warnings.rs::retry_that_can_never_repeat_is_logged_once", "tests/streams/grpc.rs::call_is_repeated_whose_only_answer_is_a_status_in_trailers"]),
    ("a budget that refuses a slow client, without a word", &["{retry}/warnings.rs::budget_that_refuses_a_slow_client_is_logged_once_with_the_setting", "crates/core/src/budget/tests.rs::refusal_after_successes_that_expired_is_reported_once"]),
    ("a budget that saturates", &["crates/core/src/budget/tests.rs::hundred_thousand_successes_a_second_earn_in_proportion"]),
    ("a shared handle replaced by a disconnected one, without a word", &["{retry}/warnings.rs::handle_that_is_replaced_where_it_is_shared_is_logged"]),
    ("eight clients with eight identical jitter series", &["{retry}/delays.rs::eight_clients_draw_eight_different_series", "crates/core/src/backoff.rs::clones_draw_different_delays"]),
    ("presets documented as jittered that are not", &["{retry}/delays.rs::presets_are_jittered_at_their_cap_too"]),
    ("budgets that bound nothing", &["{retry}/budget.rs::dead_dependency_gets_one_retry_in_ten_minutes", "tests/composition/order.rs::shared_budget_bounds_the_repeats_of_both_layers"]),
    ("0.35 acting as 50 %, 0.6 as 100 %", &["{retry}/budget.rs::retry_after_an_overload_costs_less", "crates/core/src/budget/tests.rs::four_successes_pay_for_exactly_one_retry"]),
    ("the budget checked after the sleep, its error hiding the original", &["{retry}/budget.rs::empty_budget_returns_the_original_result_at_once"]),
    ("attempts burnt on an open breaker", &["{retry}/rejections.rs::open_breaker_costs_no_attempts_and_no_budget", "tests/composition/order.rs::open_breaker_spends_no_attempts_and_no_budget"]),
    ("Retry-After impossible because backoff sees only a number", &["{retry}/deadline.rs::retry_after_is_waited_for_in_full_or_not_at_all"]),
    ("an open breaker that every request waits for", &["{retry}/rejections.rs::rejection_is_returned_at_once_by_default", "tests/composition/deadlines.rs::retry_waits_for_an_open_breaker_only_if_that_is_set", "tests/composition/deadlines.rs::open_breaker_fills_no_bulkhead_at_the_entrance"]),
    ("a POST that was not sent is not sent again", &["{retry}/attempts.rs::request_that_is_sent_once_is_retried_while_it_is_unsent", "crates/http/tests/policies.rs::post_that_was_not_sent_is_repeated", "crates/fallback/tests/steps.rs::backup_takes_request_with_side_effects_only_if_it_was_not_sent"]),
    ("a broken upload, or no file descriptor left, blames the server", &["crates/http/tests/unsent.rs::broken_upload_is_the_callers", "crates/http/tests/unsent.rs::missing_file_descriptors_are_no_failure_of_the_server"]),
    ("requests cloned on the last attempt", &["{retry}/attempts.rs::last_attempt_makes_no_copy"]),
    ("capped delays in step because the cap comes after the jitter", &["{retry}/delays.rs::presets_are_jittered_at_their_cap_too"]),
    ("overflow or NaN after 1,000 attempts", &["{retry}/attempts.rs::two_thousand_attempts_do_not_overflow"]),
    ("bodies of discarded responses never drained", &["{retry}/attempts.rs::response_is_discarded_before_the_delay_except_the_last", "crates/http/tests/sockets.rs::connection_of_drained_response_is_reused"]),
    ("attempts on fresh clones that were never polled ready", &["{retry}/attempts.rs::each_attempt_polls_readiness_of_a_fresh_clone", "tests/composition/tower_layers.rs::each_attempt_is_polled_ready_over_tower_layers"]),
    ("a timeout that keeps the first waker", &["crates/timeout/tests/timeout.rs::timeout_wakes_the_task_that_polled_last"]),
    ("a timer with a clock of its own, or one that spins", &["crates/timeout/tests/timeout.rs::hanging_call_ends_at_its_time_and_is_dropped", "crates/timeout/tests/timeout.rs::attempt_and_total_keep_the_contract"]),
];

#[rustfmt::skip]
const BULKHEADS: &[Defect] = &[
    ("a waiter that misses a slot of its group", &["tests/models/tests/models.rs::waiter_gets_the_lent_slot_that_another_call_gave_back", "tests/models/tests/models.rs::caller_is_woken_when_another_member_takes_the_last_lent_slot"]),
    ("counts of a key that is evicted meanwhile", &["tests/races/evictions.rs::keyed_bulkhead_counts_a_call_that_gives_up_while_its_key_is_evicted", "tests/races/evictions.rs::keyed_bulkhead_counts_a_refusal_while_its_key_is_evicted"]),
    ("permits lost, or an abort, when a thread ends with calls in flight", &["crates/bulkhead/tests/ending_thread.rs::ending_thread_returns_permits_and_places_in_the_queue"]),
    ("a permit that comes back while the work goes on", &["crates/bulkhead/tests/detached_work.rs::blocking_work_keeps_its_permit_after_the_execution_timeout", "crates/bulkhead/tests/detached_work.rs::blocking_work_of_a_key_keeps_its_permit"]),
    ("settings chosen by a magic name", &["crates/bulkhead/tests/registry.rs::settings_of_a_name_come_from_the_table_alone", "crates/bulkhead/tests/registry.rs::seconds_of_presets_bound_the_execution"]),
    ("a registry without a bound", &["crates/bulkhead/tests/registry.rs::names_beyond_the_capacity_share_one_limit", "crates/core/src/registry.rs::full_registry_makes_and_takes_no_new_name_until_one_is_removed"]),
    ("rejection through a zero-length timeout", &["{bulkhead}::full_bulkhead_refuses_in_first_poll_with_its_own_reason"]),
    ("a deadlock: holding inner readiness while queueing", &["{bulkhead}::queueing_over_limited_inner_service_does_not_deadlock", "tests/composition/tower_layers.rs::queue_over_an_equal_concurrency_limit_does_not_deadlock"]),
    ("gauges stale after a cancel", &["{bulkhead}::cancelled_wait_leaves_correct_gauges", "tests/composition/storm.rs::gauges_are_exact_after_random_cancellations_over_the_layers"]),
    ("an unbounded queue by default", &["{bulkhead}::default_settings_have_no_queue"]),
    ("a waiter that leaks its permit", &["{bulkhead}::waiter_dropped_after_its_grant_leaks_no_permit"]),
    ("a shrink that blocks the caller", &["{bulkhead}::shrinking_returns_at_once_and_takes_effect_as_calls_end"]),
    ("a spurious \"full\" when tokio's budget runs out", &["{bulkhead}::task_without_coop_budget_gets_free_permit_and_grant"]),
];

#[rustfmt::skip]
const FAILOVERS: &[Defect] = &[
    ("`poll_ready` errors skip the fallback", &["{fallback}::poll_ready_error_runs_the_steps", "{failover}/readiness.rs::readiness_error_counts_and_the_next_endpoint_is_used", "tests/composition/order.rs::fallback_handles_readiness_errors_of_inner_layers"]),
    ("a handle whose switches and figures are those of other steps", &["crates/fallback/tests/steps.rs::handle_of_other_steps_is_an_error"]),
    ("one user's last good answer for another user", &["crates/fallback/tests/http/callers.rs::caller_gets_nothing_that_is_for_another_one", "crates/fallback/tests/http/callers.rs::credential_of_any_name_makes_a_response_private", "crates/fallback/tests/last_good.rs::http_response_is_not_kept_under_a_key"]),
    ("last good answers that are kept for ever, or without a bound in bytes", &["crates/fallback/tests/last_good.rs::expired_answers_are_forgotten_by_later_calls", "crates/fallback/tests/last_good.rs::cache_is_bounded_in_bytes"]),
    ("a last good answer whose body was cut off", &["crates/fallback/tests/http/bodies.rs::body_that_does_not_end_well_is_not_kept"]),
    ("a backup behind one async mutex, awaited while locked", &["{fallback}::stuck_backup_blocks_only_its_own_request"]),
    ("a router that polls all backends, so one dead one stalls it", &["{failover}/readiness.rs::unready_backup_does_not_delay_requests_to_the_primary"]),
    ("a clone that copies readiness and panics", &["{fallback}::clone_does_not_copy_the_poll_ready_error", "{failover}/readiness.rs::second_attempts_are_made_on_ready_services"]),
    ("ejection times that double for ever", &["{failover}/selection.rs::holds_grow_by_steps_up_to_the_maximum_and_decay"]),
    ("busy-spinning waiters", &["{failover}/contract.rs::two_endpoints_keep_the_contract", "crates/core/tests/contract.rs::spinning_is_detected"]),
    ("lost wake-ups when clones poll one shared future", &["{failover}/readiness.rs::switch_wakes_a_request_waiting_for_the_primary", "crates/core/tests/contract.rs::stale_waker_is_detected"]),
    ("fallback without memory: every request pays the primary's timeout", &["{failover}/second_attempt.rs::black_hole_is_left_within_a_few_requests"]),
    ("a hedge that turns good requests into errors", &["{failover}/second_attempt.rs::failing_backup_does_not_replace_the_answer_of_a_slow_primary"]),
    ("handlers that run the checks and time out in a row", &["{health}/checks.rs::checks_run_in_parallel_each_with_its_own_timeout"]),
    ("a check that blocks its thread stalls the process", &["{health}/blocked.rs::endpoints_respond_on_two_workers_while_a_check_blocks_its_thread", "{health}/blocked.rs::endpoints_respond_on_four_workers_while_a_check_blocks_its_thread", "{health}/blocked.rs::endpoints_respond_on_eight_workers_while_a_check_blocks_its_thread", "crates/failover/src/probe/round.rs::probe_that_blocks_its_thread_times_out", "crates/drain/tests/drain.rs::hook_that_blocks_its_thread_is_given_up"]),
    ("a wait for readiness that does not end when the process ends", &["{health}/drain.rs::wait_for_readiness_ends_when_the_drain_begins"]),
    ("a shutdown delay of a process that was never ready", &["{health}/drain.rs::drain_of_a_process_that_was_never_ready_has_no_delay"]),
    ("a default that contradicts the only setting in a file", &["{health}/checks.rs::default_timeout_follows_the_interval", "crates/settings/tests/sources.rs::defaults_of_probes_follow_their_interval"]),
    ("readiness that waits for the spread of the first checks", &["{health}/checks.rs::process_is_ready_as_soon_as_its_checks_pass"]),
    ("settings that change when they are written and read", &["crates/settings/tests/round_trips.rs::settings_survive_being_written", "crates/settings/tests/round_trips.rs::options_that_are_off_stay_off", "crates/settings/tests/round_trips.rs::off_is_read_within_a_flattened_struct"]),
    ("a panic that ends the reloading of settings", &["crates/settings/tests/reload.rs::panic_of_the_closure_does_not_end_the_reloading"]),
    ("a truncated file that is applied as all defaults", &["crates/settings/tests/reload.rs::file_that_became_empty_is_refused_and_logged_each_minute"]),
    ("forged log lines", &["tests/outside_text.rs::names_reasons_and_errors_are_logged_and_shown_without_control_characters", "tests/outside_text.rs::every_logged_text_is_escaped"]),
    ("liveness tied to a database", &["{health}/endpoints.rs::critical_failure_is_503_and_live_stays_200"]),
    ("unknown hidden by up", &["{health}/checks.rs::run_that_blocks_its_thread_delays_no_other_and_becomes_unknown"]),
    ("details, DSNs and panic payloads in bodies", &["{health}/secrets.rs::secrets_are_in_the_log_and_in_no_body"]),
    ("a shutdown held open by half a header", &["{drain}/serve/http1.rs::half_a_request_head_does_not_delay_the_exit", "examples/gateway/tests/end_to_end/draining.rs::half_a_request_head_does_not_delay_the_exit"]),
    ("probes all in one instant", &["{health}/checks.rs::first_round_runs_at_once_and_later_rounds_are_spread", "{failover}/probing.rs::first_probes_are_spread_over_the_interval"]),
    ("a server's `Retry-After` that sets a hold", &["{failover}/http_stack.rs::retry_after_of_the_primary_changes_no_hold", "{failover}/http_stack.rs::retry_after_of_the_only_endpoint_changes_no_open_time", "examples/gateway/tests/end_to_end/failover.rs::retry_after_of_primary_changes_no_hold"]),
    ("one client whose requests take healthy endpoints out", &["{failover}/http_stack.rs::one_client_takes_no_healthy_endpoint_out", "{failover}/situations.rs::route_that_fails_everywhere_moves_no_traffic"]),
    ("a total timeout that does not bound readiness", &["{failover}/stack.rs::total_timeout_bounds_the_wait_for_endpoints_that_are_never_ready"]),
    ("a limit of the caller that the backup answers", &["{failover}/http_stack.rs::backup_answers_a_rate_limited_request_only_if_that_is_set"]),
    ("departures of long ago in a snapshot", &["{failover}/situations.rs::departures_in_a_snapshot_decay"]),
    ("a retry that goes to the endpoint that has just failed", &["{failover}/repeats.rs::repeat_in_the_standard_stack_goes_to_an_endpoint_that_was_not_asked", "{failover}/repeats.rs::repeat_with_the_http_policy_goes_to_an_endpoint_that_was_not_asked", "{failover}/repeats.rs::repeat_after_a_timeout_outside_of_the_failover_goes_elsewhere"]),
    ("an endpoint that hangs while its health check is good", &["{failover}/hanging.rs::two_proven_streaks_around_a_good_probe_leave"]),
    ("one failing route that makes a single endpoint refuse all", &["{failover}/situations.rs::one_endpoint_with_a_good_probe_is_not_left_by_its_requests"]),
    ("a POST into a black hole that counts only with its timeout", &["{failover}/hanging.rs::silence_counts_in_the_unproven_rate_before_the_timeouts"]),
    ("callers who give up at both endpoints and take them out", &["{failover}/hanging.rs::callers_who_give_up_at_both_endpoints_move_no_traffic", "{failover}/hanging.rs::work_that_is_dropped_at_the_second_endpoint_has_failed_everywhere"]),
    ("an endpoint that is slow for all requests and stays", &["{failover}/slow.rs::endpoint_that_is_slow_for_all_is_left_with_its_medians_as_the_reason"]),
    ("one request that counts as many failures", &["{failover}/repeats.rs::request_counts_once_against_a_single_endpoint", "{failover}/repeats.rs::request_that_fails_everywhere_counts_once_for_its_first_endpoint_only", "{failover}/repeats.rs::second_attempts_and_repeats_ask_each_endpoint_once"]),
    ("a dead primary that gets every request while all are down", &["{failover}/ordinary_traffic.rs::all_down_sends_what_the_dead_primary_refuses_to_the_backup", "{failover}/situations.rs::while_all_are_down_requests_find_the_endpoint_that_answers", "{failover}/situations.rs::while_all_are_down_second_attempts_and_readiness_go_on_to_the_next_endpoint", "examples/gateway/tests/end_to_end/judgement.rs::all_down_serves_from_the_backup_if_the_primary_is_dead"]),
    ("a route that is slow or broken everywhere and leaves a healthy primary", &["{failover}/ordinary_traffic.rs::slow_route_whose_clients_give_up_moves_no_traffic", "{failover}/ordinary_traffic.rs::posts_to_a_broken_route_move_no_traffic", "{failover}/ordinary_traffic.rs::burst_of_posts_to_a_broken_route_moves_no_traffic", "examples/gateway/tests/end_to_end/judgement.rs::posts_to_a_broken_route_leave_no_backend", "examples/gateway/tests/end_to_end/judgement.rs::clients_who_give_up_on_a_slow_route_leave_no_backend"]),
    ("an endpoint that answers nothing, with a healthy status", &["{failover}/hanging.rs::endpoint_that_answers_no_request_is_overdue_in_status_and_log"]),
    ("a ramp that is cleared by the end of an older one", &["crates/failover/src/ramp.rs::ramp_that_began_after_a_look_at_the_clock_is_not_ended", "{failover}/selection.rs::ramp_that_begins_as_an_older_one_ends_has_its_own_length"]),
    ("failback in the first good second", &["{failover}/selection.rs::traffic_returns_after_hold_and_probes"]),
];

#[rustfmt::skip]
const SERVERS: &[Defect] = &[
    ("a client that reads nothing holds its connection for ever", &["{drain}/serve/pauses.rs::client_that_reads_nothing_is_closed_at_the_write_timeout", "{drain}/serve/pauses.rs::http2_client_with_zero_window_gets_its_stream_reset"]),
    ("an answer that breaks off is in no log", &["examples/gateway/tests/end_to_end/connections.rs::answer_that_breaks_off_is_logged_once_for_each_cause"]),
    ("a late answer that the log calls a failure", &["crates/failover/src/signals/tests.rs::reason_tells_a_failure_from_an_answer_that_is_late"]),
    ("a next request read as the rest of an unread body", &["{drain}/serve/linger.rs::response_before_the_body_is_read_closes_the_connection", "{drain}/serve/linger.rs::response_to_a_short_unread_body_keeps_the_connection"]),
    ("a reset in place of the answer to a large upload", &["{drain}/serve/linger.rs::refused_upload_of_known_length_gets_its_answer", "{drain}/serve/linger.rs::refused_chunked_upload_gets_its_answer"]),
    ("streams that share a slow connection are reset", &["{drain}/serve/slow_http2.rs::streams_that_share_a_slow_connection_are_not_reset"]),
    ("a frozen backend, or clients that read nothing, hold all places for ever", &["{gateway_e2e}/places.rs::frozen_primary_gives_its_places_back_and_its_downloads_break", "{gateway_e2e}/places.rs::clients_that_read_nothing_give_their_places_back", "{gateway_e2e}/places.rs::http2_clients_with_zero_window_give_their_places_back"]),
    ("a steady upload cut at a total timeout", &["crates/timeout/tests/timeout.rs::timeout_runs_from_the_last_piece_of_an_upload", "{gateway_e2e}/uploads.rs::steady_upload_that_is_longer_than_the_timeouts_is_whole"]),
    ("slow and stalled uploads blame the primary", &["{failover}/uploads.rs::uploads_of_slow_callers_count_for_nothing", "{failover}/uploads.rs::uploads_that_never_end_count_for_nothing", "{failover}/uploads.rs::second_attempt_starts_at_its_delay_after_the_upload", "{gateway_e2e}/uploads.rs::slow_and_stalled_uploads_count_for_nothing", "crates/circuit-breaker/tests/uploads.rs::upload_of_a_slow_caller_is_neither_slow_nor_abandoned", "{bulkhead}::execution_timeout_runs_from_the_last_byte_of_an_upload", "{retry}/deadline.rs::time_of_an_upload_is_not_that_of_a_typical_attempt", "crates/fallback/tests/steps.rs::backup_times_out_after_the_last_byte_of_an_upload"]),
    ("interim responses without end", &["{gateway_e2e}/places.rs::endless_interim_answers_end_the_request_at_once_and_take_no_memory", "crates/http/tests/interim.rs::endless_interim_responses_end_the_request_and_close_the_connection", "crates/http/tests/interim.rs::probe_with_endless_interim_responses_fails", "crates/http/src/client/io.rs::reads_without_end_let_other_tasks_run"]),
    ("a client's broken upload that counts against the backend", &["crates/http/tests/unsent.rs::upload_shorter_than_announced_is_the_callers", "{gateway_e2e}/uploads.rs::broken_upload_gets_400_and_primary_is_not_blamed"]),
    ("HTTP/2 streams counted twice by a drain", &["{drain}/serve/http2.rs::aborted_http2_streams_are_counted_once"]),
    ("connections without a limit", &["{drain}/serve/connections.rs::connections_above_the_limit_are_served_by_the_reserve_once_and_then_closed_unserved"]),
];

#[rustfmt::skip]
const PROXIES: &[Defect] = &[
    ("a client that hides its address behind a byte that is not text", &["{proxy}/tests/forwarded.rs::client_cannot_hide_its_address_behind_bytes_that_are_not_text", "{proxy}/tests/forwarded.rs::bytes_that_are_not_text_hide_no_member_of_a_list"]),
    ("an address spelled with underscores, or in a field that the proxy does not write", &["{proxy}/tests/forwarded.rs::claims_of_trusted_proxy_are_kept_and_extended", "{proxy}/field_kind.rs::fields_have_their_kind"]),
    ("a response cut off by the shorter of two lengths", &["{proxy}/length.rs::message_keeps_one_length", "{proxy}/tests/responses.rs::response_keeps_one_length_and_no_marks"]),
    ("the body of a GET dropped, a POST without a length", &["{proxy}/tests/requests.rs::request_states_its_length"]),
    ("trailers that pass every filter", &["{proxy}/trailers.rs::trailers_are_filtered_like_heads", "{proxy}/trailers.rs::announcement_is_filtered"]),
    ("two lines of cookies, of which a server reads one", &["{proxy}/cookie.rs::cookies_become_one_field"]),
    ("two hosts, or one that is no host", &["{proxy}/host.rs::request_names_one_host", "{proxy}/host.rs::host_has_the_grammar_of_rfc_3986"]),
    ("CONNECT with a path, a loop of TRACE, an unasked 101", &["{proxy}/tests/requests.rs::faulty_requests_are_refused", "{proxy}/max_forwards.rs::options_is_counted_and_trace_refused", "{proxy}/tests/responses.rs::faulty_responses_are_refused"]),
    ("dot segments that only the backend sees", &["{proxy}/tests/paths.rs::rebase_rejects_dot_segments"]),
    ("redirects to an internal address", &["{proxy}/location.rs::references_to_the_backend_are_mapped"]),
    ("a request or an answer that two parties divide differently", &["{edge}/smuggling/run.rs::every_kind_leaves_one_reading", "{edge}/smuggling/run.rs::mutated_requests_leave_one_reading", "{edge}/smuggling/run.rs::mutated_requests_of_http2_leave_one_reading", "{edge}/smuggling/run.rs::mutated_answers_stay_with_their_request"]),
    ("a field name of HTTP/2 that is none in HTTP/1.1", &["{proxy}/tests/requests.rs::http2_names_have_no_quotation_marks"]),
    ("a client that names an inner proxy in `Via` counts against it", &["{edge}/chain.rs::forged_via_of_the_inner_gateway_is_no_failure"]),
    ("an upload left out on a connection of HTTP/1.0", &["{edge}/old_backend.rs::body_of_unknown_length_arrives_after_answers_of_http_1_0"]),
    ("floods of frames that grow memory or the log", &["{edge}/floods.rs::rapid_reset", "{edge}/floods.rs::streams_that_the_server_resets", "{edge}/floods.rs::continuation", "{edge}/floods.rs::compressed_head", "{edge}/floods.rs::pings", "{edge}/floods.rs::settings"]),
];

#[rustfmt::skip]
const TYPES: &[Defect] = &[
    ("a wrong order of layers, without a word", &["tests/composition/order_warnings.rs::wrong_order_is_logged_once_with_its_effect"]),
    ("a table of settings that is written in part loses the defaults of its stack", &["crates/settings/tests/round_trips.rs::partly_written_budget_of_second_attempts_keeps_its_defaults"]),
    ("`off` read as none where it is text", &["crates/settings/tests/own_structs.rs::off_is_text_for_an_option_that_is_not_marked"]),
    ("an error of settings without its path, its line or the value as it was written", &["crates/settings/tests/own_structs.rs::errors_have_the_whole_path", "crates/settings/tests/own_structs.rs::contradiction_names_both_settings_and_the_line_of_what_was_written"]),
    ("times of snapshots in two forms", &["tests/snapshots.rs::durations_are_seconds_and_times_are_rfc_3339", "tests/snapshots.rs::structs_of_figures_write_their_times_in_one_form"]),
    ("a misspelt variable, without a word", &["{gateway_e2e}/settings.rs::misspelt_variable_is_logged_with_the_name_that_is_meant", "crates/settings/tests/flat_names.rs::misspelt_variable_is_a_warning"]),
    ("nested generics that read inside out, turbofish for presets", &["tests/types.rs::four_layers_over_a_function_need_no_annotations", "tests/types.rs::all_layers_in_a_task_need_no_annotations"]),
    ("`source()` cut off", &["tests/composition/order.rs::original_error_passes_through_all_layers", "crates/core/src/rejected.rs::wrapped_refusal_is_found"]),
    ("a crate-level `Result` alias that shadows std's", &["tests/defects.rs::no_crate_shadows_std"]),
];

#[rustfmt::skip]
const CLIENTS: &[Defect] = &[
    ("a caller's deadline loosened for the server", &["crates/http/tests/context.rs::shortest_time_is_written", "tests/composition/deadlines.rs::callers_grpc_timeout_bounds_all_attempts", "crates/timeout/tests/timeout.rs::attempt_timeout_limits_the_time_of_the_attempt"]),
    ("a total timeout that cuts a healthy body", &["crates/http/tests/reqwest.rs::deadline_leaves_the_timeout_of_the_request"]),
    ("an error held back near the deadline", &["crates/http/tests/context.rs::error_near_the_deadline_is_returned_at_once"]),
    ("an error that counts otherwise in a typed error", &["crates/http/tests/policies.rs::typed_error_has_the_outcome_of_a_boxed_one"]),
    ("a policy of another protocol that sees no failure, without a word", &["tests/logs.rs::plain_over_the_responses_of_a_protocol_logs_once"]),
    ("a wrapper that forgets a part of its policy", &["crates/http/tests/policies.rs::wrappers_forward_every_part_of_a_policy"]),
    ("calls that their callers gave up in no count", &["{failover}/second_attempt.rs::each_attempt_is_in_one_count", "{breaker}::call_that_is_dropped_early_is_neutral", "examples/gateway/tests/end_to_end/operations.rs::abandoned_call_is_an_outcome_of_the_metrics"]),
    ("a process without file descriptors declares its backends down", &["{failover}/probing.rs::probe_that_was_not_sent_changes_nothing", "examples/gateway/tests/end_to_end/connections.rs::gateway_without_file_descriptors_blames_no_backend", "examples/gateway/tests/end_to_end/connections.rs::gateway_without_file_descriptors_for_a_lookup_blames_no_backend"]),
    ("a limit of this process is a failure of the server, and does not say so", &["examples/gateway/tests/end_to_end/connections.rs::answer_over_a_limit_of_the_gateway_says_so_and_blames_no_backend", "crates/http/tests/rejections.rs::error_by_a_limit_of_this_process_says_so"]),
    ("one limit of heads for HTTP/2 and another for HTTP/1", &["{drain}/serve/large_heads.rs::heads_have_one_limit_over_both_versions"]),
    ("an idle connection that its server has closed blames the server", &["crates/http/tests/client.rs::idempotent_request_on_a_stale_connection_is_sent_again_on_a_new_one", "crates/http/tests/client.rs::post_on_a_stale_connection_is_ignored_and_not_sent_again", "crates/http/src/client/io.rs::connection_that_was_idle_before_its_first_request_is_stale", "examples/gateway/tests/end_to_end/connections.rs::stale_connection_blames_no_backend", "crates/http/tests/probe.rs::probe_opens_a_connection_for_each_request"]),
    ("the early refusal of an upload is lost, and blames the server", &["crates/http/src/client/io.rs::answer_is_read_after_a_write_has_failed", "crates/http/tests/client.rs::early_refusal_of_an_upload_is_the_answer", "examples/gateway/tests/end_to_end/connections.rs::early_refusal_of_an_upload_reaches_the_client"]),
    ("a port that is no port taken for port 80, two URLs for one", &["{gateway}/settings/url.rs::url_with_a_wrong_part_is_refused", "crates/http/src/probe/client.rs::address_that_cannot_be_probed_is_rejected_by_the_constructor"]),
    ("passwords of URLs in refusals, on pages and in logs", &["{gateway}/settings/tests.rs::refused_url_is_shown_without_its_password", "crates/core/src/credentials.rs::credentials_are_not_shown_wherever_they_stand", "{failover}/selection.rs::password_of_an_address_is_not_shown", "crates/settings/src/node.rs::changed_url_is_shown_without_its_password"]),
];

/// Returns all defects. Those of breakers with state in Redis and of adaptive limits come with these features.
fn all() -> impl Iterator<Item = (&'static str, String)> {
    let tables = [BREAKERS, RETRIES, BULKHEADS, FAILOVERS, SERVERS, PROXIES, TYPES, CLIENTS];
    let folders = [
        ("{breaker}", BREAKER),
        ("{bulkhead}", BULKHEAD),
        ("{fallback}", FALLBACK),
        ("{failover}", FAILOVER),
        ("{drain}", DRAIN),
        ("{health}", HEALTH),
        ("{retry}", RETRY),
        ("{gateway}", GATEWAY),
        ("{gateway_e2e}", GATEWAY_E2E),
        ("{edge}", EDGE),
        ("{proxy}", PROXY),
    ];
    let whole =
        move |test: &&str| folders.iter().fold(test.to_string(), |test, (short, long)| test.replace(short, long));
    tables.into_iter().flatten().flat_map(move |(defect, tests)| tests.iter().map(move |test| (*defect, whole(test))))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[test]
fn tests_named_in_the_table_exist() {
    let asserts = |test: &str| {
        let (file, name) = test.split_once("::").unwrap();
        fs::read_to_string(root().join(file)).is_ok_and(|text| is_test_that_asserts(&text, name))
    };
    let missing: Vec<_> = all().filter(|(_, test)| !asserts(test)).collect();
    assert!(missing.is_empty(), "no such test, or one that asserts nothing: update the table: {missing:#?}");
}

/// Whether a source has a test of this name that runs, and that asserts something, itself or through a function of its
/// file or of the helpers beside it.
fn is_test_that_asserts(text: &str, name: &str) -> bool {
    let Some((before, body)) = function(text, name) else { return false };
    let attributes = before.rsplit("\n\n").next().unwrap_or_default();
    let is_test = attributes.contains("test]") || attributes.contains("test(") || text.contains("proptest! {");
    is_test
        && !attributes.contains("#[ignore")
        && (asserts(body) || calls(body).any(|called| helper_asserts(text, called)))
}

/// Returns the text before a function, and its body.
fn function<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let start = text.find(&format!("fn {name}(")).or_else(|| text.find(&format!("fn {name}<")))?;
    let line = text[..start].rfind('\n').map_or(0, |line_break| line_break + 1);
    let indent: String = text[line..].chars().take_while(|character| *character == ' ').collect();
    let body = &text[start..];
    let end = body.find(&format!("\n{indent}}}")).unwrap_or(body.len());
    Some((&text[..line], &body[..end]))
}

fn asserts(body: &str) -> bool {
    // The last two run a condition in races and in models.
    ["assert", "unwrap_err()", "panic!(", "contract(", ".expect(", "race(", "check_random_with_seed("]
        .iter()
        .any(|word| body.contains(word))
}

/// Returns the names of the functions that a body calls.
fn calls(body: &str) -> impl Iterator<Item = &str> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    body.split(['(', ',', ')']).filter_map(move |part| part.rsplit(|character| !is_name(character)).next())
}

/// A helper of another file is not looked at, so it must say by its name what it asserts.
fn helper_asserts(text: &str, name: &str) -> bool {
    function(text, name).is_some_and(|(_, body)| asserts(body))
}

#[test]
fn test_without_an_assertion_or_an_attribute_is_no_proof() {
    let source = "#[test]\nfn good() {\n    assert!(true);\n}\n\n#[test]\nfn empty() {\n    let _ = 1;\n}\n\n\
        fn helper() {\n    assert!(true);\n}\n\n#[test]\nfn through_helper() {\n    helper();\n}\n\n\
        #[test]\n#[ignore]\nfn ignored() {\n    assert!(true);\n}\n";
    let proofs = ["good", "empty", "helper", "through_helper", "ignored", "none"];
    let found: Vec<_> = proofs.into_iter().filter(|name| is_test_that_asserts(source, name)).collect();
    assert_eq!(found, ["good", "through_helper"]);
}

#[test]
fn no_crate_shadows_std() {
    let sources = fs::read_dir(root().join("crates")).unwrap().map(|folder| folder.unwrap().path().join("src"));
    let aliases: Vec<_> =
        sources.flat_map(|source| files(&source)).filter(|text| text.contains("pub type Result<")).collect();
    assert!(aliases.is_empty(), "{aliases:#?}");
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![fs::read_to_string(path).unwrap()] })
        .collect()
}
