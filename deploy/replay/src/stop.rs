//! Ctrl-C: the first one ends the work in order, a second one at once.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// As a shell names an end by Ctrl-C.
pub const INTERRUPTED: u8 = 130;

#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Also for `kill` and for a terminal that is closed.
    ///
    /// # Errors
    /// When signals cannot be caught.
    pub fn on_signals() -> std::io::Result<Self> {
        let (asked, stop) = watch::channel(false);
        let mut signals =
            [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
        tokio::spawn(async move {
            loop {
                let [interrupt, terminate, hangup] = &mut signals;
                tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => (), _ = hangup.recv() => () }
                if asked.send_replace(true) {
                    // What is held is let go by SQS, in at most two minutes.
                    std::process::exit(INTERRUPTED.into());
                }
            }
        });
        Ok(Self(stop))
    }

    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// The work's result; `None` if it was asked to stop before.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut asked = self.0.clone();
        tokio::select! {
            biased;
            _ = asked.wait_for(|asked| *asked) => None,
            done = work => Some(done),
        }
    }
}
