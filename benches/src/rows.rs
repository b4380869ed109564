//! The measured rows.

mod conditions;
mod curves;
mod mainstay_layers;
mod served;
mod stacks;
mod tower;

use std::time::Duration;

use mainstay_tests::Echo;

use crate::{
    drive::{Served, Tower},
    row::{Bare, Row},
    work::{Later, Page, Site, request},
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// The permits of a full bulkhead.
pub const FULL: usize = 1;

/// Returns the bare services, the rows of Mainstay and of Tower, and the points of curves up to `most`.
pub(crate) fn rows(most: u64) -> Result<Vec<Row>, mainstay::InvalidSetting> {
    let mut rows = vec![
        Row::new(Bare::NAME, Bare::Echo.who(), Tower::new(Echo, 1)),
        Row::new(Bare::NAME, Bare::Later.who(), Tower::new(Later, 1)).over(Bare::Later),
        Row::new(Bare::NAME, Bare::Site.who(), Tower::new(Site, request())).over(Bare::Site),
        Row::new(Bare::NAME, Bare::Page.who(), Served::new(Page)).over(Bare::Page),
    ];
    rows.extend(mainstay_layers::rows()?);
    rows.extend(stacks::rows()?);
    rows.extend(served::rows()?);
    rows.extend(tower::rows());
    rows.extend(conditions::rows());
    rows.extend(curves::rows(most)?);
    Ok(rows)
}
