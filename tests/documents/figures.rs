//! Figures marked *(sim)* in `docs/thresholds.md` are those of `docs/scenarios`.

use super::read;

/// A figure of a scenario: the file, the cell, the stack and the column.
struct Figure(&'static str, &'static str, &'static str, &'static str);

/// The worst of the seeds, in the table of the bars: the file, the cell, the stack and the figure.
const WORST: &str = "worst of ";

/// Each sentence of the guide, with `{}` for each figure.
const SENTENCES: &[(&str, &[Figure])] = &[
    (
        "a fallback without memory made {} requests slower than 200 ms, which is nearly all; the failover with its second \
         attempts {}",
        &[Figure("s7", "black-hole", "naive", "slow"), Figure("s7", "black-hole", "Mainstay", "slow")],
    ),
    (
        "the attempts per request were {} for fixed retries, {} for a budget with an allowance per second ({} with 1,000 \
         clients, since each has its own allowance), and {} for",
        &[
            Figure("s2", "100%", "naive", "calls for each request, steady"),
            Figure("s2", "100%", "Tower", "calls for each request, steady"),
            Figure("s2", "100%-1000", "Tower", "calls for each request, steady"),
            Figure("s2", "100%", "Mainstay", "calls for each request, steady"),
        ],
    ),
    (
        "on 20 clients recovery took {} s, and {} s with a bulkhead at the server instead of the breakers; over 24 \
         combinations of load and stall at most {} s and {} s",
        &[
            Figure("s1", "280-10s", "Mainstay", "recovery (s)"),
            Figure("s1", "280-10s", "Mainstay, no breaker, bulkhead at the server", "recovery (s)"),
            Figure("s1", "all", "Mainstay", "worst of recovery (s)"),
            Figure("s1", "all", "Mainstay, no breaker, bulkhead at the server", "worst of recovery (s)"),
        ],
    ),
    (
        "finished after {} s and {} calls with plain exponential backoff, after {} s and {} calls with full jitter",
        &[
            Figure("s3", "one-row", "naive", "median time (s)"),
            Figure("s3", "one-row", "naive", "median calls"),
            Figure("s3", "one-row", "Mainstay", "median time (s)"),
            Figure("s3", "one-row", "Mainstay", "median calls"),
        ],
    ),
    (
        "Five layers with four attempts each send {} requests for one, with Tower's budget {}, with an earned budget {}",
        &[
            Figure("s8", "depth-5", "naive", "calls for each request"),
            Figure("s8", "depth-5", "Tower", "calls for each request"),
            Figure("s8", "depth-5", "Mainstay", "calls for each request"),
        ],
    ),
    (
        "One limit of Tower's for both left {} % of the calls available where {} % was possible; with a breaker for each \
         shard it was {} %, and {} % of the calls for the dead shard were sent",
        &[
            Figure("s6", "black-hole-2", "Tower", "good (%)"),
            Figure("s6", "black-hole-2", "omniscient", "good (%)"),
            Figure("s6", "black-hole-2", "Mainstay", "good (%)"),
            Figure("s6", "black-hole-2", "Mainstay", "reach the dead shard (%)"),
        ],
    ),
];

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

// === impl Figure ===

impl Figure {
    /// Reads the figure, with a comma after the thousands.
    fn read(&self) -> String {
        let Self(scenario, cell, stack, column) = *self;
        let path = format!("docs/scenarios/{scenario}.md");
        let text = read(&path);
        let (figure, column) = match column.strip_prefix(WORST) {
            Some(figure) => (Some(figure), "worst"),
            None => (None, column),
        };
        let mut header = Vec::new();
        for line in text.lines() {
            let row = cells(line);
            if line.starts_with("| cell |") {
                header = row;
            } else if row.len() == header.len() && row[..2] == [cell, stack] {
                let column = header.iter().position(|name| *name == column);
                let is_figure = (header.get(2) == Some(&"figure")).then_some(row[2]) == figure;
                if let Some(column) = column.filter(|_| is_figure) {
                    return thousands(row[column]);
                }
            }
        }
        panic!("{path} has no {column} of {stack} in {cell}");
    }
}

fn thousands(figure: &str) -> String {
    match figure.len() {
        4 if figure.chars().all(|c| c.is_ascii_digit()) => format!("{},{}", &figure[..1], &figure[1..]),
        _ => figure.to_owned(),
    }
}

#[test]
fn figures_of_simulations_are_those_of_the_scenarios() {
    let guide = read("docs/thresholds.md").split_whitespace().collect::<Vec<_>>().join(" ");
    for (sentence, figures) in SENTENCES {
        let mut expected = String::new();
        let mut figures = figures.iter();
        for part in sentence.split("{}") {
            expected += part;
            expected += &figures.next().map(Figure::read).unwrap_or_default();
        }
        assert!(guide.contains(&expected), "docs/thresholds.md does not say: {expected}");
    }
    // The long run, whose figures are in the overview.
    assert!(guide.contains("With 1,000 clients, layers on the clients took 52 s"));
    assert!(read("docs/scenarios/README.md").contains("| 52 s (53 s); at the server 1 s (3 s) |"));
}
