//! The Tower contract, with one endpoint and with two.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use mainstay_core::test::{Expect, Probe, contract};
use mainstay_failover::{AllDown, Endpoint, Failover, FailoverHandle, FailoverSettings};
use tower_layer::Layer;

/// A failover as a layer over one service, which is the service of every endpoint.
struct Over(FailoverHandle, usize);

/// Makes the endpoints usable again when dropped.
struct Out(FailoverHandle);

impl Over {
    fn new(endpoints: usize) -> Self {
        let settings = FailoverSettings { all_down: Some(AllDown::Refuse), ..FailoverSettings::default() };
        let names = (0..endpoints).map(|n| Endpoint::named(format!("endpoint-{n}")));
        Self(FailoverHandle::with_settings("over", names, settings).unwrap(), endpoints)
    }

    fn refuse(&self) -> Out {
        for n in 0..self.1 {
            self.0.take_out(&format!("endpoint-{n}"), "the contract's test").unwrap();
        }
        Out(self.0.clone())
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.0.reset("the contract's test");
    }
}

impl Layer<Probe> for Over {
    type Service = Failover<Probe>;

    fn layer(&self, inner: Probe) -> Self::Service {
        Failover::with(&self.0, vec![inner; self.1]).unwrap()
    }
}

#[test]
fn one_endpoint_keeps_the_contract() {
    contract("failover over one", Expect::default().refusing(Over::refuse), || Over::new(1));
}

#[test]
fn two_endpoints_keep_the_contract() {
    contract("failover over two", Expect::default().refusing(Over::refuse), || Over::new(2));
}
