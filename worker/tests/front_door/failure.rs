//! What goes wrong: nothing is answered twice, nothing is lost, and nobody waits for somebody else.
//! The rows of the design's failure table, by what becomes of the update.

mod another_way;
mod bad_input;
mod batch;
mod declined;
mod given_up;
mod later;
mod once;
mod rivals;
