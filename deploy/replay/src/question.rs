//! Asks a person, yes or no.

use std::io::{IsTerminal, Write};

use tokio::sync::oneshot;

/// A question can be seen and answered.
pub fn possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Anything but a plain yes is a no, the end of the input too.
pub async fn agreed(question: &str) -> bool {
    eprint!("{question} [y/N] ");
    drop(std::io::stderr().flush());
    let (answer, answered) = oneshot::channel();
    // A thread of its own: the runtime would wait for it at the end, and Ctrl-C must not.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line);
        let yes = read.is_ok() && matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes");
        // Nobody waits for it any more after Ctrl-C.
        answer.send(yes).ok();
    });
    answered.await.unwrap_or(false)
}
