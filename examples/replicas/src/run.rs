//! Starts the processes and the clients, and feeds their events to the timeline.

use std::{io, path::Path, time::Duration};

use reqwest::Client;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, interval_at},
};

use crate::{
    binary,
    error::BoxError,
    event::Events,
    flapping::flap,
    load::send_requests,
    plan::Plan,
    process::Process,
    timeline::{Timeline, name},
    watch::watch,
};

const REPLICAS: usize = 3;

/// The time after the planned end that a run waits for replicas to return.
const RETURN_TIMEOUT: Duration = Duration::from_secs(30);

const SECOND: Duration = Duration::from_secs(1);

/// The processes. Dropping them kills them.
struct Fleet {
    primary: Process,
    backup: Process,
    replicas: Vec<Process>,
}

/// Returns whether all replicas left and returned, and no client got an avoidable error.
pub(crate) async fn run(plan: &Plan) -> Result<bool, BoxError> {
    let fleet = Fleet::start(&binary::gateway().await?, plan).await?;
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
    let (events, mut happened) = mpsc::unbounded_channel();
    let events = Events(events);
    let start = Instant::now();
    let mut timeline = Timeline::new(io::stdout(), start, REPLICAS);
    fleet.introduce(&mut timeline)?;

    let mut tasks = JoinSet::new();
    tasks.spawn(flap(client.clone(), fleet.primary.url(), plan.faults, start, events.clone()));
    for (number, replica) in fleet.replicas.iter().enumerate() {
        tasks.spawn(send_requests(client.clone(), replica.url(), number, events.clone()));
        tasks.spawn(watch(client.clone(), replica.url(), number, events.clone()));
    }
    let mut seconds = interval_at(start + SECOND, SECOND);
    loop {
        tokio::select! {
            biased;
            Some(event) = happened.recv() => timeline.note(event)?,
            _ = seconds.tick() => {
                timeline.end_second()?;
                let over = timeline.elapsed().saturating_sub(plan.length);
                if !over.is_zero() && timeline.is_settled() {
                    return Ok(timeline.summary()?);
                }
                if over > RETURN_TIMEOUT {
                    return Err(format!("not all replicas returned within {RETURN_TIMEOUT:?}").into());
                }
            }
            // Only the task of the faults ends without an error.
            Some(ended) = tasks.join_next() => ended??,
        }
    }
}

// === impl Fleet ===

impl Fleet {
    async fn start(gateway: &Path, plan: &Plan) -> Result<Self, BoxError> {
        let backend = async |name| Process::start(gateway, &["demo-backend", "--name", name], &[]).await;
        let (primary, backup) = (backend("primary").await?, backend("backup").await?);
        let (first, second) = (primary.url(), backup.url());
        let common = [
            ("LISTEN_ADDR", "127.0.0.1:0"),
            ("BACKEND_API_URL", &first),
            ("BACKEND_API_FALLBACK_URL", &second),
            // The timeline shows the changes instead.
            ("LOG_LEVEL", "error"),
        ];
        let settings: Vec<_> = common.iter().chain(plan.settings).copied().collect();
        let mut replicas = Vec::new();
        for _ in 0..REPLICAS {
            replicas.push(Process::start(gateway, &[], &settings).await?);
        }
        Ok(Self { primary, backup, replicas })
    }

    fn introduce(&self, timeline: &mut Timeline<impl io::Write>) -> io::Result<()> {
        let out = &mut timeline.out;
        writeln!(out, "primary    {}", self.primary.introduction())?;
        writeln!(out, "backup     {}", self.backup.introduction())?;
        for (number, replica) in self.replicas.iter().enumerate() {
            writeln!(out, "{}  {}", name(number), replica.introduction())?;
        }
        timeline.heading()
    }
}
