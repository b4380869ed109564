//! Checks the times in the manifest against the code's defaults.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test")]

use std::process::Command;

const MANIFEST: &str = include_str!("../deploy/kubernetes.yaml");

/// Returns the first number after a key, below the line that contains the section.
fn number(section: &str, key: &str) -> f64 {
    let from = MANIFEST.find(section).unwrap_or_else(|| panic!("no {section} in the manifest"));
    let line = MANIFEST[from..].lines().find(|line| line.contains(key)).unwrap_or_else(|| panic!("no {key}"));
    let digits = line.split(key).nth(1).unwrap().trim_matches(|c: char| !c.is_ascii_digit());
    digits.parse().unwrap_or_else(|_| panic!("{key} is not a number in {line:?}"))
}

/// Returns the value of a variable in the manifest.
fn given(name: &str) -> Option<&'static str> {
    let line = MANIFEST.lines().find(|line| line.contains(&format!("name: {name},")))?;
    Some(line.split("value:").nth(1)?.trim_matches(|c: char| "\"} ".contains(c)))
}

fn help() -> String {
    let help = Command::new(env!("CARGO_BIN_EXE_gateway")).arg("--help").output().unwrap();
    String::from_utf8(help.stdout).unwrap()
}

/// Returns the default of a variable from the program's help.
fn default_of(name: &str) -> f64 {
    let help = help();
    let mut lines = help.lines().skip_while(|line| !line.ends_with(&format!(", {name}")));
    lines.find_map(|line| line.rsplit_once("default ")).unwrap().1.trim().parse().unwrap()
}

#[test]
fn drain_is_shorter_than_the_grace_period() {
    for name in ["DRAIN_DELAY_SECONDS", "DRAIN_TIMEOUT_SECONDS"] {
        let given: f64 = given(name).unwrap().parse().unwrap();
        assert_eq!(given, default_of(name), "{name}: the manifest has the default of the code");
    }
    let drain = default_of("DRAIN_DELAY_SECONDS") + default_of("DRAIN_TIMEOUT_SECONDS");
    let pre_stop = number("preStop:", "seconds:");
    let grace = number("spec:", "terminationGracePeriodSeconds:");
    assert!(pre_stop + drain + 5.0 <= grace, "{pre_stop} + {drain} s leave no margin in {grace} s");
}

#[test]
fn failed_readiness_is_noticed_within_the_drain_delay() {
    let (period, failures) =
        (number("readinessProbe:", "periodSeconds:"), number("readinessProbe:", "failureThreshold:"));
    let timeout = number("readinessProbe:", "timeoutSeconds:");
    assert!(period * failures + timeout <= default_of("DRAIN_DELAY_SECONDS"));
}

#[test]
fn liveness_takes_longer_to_fail_than_readiness() {
    let time_to_fail = |probe| number(probe, "periodSeconds:") * number(probe, "failureThreshold:");
    assert!(time_to_fail("livenessProbe:") > 3.0 * time_to_fail("readinessProbe:"));
    for (probe, path) in [("livenessProbe:", "/live"), ("readinessProbe:", "/ready"), ("startupProbe:", "/startup")] {
        let from = MANIFEST.find(probe).unwrap();
        assert!(MANIFEST[from..].lines().nth(1).unwrap().contains(&format!("path: {path},")), "{probe}");
    }
}

#[test]
fn variables_in_the_manifest_exist() {
    let help = help();
    let names = MANIFEST.lines().filter_map(|line| line.trim().strip_prefix("- { name: ")?.split_once(", value:"));
    let names: Vec<_> = names.map(|(name, _)| name).collect();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        assert!(help.lines().any(|line| line.ends_with(&format!(", {name}"))), "the gateway has no variable {name}");
    }
}
