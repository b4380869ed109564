//! A retry of requests that are not `Clone`.

use mainstay_core::check;
use mainstay_retry::RetryLayer;
use tower::{Layer, service_fn};

struct Job(u64);

fn main() {
    let work = service_fn(|job: Job| async move { Ok::<_, std::io::Error>(job.0) });
    check::<Job, _, _, _>(RetryLayer::new("retry").layer(work));
}
