//! `--instructions`: what a request costs each proxy, by cause, however busy the machine is.
//!
//! Each proxy runs under callgrind twice, the second time with three times as many requests. Start and end are in both
//! runs, and cancel out. Instructions of the kernel are not counted.

use std::{
    ffi::OsString,
    fmt::{self, Write},
};

use tokio::task::JoinSet;

use crate::{
    BoxError,
    args::Options,
    callgrind::Profile,
    cause::Cause,
    client::Connection,
    contestant::Contestant,
    placement::Placement,
    scenario::{Body, Scenario},
    stage::Stage,
};

/// Requests on each connection in the shorter run.
const EACH: usize = 20;

/// Returns the tables of the chosen scenarios; of the small ones with many connections if none was chosen.
pub(crate) async fn run(options: &Options) -> Result<String, BoxError> {
    let stage = Stage::start(Placement::default(), &Options { quick: true, ..options.clone() }).await?;
    let mut contestants = vec![Contestant::Bare, Contestant::Gateway];
    contestants.extend(options.before.is_some().then_some(Contestant::Before));
    let is_usual = |scenario: &Scenario| scenario.connections > 1 && scenario.body == Body::Small;
    let mut text = String::from("# The instructions of a request\n");
    for scenario in options.scenarios().into_iter().filter(|scenario| !options.only.is_empty() || is_usual(scenario)) {
        let mut profiles = Vec::new();
        for contestant in &contestants {
            profiles.push((contestant.name(), request(*contestant, scenario, &stage).await?));
        }
        table(&mut text, scenario, &profiles)?;
    }
    Ok(text)
}

/// Returns the cost of one request.
async fn request(contestant: Contestant, scenario: Scenario, stage: &Stage) -> Result<Profile, BoxError> {
    eprintln!("{scenario}: {}", contestant.name());
    let shorter = profile(contestant, scenario, EACH, stage).await?;
    let longer = profile(contestant, scenario, EACH * 3, stage).await?;
    Ok(longer.each(&shorter, EACH * 2 * scenario.connections))
}

/// Runs a proxy under callgrind, with `each` requests on each connection.
async fn profile(contestant: Contestant, scenario: Scenario, each: usize, stage: &Stage) -> Result<Profile, BoxError> {
    let file = stage.folder().join(format!("{}-{each}.callgrind", contestant.name()));
    let mut out = OsString::from("--callgrind-out-file=");
    out.push(&file);
    let options = ["--tool=callgrind", "--quiet", "--dump-line=yes", "--compress-strings=no", "--compress-pos=no"];
    let mut valgrind = vec![OsString::from("valgrind")];
    valgrind.extend(options.map(OsString::from));
    valgrind.push(out);
    let proxy = contestant.start_under(&valgrind, stage).await?;
    let address = proxy.address(scenario.protocol);
    let mut clients = JoinSet::new();
    for _ in 0..scenario.connections {
        let mut connection = Connection::open(address, scenario.protocol).await?;
        clients.spawn(async move {
            for _ in 0..each {
                connection.send(scenario.body).await?;
            }
            Ok::<_, BoxError>(())
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    proxy.process.terminate().await?;
    Ok(Profile::read(&file)?)
}

fn table(text: &mut String, scenario: Scenario, profiles: &[(&str, Profile)]) -> fmt::Result {
    let [(_, bare), (_, gateway), ..] = profiles else { return Ok(()) };
    let more = |cause: &Cause| {
        let of = |profile: &Profile| profile.instructions.get(cause).copied().unwrap_or_default();
        of(gateway) - of(bare)
    };
    let mut causes: Vec<_> = gateway.instructions.keys().collect();
    causes.sort_by(|a, b| more(b).total_cmp(&more(a)));
    writeln!(text, "\n## {scenario}\n")?;
    let names: Vec<_> = profiles.iter().map(|(name, _)| *name).collect();
    writeln!(text, "| cause | {} | gateway - bare |", names.join(" | "))?;
    writeln!(text, "|---|{}--:|", "--:|".repeat(names.len()))?;
    let mut row = |name: &dyn fmt::Display, figure: &dyn Fn(&Profile) -> f64| {
        let figures = profiles.iter().map(|(_, profile)| format!("{:.0}", figure(profile)));
        let figures: Vec<_> = figures.collect();
        writeln!(text, "| {name} | {} | {:.0} |", figures.join(" | "), figure(gateway) - figure(bare))
    };
    for cause in causes {
        row(cause, &|profile| profile.instructions.get(cause).copied().unwrap_or_default())?;
    }
    row(&"**instructions**", &Profile::total)?;
    row(&"**allocations**", &|profile| profile.allocations)
}
