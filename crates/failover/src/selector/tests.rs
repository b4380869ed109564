use super::*;

/// An endpoint in one state.
#[derive(Clone, Copy)]
enum View {
    Usable,
    /// Usable, while a probe decides on it.
    Suspended,
    /// Half-open, with a trial call free.
    Trial,
    /// In its hold; its newest evidence is good.
    Held,
    /// Its newest request failed.
    Failing,
    /// Its newest request could not be sent.
    Refusing,
    Down,
}

use View::{Down, Failing, Held, Refusing, Suspended, Trial, Usable};

impl EndpointView for View {
    fn is_usable(&self) -> bool {
        matches!(self, Usable | Suspended)
    }

    fn admits(&self) -> bool {
        matches!(self, Usable | Suspended | Trial)
    }

    fn admits_second_attempt(&self) -> bool {
        matches!(self, Usable | Trial | Held)
    }

    fn is_suspended(&self) -> bool {
        matches!(self, Suspended)
    }

    fn news(&self) -> News {
        match self {
            Usable | Held => News::Good,
            Failing => News::Failed,
            Refusing => News::Unsent,
            _ => News::Unknown,
        }
    }
}

const NONE: Control = Control::NONE;
const PRIMARY: Route = Route::PRIMARY;

fn all_down(index: Option<usize>) -> Route {
    Route { state: FailoverState::AllDown, index }
}

fn forced(index: usize) -> Route {
    Route { state: FailoverState::Forced, index: Some(index) }
}

#[test]
fn route_is_the_first_usable_endpoint_in_order() {
    let manual = NONE.with(Flag::ManualReturn);
    let table: [(&[View], Route, Control, Route); 9] = [
        (&[Usable, Usable], PRIMARY, NONE, PRIMARY),
        (&[Down, Usable], PRIMARY, NONE, Route::on(1)),
        (&[Trial, Down, Usable], PRIMARY, NONE, Route::on(2)),
        (&[Usable, Usable], Route::on(1), NONE, PRIMARY),
        (&[Usable, Usable], Route::on(1), manual, Route::on(1)),
        (&[Usable, Down, Usable], Route::on(1), manual, Route::on(2)),
        (&[Usable, Down, Down], Route::on(1), manual, PRIMARY),
        (&[Usable, Down], PRIMARY, NONE.with_forced(Some(1)), forced(1)),
        (&[Usable, Usable], all_down(Some(1)), manual, PRIMARY),
    ];
    for (row, (endpoints, current, control, expected)) in table.into_iter().enumerate() {
        assert_eq!(choose_route(endpoints, current, control, AllDown::Refuse), expected, "row {row}");
    }
}

#[test]
fn route_without_a_usable_endpoint_follows_the_policy() {
    let before = [PRIMARY, all_down(Some(0)), all_down(Some(1)), all_down(None)];
    let table: [(&[View], AllDown, Route, Option<usize>); 17] = [
        (&[Down, Down], AllDown::PreferPrimary, PRIMARY, Some(0)),
        (&[Down, Held], AllDown::PreferPrimary, PRIMARY, Some(1)),
        (&[Trial, Down], AllDown::Refuse, PRIMARY, None),
        (&[Down, Down], AllDown::LastResort, PRIMARY, Some(1)),
        // Evidence comes before the policy.
        (&[Held, Down], AllDown::LastResort, PRIMARY, Some(0)),
        (&[Held, Held], AllDown::Refuse, PRIMARY, Some(0)),
        (&[Held, Held], AllDown::PreferPrimary, before[2], Some(0)),
        (&[Down], AllDown::LastResort, PRIMARY, Some(0)),
        // The lack of bad evidence comes before the policy too.
        (&[Failing, Down], AllDown::PreferPrimary, PRIMARY, Some(1)),
        (&[Refusing, Failing], AllDown::PreferPrimary, PRIMARY, Some(1)),
        (&[Failing, Refusing], AllDown::LastResort, PRIMARY, Some(0)),
        (&[Refusing, Failing, Down], AllDown::PreferPrimary, PRIMARY, Some(2)),
        (&[Failing, Down], AllDown::Refuse, before[1], None),
        // Of equal ones the endpoint in use stays.
        (&[Failing, Failing], AllDown::PreferPrimary, before[2], Some(1)),
        (&[Failing, Failing], AllDown::LastResort, before[1], Some(0)),
        (&[Failing, Failing], AllDown::PreferPrimary, before[3], Some(0)),
        (&[Failing, Failing], AllDown::PreferPrimary, Route::on(1), Some(0)),
    ];
    for (row, (endpoints, policy, before, expected)) in table.into_iter().enumerate() {
        assert_eq!(choose_route(endpoints, before, NONE, policy), all_down(expected), "row {row}");
    }
}

