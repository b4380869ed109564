//! A network namespace for one test, in which packets can be dropped. If the system does not allow one, the test prints
//! so and is skipped.

use std::{
    env,
    process::{Command, Stdio},
};

/// An address that can be taken from the loopback interface; packets for it are dropped then.
pub(crate) const FAR: &str = "192.0.2.2";

/// New user, network and mount namespaces. They need no root privileges.
const UNSHARE: [&str; 4] = ["--map-root-user", "--net", "--mount", "--"];

/// A virtual cable without a peer, with static neighbours behind it. 192.0.2.53 is the name server.
const CABLE: &str = "
    set -e
    ip link set lo up
    ip link add hole type veth peer name nowhere
    ip link set nowhere up
    ip addr add 192.0.2.1/24 dev hole
    ip link set hole up
    for neighbour in 192.0.2.2 192.0.2.53; do ip neigh add $neighbour lladdr 02:00:00:00:00:01 dev hole; done
    ip addr add 192.0.2.2/32 dev lo
    names=$(mktemp)
    echo 'nameserver 192.0.2.53' > $names
    mount --bind $names /etc/resolv.conf
    rm $names
";

const INSIDE: &str = "GATEWAY_TEST_IS_INSIDE";

/// Whether this process is in such a namespace. If not, runs the test of this name again in one.
pub(crate) fn is_inside(test: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    let unshare = |script: String| {
        let mut command = Command::new("unshare");
        command.args(UNSHARE).args(["sh", "-c", &script]).stdin(Stdio::null());
        command
    };
    match unshare(CABLE.to_owned()).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            eprintln!("skipped, no network namespace here: {}", String::from_utf8_lossy(&output.stderr));
            return false;
        }
        Err(error) => {
            eprintln!("skipped, no network namespace here: unshare: {error}");
            return false;
        }
    }
    let mut again = unshare(format!("{CABLE}\nexec \"$0\" \"$@\""));
    again.arg(env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]).env(INSIDE, "yes");
    let output = again.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    false
}

/// Drops packets for [`FAR`] from now on, including those of open connections.
pub(crate) fn drop_packets() {
    address("del");
}

pub(crate) fn drop_no_packets() {
    address("add");
}

fn address(change: &str) {
    let far = format!("{FAR}/32");
    assert!(Command::new("ip").args(["addr", change, &far, "dev", "lo"]).status().unwrap().success());
}
