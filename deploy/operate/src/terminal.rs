//! Whoever sits at the terminal: asked for what nobody else shall see, and before something is lost.

use std::io::{IsTerminal, Write};

use anyhow::{Result, ensure};
use secrecy::SecretString;
use tokio::process::Command;

pub fn present() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Reads a line without showing it. The shell's `read` puts the terminal right again even after Ctrl-C.
///
/// # Errors
/// When nothing is typed.
pub async fn ask_unseen(what: &str) -> Result<SecretString> {
    let script = r#"read -rsp "$1: " line </dev/tty && echo >/dev/tty && printf %s "$line""#;
    let mut command = Command::new("bash");
    command.args(["-c", script, "bash", what]).stdin(std::process::Stdio::inherit());
    let output = command.stderr(std::process::Stdio::inherit()).output().await?;
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