#[test]
fn request_goes_where_route_and_control_send_it() {
    let (dry_run, manual) = (NONE.with(Flag::DryRun), NONE.with(Flag::ManualReturn));
    let table: [(&[View], Route, Control, Selection); 9] = [
        (&[Usable, Usable], PRIMARY, NONE, Selection::From(0)),
        // The primary comes first so that it gets its trial calls.
        (&[Trial, Usable], Route::on(1), NONE, Selection::From(0)),
        (&[Usable, Usable], Route::on(1), manual, Selection::From(1)),
        (&[Down, Usable], Route::on(1), dry_run, Selection::Only(0)),
        (&[Down, Usable], forced(0), NONE, Selection::Only(0)),
        (&[Down, Trial], all_down(Some(0)), NONE, Selection::From(1)),
        (&[Down, Held], all_down(Some(1)), NONE, Selection::Any(1)),
        (&[Down, Down], all_down(None), NONE, Selection::Refuse),
        (&[Down, Trial], all_down(None), NONE, Selection::From(1)),
    ];
    for (row, (endpoints, route, control, expected)) in table.into_iter().enumerate() {
        assert_eq!(select(endpoints, route, control, 1.0, 0.0), expected, "row {row}");
    }
}

#[test]
fn ramp_sends_the_rest_to_the_next_usable_endpoint() {
    let ramping = NONE.with(Flag::Ramping);
    let table: [(&[View], f64, Selection); 4] = [
        (&[Usable, Usable], 0.39, Selection::From(0)),
        (&[Usable, Usable], 0.41, Selection::From(1)),
        (&[Usable, Down, Usable], 0.41, Selection::From(2)),
        (&[Usable, Down], 0.41, Selection::From(0)),
    ];
    for (row, (endpoints, chance, expected)) in table.into_iter().enumerate() {
        assert_eq!(select(endpoints, PRIMARY, ramping, 0.4, chance), expected, "row {row}");
    }
}

#[test]
fn suspended_endpoint_gets_no_first_attempt_while_another_is_usable() {
    let suspended = NONE.with(Flag::Suspended);
    let table: [(&[View], Route, Selection, [bool; 2]); 4] = [
        (&[Suspended, Usable], PRIMARY, Selection::From(1), [true, false]),
        (&[Usable, Suspended], PRIMARY, Selection::From(0), [false, true]),
        (&[Suspended, Down], PRIMARY, Selection::From(0), [false, false]),
        (&[Suspended, Suspended], PRIMARY, Selection::From(0), [false, false]),
    ];
    for (row, (endpoints, route, expected, alternatives)) in table.into_iter().enumerate() {
        assert_eq!(select(endpoints, route, suspended, 1.0, 0.0), expected, "row {row}");
        assert_eq!([0, 1].map(|index| next_usable(endpoints, index).is_some()), alternatives, "row {row}");
    }
    assert_eq!(next_usable(&[Usable], 0), None);
    assert_eq!(next_usable(&[Usable, Down, Usable], 2), Some(0));
}

