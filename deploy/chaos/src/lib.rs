//! The fault suite: the real ingress, worker and replay, several of them at once, against services that fail by a plan.
//!
//! [`run`] is the way of a run. [`plan`] decides from one seed what fails, [`door`] is where a function meets the
//! services and its faults, [`event`] is what they record, and [`check`] judges that record without knowing the
//! functions' code; [`kinds`] counts what went wrong on purpose.

pub mod bucket;
pub mod call;
pub mod check;
pub mod door;
pub mod event;
pub mod feed;
pub mod gemini;
pub mod kinds;
pub mod mapping;
pub mod mark;
pub mod operator;
pub mod plan;
pub mod queue;
pub mod report;
pub mod run;
pub mod script;
pub mod sqs;
pub mod stage;
pub mod telegram;
pub mod world;
