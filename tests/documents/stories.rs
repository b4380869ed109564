//! The lines of code of the stories, as their README shows them.

use super::{generated::check_block, read, root};

const STORIES: [(&str, &str); 4] = [
    (
        "an axum service: timeout, breaker and bulkhead on all routes, settings from a file that is followed, snapshots of \
         every handle",
        "axum_service.rs",
    ),
    ("a tonic server and its client: limit, deadlines, retries, statuses", "tonic_pair.rs"),
    ("a protocol of one's own: policy, typed errors, the standard stack over three endpoints", "protocol.rs"),
    ("without Tower: plain and blocking functions, handles in struct fields", "functions.rs"),
];

/// Counts the lines of code.
fn lines(text: &str) -> usize {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn lines_of_the_stories_are_counted() {
    let mut table = String::from("| story | file | lines |\n|---|---|--:|\n");
    for (story, file) in STORIES {
        if root().join("examples/stories/src").join(file).exists() {
            let lines = lines(&read(&format!("examples/stories/src/{file}")));
            table += &format!("| {story} | [`{file}`](src/{file}) | {lines} |\n");
        }
    }
    check_block("examples/stories/README.md", "stories", &table);
}