#[test]
fn comparison_sends_half_of_the_first_attempts_to_the_next_usable_endpoint() {
    let comparing = NONE.with(Flag::Comparing);
    let both = comparing.with(Flag::Suspended);
    let table: [(&[View], Route, Control, f64, Selection); 7] = [
        (&[Usable, Usable], PRIMARY, comparing, 0.49, Selection::From(1)),
        (&[Usable, Usable], PRIMARY, comparing, 0.51, Selection::From(0)),
        (&[Usable, Down, Usable], PRIMARY, comparing, 0.49, Selection::From(2)),
        (&[Down, Usable, Usable], Route::on(1), comparing, 0.49, Selection::From(2)),
        (&[Usable, Down], PRIMARY, comparing, 0.49, Selection::From(0)),
        (&[Suspended, Usable], PRIMARY, both, 0.51, Selection::From(1)),
        (&[Usable, Usable], forced(0), comparing, 0.49, Selection::Only(0)),
    ];
    for (row, (endpoints, route, control, chance, expected)) in table.into_iter().enumerate() {
        assert_eq!(select(endpoints, route, control, 1.0, chance), expected, "row {row}");
    }
}

#[test]
fn second_attempt_goes_to_another_endpoint() {
    type Row = (&'static [View], usize, Route, Control, Option<usize>);
    let table: [Row; 13] = [
        (&[Usable, Usable], 0, PRIMARY, NONE, Some(1)),
        (&[Usable, Usable, Usable], 1, Route::on(1), NONE, Some(0)),
        (&[Usable, Down, Usable], 0, PRIMARY, NONE, Some(2)),
        (&[Usable, Down], 0, PRIMARY, NONE, None),
        (&[Usable], 0, PRIMARY, NONE, None),
        (&[Usable, Held], 0, PRIMARY, NONE, Some(1)),
        (&[Usable, Suspended, Usable], 0, PRIMARY, NONE, Some(2)),
        (&[Usable, Usable, Usable], 1, Route::on(1), NONE.with(Flag::ManualReturn), Some(2)),
        (&[Usable, Usable], 0, PRIMARY, NONE.with(Flag::DryRun), None),
        (&[Usable, Usable], 0, PRIMARY, NONE.with_forced(Some(0)), None),
        // While no endpoint is usable, any may get it.
        (&[Down, Failing], 0, all_down(Some(0)), NONE, Some(1)),
        (&[Down, Failing], 1, all_down(Some(1)), NONE, Some(0)),
        (&[Down, Failing, Held], 0, all_down(Some(0)), NONE, Some(2)),
    ];
    for (row, (endpoints, tried, route, control, expected)) in table.into_iter().enumerate() {
        assert_eq!(second_target(endpoints, &[tried], route, control, false, |_| false), expected, "row {row}");
    }
    // Where requests are refused then, only one with good news may.
    assert_eq!(second_target(&[Held, Failing], &[0], all_down(Some(0)), NONE, true, |_| false), None);
    assert_eq!(second_target(&[Failing, Down], &[0], all_down(None), NONE, false, |_| false), None);
}

#[test]
fn repeat_and_its_second_attempt_prefer_what_was_not_asked() {
    type Row = (&'static [View], Selection, &'static [usize], Option<usize>, Option<usize>);
    let table: [Row; 10] = [
        (&[Usable, Usable], Selection::From(0), &[0], Some(1), Some(1)),
        (&[Usable, Usable, Usable], Selection::From(0), &[0, 1], Some(2), Some(2)),
        (&[Usable, Usable], Selection::From(0), &[0, 1], None, Some(1)),
        (&[Usable, Usable, Usable], Selection::From(1), &[1], Some(2), Some(2)),
        (&[Usable, Held], Selection::From(0), &[0], None, Some(1)),
        (&[Usable, Suspended, Down, Trial], Selection::From(0), &[0], None, Some(3)),
        (&[Usable, Usable], Selection::Only(0), &[0], None, Some(1)),
        (&[Usable, Usable], Selection::Refuse, &[0], None, Some(1)),
        (&[Down, Down], Selection::Any(0), &[0], Some(1), None),
        (&[Down, Held], Selection::Any(1), &[1, 0], None, Some(1)),
    ];
    for (row, (endpoints, selection, asked, repeat, second)) in table.into_iter().enumerate() {
        let is_asked = |index: usize| asked.contains(&index);
        assert_eq!(repeat_target(endpoints, selection, false, is_asked), repeat, "row {row}");
        assert_eq!(second_target(endpoints, &[0], PRIMARY, NONE, false, is_asked), second, "row {row}");
    }
}
