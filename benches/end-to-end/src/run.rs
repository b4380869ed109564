//! A run: rounds in which every contestant takes its turn.

use std::{process::Stdio, time::Duration};

use crate::{
    BoxError,
    args::Options,
    contestant::{Contestant, Running},
    load::{Load, Sample},
    machine::Machine,
    memory::Weight,
    placement::Placement,
    process::PATIENCE,
    report::{Method, Report, Row},
    scenario::{Protocol, Scenario},
    stage::Stage,
};

/// What of a round is not measured.
const WARM: f64 = 0.2;

pub(crate) async fn run(options: &Options) -> Result<Report, BoxError> {
    let placement = if options.pin { Placement::apart() } else { Placement::default() };
    let stage = Stage::set(placement, !options.quick).await?;
    let mut contestants = vec![Contestant::Bare, Contestant::Gateway];
    if stage.nginx.is_some() {
        contestants.push(Contestant::Nginx);
    }
    let machine = Machine::look(stage.nginx.as_deref());
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
    // For each scenario, for each contestant, its rounds.
    let mut samples = vec![vec![Vec::new(); running.len()]; scenarios.len()];
    for round in 0..options.rounds {
        for (scenario, samples) in scenarios.iter().zip(&mut samples) {
            eprint!("round {} of {}: {scenario}:", round + 1, options.rounds);
            for turn in 0..running.len() {
                // Nobody is always the first.
                let who = (turn + round) % running.len();
                let sample = sample(&running[who], *scenario, options.measure, stage).await?;
                eprint!(
                    "  {} {:.0}/s {:.1} us",
                    running[who].contestant.name(),
                    sample.requests_per_second,
                    sample.cpu_us_per_request
                );
                samples[who].push(sample);
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

/// One turn, in a process of its own.
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
    let output = tokio::time::timeout(PATIENCE + measure * 2, output).await??;
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
