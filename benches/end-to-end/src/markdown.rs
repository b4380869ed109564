//! The report as Markdown.

use std::fmt::{self, Write};

use crate::report::{Ratio, Report, Row};

/// The aim of the project for the loss of throughput of the gateway.
const AIM_PERCENT: f64 = 3.0;

/// Returns the whole report.
pub(crate) fn text(report: &Report) -> Result<String, fmt::Error> {
    let mut text = String::new();
    writeln!(text, "# The gateway and a bare reverse proxy\n")?;
    writeln!(text, "`cargo run --release -p mainstay-bench-gateway`; its README explains the measurement.\n")?;
    writeln!(text, "* {}", report.machine)?;
    let method = &report.method;
    writeln!(
        text,
        "* {}; {} interleaved rounds of {} s, medians; ratios to bare in the same round (minimum to maximum)\n",
        method.placement, method.rounds, method.seconds
    )?;
    rows(&mut text, &report.rows)?;
    memory(&mut text, report)?;
    summary(&mut text, report)?;
    Ok(text)
}

fn rows(text: &mut String, rows: &[Row]) -> fmt::Result {
    writeln!(
        text,
        "| scenario | proxy | requests/s | x bare | p50 us | p99 us | p99.9 us | CPU us/request | x bare | CPUs busy |"
    )?;
    writeln!(text, "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|")?;
    for Row { scenario, contestant, median: it, throughput, cpu } in rows {
        let (throughput, cpu) = (shown(*throughput), shown(*cpu));
        writeln!(
            text,
            "| {scenario} | {contestant} | {:.0} | {throughput} | {:.0} | {:.0} | {:.0} | {:.1} | {cpu} | {:.2} |",
            it.requests_per_second, it.p50_us, it.p99_us, it.p999_us, it.cpu_us_per_request, it.cpus_busy
        )?;
    }
    Ok(())
}

fn shown(ratio: Ratio) -> String {
    format!("{:.3} ({:.2}-{:.2})", ratio.median, ratio.least, ratio.most)
}

fn memory(text: &mut String, report: &Report) -> fmt::Result {
    writeln!(text, "\n| memory | proxy | MiB before | KiB per idle connection | KiB per active connection |")?;
    writeln!(text, "|---|---|--:|--:|--:|")?;
    for it in &report.memory {
        writeln!(
            text,
            "| {}, {} connections | {} | {:.1} | {:.1} | {:.1} |",
            it.protocol,
            it.connections,
            it.contestant,
            it.base_kib / 1024.0,
            it.idle_kib,
            it.active_kib
        )?;
    }
    Ok(())
}

/// With many connections the proxy does not wait for clients, so that the loss is that of the stack.
fn summary(text: &mut String, report: &Report) -> fmt::Result {
    let many = report.rows.iter().map(|row| row.scenario.connections).max().unwrap_or_default();
    writeln!(text, "\nThe gateway with {many} connections (aim: {AIM_PERCENT} % of throughput):\n")?;
    for row in &report.rows {
        if row.contestant == "gateway" && row.scenario.connections == many {
            let lost = (1.0 - row.throughput.median) * 100.0;
            let more = (row.cpu.median - 1.0) * 100.0;
            writeln!(text, "* {}: {lost:.1} % of throughput lost, {more:+.1} % CPU per request", row.scenario)?;
        }
    }
    Ok(())
}
