//! From an AWS account to a running bot, and back. Everything goes through the AWS CLI (`aws`), and every command
//! finds out by itself what is already done. Read `deploy` first; `doctor` goes before it, `smoke` after it.

pub mod aws;
pub mod budget;
pub mod cloudformation;
pub mod code;
pub mod deploy;
pub mod destroy;
pub mod doctor;
pub mod gemini;
pub mod http;
pub mod info;
pub mod pack;
pub mod place;
pub mod queue;
pub mod rotate;
pub mod say;
pub mod secrets;
pub mod settings;
pub mod smoke;
pub mod telegram;
pub mod terminal;
pub mod trigger;
pub mod trouble;
pub mod watch;
pub mod webhook;
