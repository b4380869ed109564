//! The tables, one file for each subject.

mod chunks;
mod downgrade;
mod expect;
mod forwarded;
mod heads;
mod hop_by_hop;
mod host;
mod lengths;
mod location;
mod paths;
mod responses;
mod targets;
mod trailers;
mod upgrades;
mod versions;

use crate::runner::run;

macro_rules! subjects {
    ($($subject:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $subject() {
                run(stringify!($subject), $subject::rows()).await;
            }
        )*

        #[test]
        fn every_listed_row_has_a_known_subject() {
            let known = [$(stringify!($subject)),*];
            let unknown = |(subject, _): &&(&str, &[&str])| !known.contains(subject);
            assert_eq!(crate::fails_today::FAILS_TODAY.iter().find(unknown), None);
        }
    };
}

subjects!(
    chunks, downgrade, expect, forwarded, heads, hop_by_hop, host, lengths, location, paths, responses, targets,
    trailers, upgrades, versions,
);
