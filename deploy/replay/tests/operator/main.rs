//! The operator at the command line: the real binary against queues and a bucket of the emulated AWS.

mod look;
mod resend;
mod support;
mod throw_away;
