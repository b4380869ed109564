//! The manifests against the code's own defaults: what the kubelet does must fit what the gateway does.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::process::Command;

const MANIFEST: &str = include_str!("../deploy/kubernetes.yaml");

/// The first number behind this key, after this line.
fn number(section: &str, key: &str) -> f64 {
    let from = MANIFEST.find(section).unwrap_or_else(|| panic!("no {section} in the manifest"));
    let line = MANIFEST[from..].lines().find(|line| line.contains(key)).unwrap_or_else(|| panic!("no {key}"));
    let digits = line.split(key).nth(1).unwrap().trim_matches(|c: char| !c.is_ascii_digit());
    digits.parse().unwrap_or_else(|_| panic!("{key} is no number in {line:?}"))
}

/// The value that the manifest gives a setting.
fn given(name: &str) -> Option<&'static str> {
    let line = MANIFEST.lines().find(|line| line.contains(&format!("name: {name},")))?;
    Some(line.split("value:").nth(1)?.trim_matches(|c: char| "\"} ".contains(c)))
}

fn help() -> String {
    let help = Command::new(env!("CARGO_BIN_EXE_gateway")).arg("--help").output().unwrap();
    String::from_utf8(help.stdout).unwrap()
}

/// The default that the program's own help names.
fn default_of(name: &str) -> f64 {
    let help = help();
    let mut lines = help.lines().skip_while(|line| line.trim() != name);
    lines.find_map(|line| line.split("default ").nth(1)).unwrap().trim().parse().unwrap()
}

#[test]
fn the_drain_fits_into_the_grace_period() {
    for name in ["DRAIN_DELAY_SECONDS", "DRAIN_TIMEOUT_SECONDS"] {
        let given: f64 = given(name).unwrap().parse().unwrap();
        assert_eq!(given, default_of(name), "{name}: manifest and code tell the same story");
    }
    let drain = default_of("DRAIN_DELAY_SECONDS") + default_of("DRAIN_TIMEOUT_SECONDS");
    let pre_stop = number("preStop:", "seconds:");
    let grace = number("spec:", "terminationGracePeriodSeconds:");
    assert!(pre_stop + drain + 5.0 <= grace, "{pre_stop} + {drain} s leave no margin in {grace} s");
}

#[test]
fn readiness_is_noticed_within_the_drain_delay() {
    let (period, failures) =
        (number("readinessProbe:", "periodSeconds:"), number("readinessProbe:", "failureThreshold:"));
    let timeout = number("readinessProbe:", "timeoutSeconds:");
    assert!(period * failures + timeout <= default_of("DRAIN_DELAY_SECONDS"));
}

#[test]
fn liveness_is_slower_to_judge_than_readiness() {
    let judged = |probe| number(probe, "periodSeconds:") * number(probe, "failureThreshold:");
    assert!(judged("livenessProbe:") > 3.0 * judged("readinessProbe:"));
    for (probe, path) in [("livenessProbe:", "/live"), ("readinessProbe:", "/ready"), ("startupProbe:", "/startup")] {
        let from = MANIFEST.find(probe).unwrap();
        assert!(MANIFEST[from..].lines().nth(1).unwrap().contains(&format!("path: {path},")), "{probe}");
    }
}

#[test]
fn the_settings_in_the_manifest_exist_and_are_accepted() {
    let help = help();
    let names = MANIFEST.lines().filter_map(|line| line.trim().strip_prefix("- { name: ")?.split_once(", value:"));
    let names: Vec<_> = names.map(|(name, _)| name).collect();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        assert!(help.lines().any(|line| line.trim() == name), "the gateway knows no {name}");
    }
}
