//! The figures as JSON, the baseline of later runs.

use serde_json::{Value, json};

use super::machine::Machine;
use crate::figures::{Figures, Table};

pub(crate) fn text(table: &Table, machine: &Machine) -> Result<String, String> {
    let Machine { cpu, cores, kernel, rustc, date, load } = machine;
    let whole = json!({
        "machine": { "cpu": cpu, "cores": cores, "kernel": kernel, "rustc": rustc, "load": load },
        "date": date,
        "rows": table.0.iter().map(|row| one(table, row)).collect::<Vec<Value>>(),
    });
    let text = serde_json::to_string_pretty(&whole).map_err(|e| e.to_string())?;
    Ok(text + "\n")
}

fn one(table: &Table, row: &Figures) -> Value {
    json!({
        "name": row.name(),
        "pattern": row.pattern,
        "who": row.who,
        "at": row.at,
        "nanos": rounded(row.nanos),
        "net_nanos": rounded(table.net(row)),
        "ratio": rounded(table.ratio(row)),
        "allocations": row.allocations,
        "service_bytes": row.service_bytes,
        "future_bytes": row.future_bytes,
        "two_threads": row.two_threads.map(rounded),
    })
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
