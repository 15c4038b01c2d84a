//! Whoever sits at the terminal: asked for what nobody else shall see, and before something is lost.

use std::io::{IsTerminal, Write};

use anyhow::{Result, ensure};
use secrecy::SecretString;
use tokio::process::Command;

pub fn present() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// The terminal shows nothing any more when the question appears, and is put right again even after Ctrl-C.
const ASK: &str = r#"
    before=$(stty -g </dev/tty) && trap 'stty "$before" </dev/tty' EXIT && stty -echo </dev/tty &&
        printf '%s: ' "$1" >/dev/tty && IFS= read -r line </dev/tty && echo >/dev/tty && printf %s "$line"
"#;

/// Reads a line without showing it.
///
/// # Errors
/// When nothing is typed.
pub async fn ask_unseen(what: &str) -> Result<SecretString> {
    let output = Command::new("bash").args(["-c", ASK, "bash", what]).kill_on_drop(true).output().await?;
    let typed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    ensure!(output.status.success() && !typed.is_empty(), "{what}: nothing was typed");
    Ok(typed.into())
}

/// Whether the person says yes, in so many letters.
pub fn agrees(question: &str) -> bool {
    print!("{question} [yes/no] ");
    let mut line = String::new();
    let read = std::io::stdout().flush().and_then(|()| std::io::stdin().read_line(&mut line));
    read.is_ok() && line.trim() == "yes"
}
