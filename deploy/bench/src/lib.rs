//! What a cold start, a request and a turn cost: the release binaries, started as Lambda starts them, against the
//! services over TLS on loopback. A wrong result ends the run, so that a fast bug cannot win.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic"))]

pub mod figures;
pub mod gauge;
pub mod guard;
pub mod ingress;
pub mod report;
pub mod upstream;
pub mod worker;

use std::path::PathBuf;

/// A function to be measured.
#[derive(Clone, Debug)]
pub struct Contender {
    pub name: String,
    pub bootstrap: PathBuf,
}

impl std::str::FromStr for Contender {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = text.split_once('=').ok_or("NAME=PATH is expected, e.g. go=/tmp/go/bootstrap")?;
        let bootstrap = std::path::absolute(path).map_err(|error| format!("{path}: {error}"))?;
        if !bootstrap.is_file() {
            return Err(format!("{path} is no file: the bootstrap of a zip is expected"));
        }
        Ok(Self { name: name.to_owned(), bootstrap })
    }
}
