//! SIGHUP, on Unix and with feature `signal`; elsewhere it never arrives.

#[cfg(all(unix, feature = "signal"))]
mod signal {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    #[derive(Debug, Default)]
    pub(crate) struct Hangup(Option<Signal>);

    impl Hangup {
        pub(crate) fn listen() -> std::io::Result<Self> {
            signal(SignalKind::hangup()).map(|signal| Self(Some(signal)))
        }

        /// Waits for the next SIGHUP. Without a listener it waits for ever.
        pub(crate) async fn next(&mut self) {
            let received = match &mut self.0 {
                Some(signal) => signal.recv().await.is_some(),
                None => false,
            };
            if !received {
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
