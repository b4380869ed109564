//! Without settings: two demo backends, and an introduction whose commands work.

use std::process::Command;

use crate::{client::until, gateway::Gateway};

#[tokio::test]
async fn commands_of_introduction_show_failover_and_return() {
    let gateway = Gateway::start(&[]);
    let introduction = gateway.until_logged("Settings: --help").await;
    let commands: Vec<_> = introduction.lines().map(str::trim).filter(|line| is_command(line)).collect();
    assert_eq!(commands.len(), 6, "{introduction}");
    assert_eq!(run(commands[0]), "x-served-by: primary\n");
    assert_eq!(run(commands[1]).trim(), r#"{"fault":"fail","status":500}"#);
    for _ in 0..5 {
        assert_eq!(run(commands[2]), "x-served-by: backup\n".repeat(5));
    }
    until("the backup is active", async || (gateway.status().await["failover"]["active"] == "backup").then_some(()))
        .await;
    let summary = run(commands[3]);
    assert!(summary.contains("backends is on backup for ") && summary.contains("missing: "), "{summary}");
    assert_eq!(run(commands[4]).trim(), r#"{"fault":"recover"}"#);
    until("traffic returns", async || (gateway.status().await["failover"]["active"] == "primary").then_some(())).await;
    assert_eq!(run(commands[0]), "x-served-by: primary\n");
}

fn is_command(line: &str) -> bool {
    line.starts_with("curl ") || line.starts_with("for ")
}

fn run(command: &str) -> String {
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().replace('\r', "")
}
