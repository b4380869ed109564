//! Finds the locked instructions of a program in its disassembly.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The addresses of locked instructions, by program or library. Each is disassembled once.
#[derive(Default)]
pub(crate) struct Locked {
    known: HashMap<PathBuf, HashSet<u64>>,
}

// === impl Locked ===

impl Locked {
    pub(crate) fn is_at(&mut self, object: &Path, address: u64) -> io::Result<bool> {
        if let Some(found) = self.known.get(object) {
            return Ok(found.contains(&address));
        }
        let found = if object.is_file() { disassembled(object)? } else { HashSet::new() };
        let is_locked = found.contains(&address);
        self.known.insert(object.to_owned(), found);
        Ok(is_locked)
    }
}

fn disassembled(object: &Path) -> io::Result<HashSet<u64>> {
    let output = Command::new("objdump").args(["--disassemble", "--no-show-raw-insn"]).arg(object).output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("objdump {}: {}", object.display(), output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(locked_at).collect())
}

/// Returns the address of a line such as `14f2a:<tab>lock xadd %rax,(%rcx)` if its instruction is locked. An exchange
/// with memory is locked without the prefix.
fn locked_at(line: &str) -> Option<u64> {
    let (address, instruction) = line.split_once(":\t")?;
    // The comment names the target of an operand.
    let code = instruction.split('#').next()?;
    let mut words = code.split_whitespace();
    let exchanges = code.starts_with("xchg") && code.contains('(');
    (exchanges || words.any(|word| word == "lock")).then(|| u64::from_str_radix(address.trim(), 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::locked_at;

    #[test]
    fn prefixed_and_exchange_instructions_are_locked() {
        assert_eq!(locked_at("   14f2a:\tlock xadd %rax,(%rcx)"), Some(0x14f2a));
        assert_eq!(locked_at("   14f2e:\tlock cmpxchg %cl,0x1f(%rip)        # 3a <lock>"), Some(0x14f2e));
        assert_eq!(locked_at("   14f2e:\txchg   %eax,0x10(%rdi)"), Some(0x14f2e));
        assert_eq!(locked_at("   14f30:\tcs lock incl (%rdi)"), Some(0x14f30));
    }

    #[test]
    fn other_instructions_are_not_locked() {
        assert_eq!(locked_at("   14f2e:\txchg   %ax,%ax"), None);
        assert_eq!(locked_at("   14f2e:\tcmpxchg %rcx,(%rdi)"), None);
        assert_eq!(locked_at("   14f2e:\tcall   1f0 # 1f0 <std::sync::Mutex lock >"), None);
        assert_eq!(locked_at("0000000000014f2a <lock>:"), None);
    }
}
