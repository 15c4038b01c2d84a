//! The whole path as `make run` has it: the program `local run`, the emulated AWS of `.venv`, the deployment's own
//! scripts and templates, and both functions' binaries. Tests on the simulated services share one run and take turns.
//! The binaries are those that `cargo test --workspace` has built beside this test; nothing is built in here.

#![allow(clippy::unwrap_used, reason = "a test's own helpers")]

mod answers;
#[path = "../browser_world/browser.rs"]
mod browser;
mod chats;
mod faults;
mod page;
mod processes;
mod real_bot;
mod restart;
mod run;
mod watching;

const ADA: i64 = browser::ADA;
const GRACE: i64 = 1002;
const FOX_CLUB: i64 = browser::FOX_CLUB;
