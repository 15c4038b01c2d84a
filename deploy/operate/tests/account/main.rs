//! The operator's commands as `make` runs them. `way` goes from nothing to a running bot and back, on the emulated AWS
//! with a simulated Telegram and Gemini; `locked_out` and `stacks` give them an AWS CLI that answers as AWS does when
//! something is wrong, which the emulated one never is.

#![allow(clippy::unwrap_used, reason = "a test's own helpers")]

mod builds;
mod fake;
mod leaving;
mod locked_out;
#[path = "../../../local/tests/whole_path/processes.rs"]
#[allow(dead_code, reason = "`make run`'s tests use the rest")]
mod processes;
mod rotations;
mod stacks;
mod way;
mod world;
