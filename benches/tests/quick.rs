//! A quick run of the bench works, and its output is complete. No time is asserted.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::{fs, path::PathBuf, process::Command};

use serde_json::Value;

fn bench(args: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_mainstay-benches")).args(args).output().unwrap();
    let printed = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(printed).unwrap())
}

#[test]
fn quick_run_writes_table_json_and_pictures() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("quick");
    let out = folder.to_str().unwrap();
    let (succeeded, table) = bench(&["--quick", "--out", out]);
    assert!(succeeded, "{table}");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();

    assert!(table.contains("| bulkhead, free | mainstay |") && table.contains("| standard stack | mainstay |"));
    assert_eq!(read("latest.md").trim(), table.trim());
    let columns = |line: &str| line.matches(" |").count();
    let widths: Vec<usize> = table.lines().filter(|line| line.starts_with("| ")).map(columns).collect();
    assert!(widths.len() > 20 && widths.iter().all(|width| *width == widths[0]), "{table}");

    let json: Value = serde_json::from_str(&read("latest.json")).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["name"].is_string() && row["ratio"].is_number()), "{json}");
    for picture in ["latest-layers.svg", "latest-curves.svg"] {
        let drawn = read(picture);
        assert!(drawn.starts_with("<svg ") && drawn.ends_with("</svg>\n") && !drawn.contains("NaN"), "{drawn}");
    }

    let baseline = folder.join("latest.json");
    let (succeeded, compared) = bench(&["--quick", "--row", "retry", "--baseline", baseline.to_str().unwrap()]);
    assert!(succeeded && compared.contains(" against the baseline |"), "{compared}");
}

#[test]
fn single_row_is_repeated_in_its_state() {
    for row in ["open breaker refuses, mainstay", "bulkhead, free, mainstay"] {
        let (succeeded, printed) = bench(&["--row", row, "--repeat", "10"]);
        assert!(succeeded && printed.is_empty(), "{printed}");
    }
}

#[test]
fn unknown_flag_or_row_is_an_error() {
    let (succeeded, printed) = bench(&["--quik"]);
    assert!(!succeeded && printed.contains("unknown argument `--quik`"), "{printed}");
    let (succeeded, printed) = bench(&["--spin", "1", "--row", "no such row"]);
    assert!(!succeeded && printed.contains("no row has `no such row` in its name"), "{printed}");
}
