//! The migrations of `docs/coming-from.md` are as short as announced.

use super::read;

#[test]
fn migrations_have_at_most_the_announced_lines() {
    let document = read("docs/coming-from.md");
    let mut found = 0;
    for part in document.split("<!-- at most ").skip(1) {
        let (most, rest) = part.split_once(" lines -->\n```rust\n").unwrap();
        let code = rest.split_once("```").unwrap().0;
        let shown = code.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("# "));
        assert!(shown.clone().count() <= most.parse().unwrap(), "more than {most} lines:\n{code}");
        found += 1;
    }
    assert_eq!(found, 2, "Tower's layers, and tower-resilience");
}
