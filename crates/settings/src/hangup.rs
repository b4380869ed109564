//! SIGHUP, where there is one.

#[cfg(all(unix, feature = "signal"))]
mod signal {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    #[derive(Debug, Default)]
    pub(crate) struct Hangup(Option<Signal>);

    impl Hangup {
        pub(crate) fn listen() -> std::io::Result<Self> {
            signal(SignalKind::hangup()).map(|signal| Self(Some(signal)))
        }

        /// The next one; never, when nobody listens.
        pub(crate) async fn next(&mut self) {
            let came = match &mut self.0 {
                Some(signal) => signal.recv().await.is_some(),
                None => false,
            };
            if !came {
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(not(all(unix, feature = "signal")))]
mod signal {
    #[derive(Debug, Default)]
    pub(crate) struct Hangup(());

    impl Hangup {
        pub(crate) async fn next(&mut self) {
            std::future::pending::<()>().await;
        }
    }
}

pub(crate) use signal::Hangup;
