//! The summary at the end.

use std::io::{self, Write};

use crate::{
    replica::Replica,
    timeline::{Timeline, name},
};

// === impl Timeline ===

impl<W: Write> Timeline<W> {
    /// Prints the summary. Returns whether all replicas left and returned, and no client got an avoidable error.
    pub(crate) fn summary(&mut self) -> io::Result<bool> {
        self.picture()?;
        self.table()?;
        let errors: u64 = self.replicas.iter().map(|replica| replica.avoidable).sum();
        let orders: u64 = self.replicas.iter().map(|replica| replica.unavoidable).sum();
        let out = &mut self.out;
        match errors {
            0 => writeln!(out, "No client got an error that another attempt could have avoided.")?,
            n => writeln!(out, "{n} clients got an error that another attempt could have avoided.")?,
        }
        if orders > 0 {
            writeln!(
                out,
                "{orders} clients got an error to a POST without an idempotency key, which is sent only once."
            )?;
        }
        self.returns()?;
        let moved = |replica: &Replica| !replica.left.is_empty() && !replica.is_away();
        Ok(errors == 0 && self.replicas.iter().all(moved))
    }

    /// Prints one letter for each second.
    fn picture(&mut self) -> io::Result<()> {
        let ruler: String = (0..self.primary.len()).step_by(10).map(|second| format!("{second:<10}")).collect();
        writeln!(self.out, "\nseconds    {}", ruler.trim_end())?;
        writeln!(self.out, "primary    {}", self.primary)?;
        for (number, replica) in self.replicas.iter().enumerate() {
            writeln!(self.out, "{}  {}", name(number), replica.seconds)?;
        }
        Ok(())
    }

    fn table(&mut self) -> io::Result<()> {
        let now = self.elapsed();
        writeln!(self.out, "\n           requests  errors  avoidable errors  route changes  on the backup")?;
        for (number, replica) in self.replicas.iter().enumerate() {
            let Replica { requests, avoidable, unavoidable, changes, .. } = replica;
            let (errors, away) = (avoidable + unavoidable, replica.away(now).as_secs_f64());
            let name = name(number);
            writeln!(self.out, "{name}  {requests:>8}  {errors:>6}  {avoidable:>16}  {changes:>13}  {away:>11.2} s")?;
        }
        writeln!(self.out)
    }

    /// Prints the times of the returns. Jitter in holds and probes spreads them.
    fn returns(&mut self) -> io::Result<()> {
        for outage in 0.. {
            let mut times: Vec<_> =
                self.replicas.iter().filter_map(|replica| replica.returned.get(outage).copied()).collect();
            if times.len() < self.replicas.len() {
                return Ok(());
            }
            times.sort_unstable();
            let apart = times.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or_default();
            let shown: Vec<_> = times.iter().map(|time| format!("{:.3}", time.as_secs_f64())).collect();
            let (outage, shown) = (outage + 1, shown.join(", "));
            let how = if apart.is_zero() { "two" } else { "no two" };
            writeln!(self.out, "Return {outage}: after {shown} s; {how} in the same instant.")?;
        }
        Ok(())
    }
}
