//! A run: rounds in which each contestant has a turn.

use std::{process::Stdio, time::Duration};

use crate::{
    BoxError,
    args::Options,
    contestant::{Contestant, Running},
    load::{Load, Sample},
    machine::Machine,
    memory::Weight,
    placement::Placement,
    process::START_TIMEOUT,
    report::{Method, Report, Row},
    scenario::{Protocol, Scenario},
    stage::Stage,
};

/// The warm-up of a turn, as a share of its time.
const WARM: f64 = 0.2;

pub(crate) async fn run(options: &Options) -> Result<Report, BoxError> {
    let placement = if options.pin { Placement::separate() } else { Placement::default() };
    let stage = Stage::start(placement, options).await?;
    let mut contestants = vec![Contestant::Bare, Contestant::Gateway];
    if options.before.is_some() {
        contestants.push(Contestant::Before);
    }
    if stage.nginx.is_some() {
        contestants.push(Contestant::Nginx);
    }
    let machine = Machine::detect(stage.nginx.as_deref());
    let rows = rows(options, &contestants, &stage).await?;
    let memory = memory(options, &contestants, &stage).await?;
    let method = Method {
        placement: stage.placement.to_string(),
        rounds: options.rounds,
        seconds: options.measure.as_secs_f64(),
    };
    Ok(Report { machine, method, rows, memory })
}

async fn rows(options: &Options, contestants: &[Contestant], stage: &Stage) -> Result<Vec<Row>, BoxError> {
    let mut running = Vec::new();
    for contestant in contestants {
        running.push(contestant.start(stage).await?);
    }
    let scenarios = options.scenarios();
    // The samples by scenario, contestant and round.
    let mut samples = vec![vec![Vec::new(); running.len()]; scenarios.len()];
    for round in 0..options.rounds {
        for (scenario, samples) in scenarios.iter().zip(&mut samples) {
            eprint!("round {} of {}: {scenario}:", round + 1, options.rounds);
            for turn in 0..running.len() {
                // Each contestant is the first in some rounds.
                let next = (turn + round) % running.len();
                let sample = sample(&running[next], *scenario, options.measure, stage).await?;
                eprint!(
                    "  {} {:.0}/s {:.1} us",
                    running[next].contestant.name(),
                    sample.requests_per_second,
                    sample.cpu_us_per_request
                );
                samples[next].push(sample);
            }
            eprintln!();
        }
    }
    let mut rows = Vec::new();
    for (scenario, samples) in scenarios.into_iter().zip(&samples) {
        for (running, own) in running.iter().zip(samples) {
            // The first of the contestants is the bare proxy.
            rows.push(Row::new(scenario, running.contestant.name(), own, &samples[0]));
        }
    }
    Ok(rows)
}

/// Measures one turn, in a separate process.
async fn sample(running: &Running, scenario: Scenario, measure: Duration, stage: &Stage) -> Result<Sample, BoxError> {
    let load = Load {
        address: running.address(scenario.protocol),
        scenario,
        warm: measure.mul_f64(WARM),
        measure,
        process: running.process.id,
    };
    let mut command = stage.load(&serde_json::to_string(&load)?);
    let output = command.stderr(Stdio::inherit()).output();
    let output = tokio::time::timeout(START_TIMEOUT + measure * 2, output).await??;
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout)?),
        false => Err(format!("{}: {scenario}: the load failed", running.contestant.name()).into()),
    }
}

async fn memory(options: &Options, contestants: &[Contestant], stage: &Stage) -> Result<Vec<Weight>, BoxError> {
    let mut memory = Vec::new();
    for protocol in [Protocol::H1, Protocol::H2] {
        for contestant in contestants {
            memory.push(Weight::of(*contestant, protocol, options.held, stage).await?);
        }
    }
    Ok(memory)
}
