//! Finds cycles in a graph of imports: for each import in a cycle, the shortest one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use super::tree::Edge;

/// Imports along a cycle, in order.
pub(super) struct Cycle(pub(super) Vec<Edge>);

/// Returns cycles that cover every import that is part of a cycle.
pub(super) fn cycles(edges: &[Edge]) -> Vec<Cycle> {
    let mut graph: BTreeMap<&str, BTreeMap<&str, &Edge>> = BTreeMap::new();
    for edge in edges {
        graph.entry(&edge.from).or_default().entry(&edge.to).or_insert(edge);
    }
    let mut covered = BTreeSet::new();
    let mut found = Vec::new();
    for edge in graph.values().flat_map(BTreeMap::values) {
        if covered.contains(&(&*edge.from, &*edge.to)) {
            continue;
        }
        let Some(way) = shortest(&graph, &edge.to, &edge.from) else { continue };
        let cycle: Vec<&Edge> = [*edge].into_iter().chain(way).collect();
        covered.extend(cycle.iter().map(|edge| (&*edge.from, &*edge.to)));
        found.push(Cycle(cycle.into_iter().cloned().collect()));
    }
    found
}

/// Returns the shortest chain of imports between two files, by breadth-first search.
fn shortest<'a>(graph: &BTreeMap<&str, BTreeMap<&str, &'a Edge>>, from: &str, to: &str) -> Option<Vec<&'a Edge>> {
    let mut reached: BTreeMap<&str, &'a Edge> = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(file) = queue.pop_front() {
        if file == to {
            let mut way = Vec::new();
            let mut at = to;
            while at != from {
                let edge = *reached.get(at)?;
                way.push(edge);
                at = &edge.from;
            }
            way.reverse();
            return Some(way);
        }
        for edge in graph.get(file).into_iter().flat_map(BTreeMap::values).copied() {
            if edge.to != from && !reached.contains_key(&*edge.to) {
                reached.insert(&edge.to, edge);
                queue.push_back(&edge.to);
            }
        }
    }
    None
}

// === impl Cycle ===

/// `engine -> permit -> engine`, then a line for each import.
impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for edge in &self.0 {
            write!(f, "{} -> ", short(&edge.from))?;
        }
        write!(f, "{}", self.0.first().map_or("", |edge| short(&edge.from)))?;
        for Edge { from, line, path, .. } in &self.0 {
            write!(f, "\n    {from}:{line}: {path}")?;
        }
        Ok(())
    }
}

/// Shortens `crates/circuit-breaker/src/state_machine/admit.rs` to `state_machine/admit`.
fn short(path: &str) -> &str {
    let path = path.split_once("/src/").map_or(path, |(_, file)| file);
    path.strip_suffix(".rs").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::{Edge, cycles};

    fn shown(edges: &[(&str, &str)]) -> Vec<String> {
        let edge = |(from, to): &(&str, &str)| Edge {
            from: format!("a/src/{from}.rs"),
            to: format!("a/src/{to}.rs"),
            line: 1,
            path: format!("crate::{to}"),
        };
        let edges: Vec<_> = edges.iter().map(edge).collect();
        cycles(&edges).iter().map(|cycle| cycle.to_string().lines().next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn each_import_of_a_cycle_is_shown_once() {
        assert_eq!(shown(&[("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]), ["a -> b -> c -> a"]);
        assert_eq!(shown(&[("a", "b"), ("b", "a"), ("b", "c"), ("c", "a")]), ["a -> b -> a", "b -> c -> a -> b"]);
    }

    #[test]
    fn imports_in_one_direction_are_no_cycle() {
        assert!(shown(&[("a", "b"), ("a", "c"), ("b", "c")]).is_empty());
    }
}
