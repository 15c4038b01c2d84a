//! The world around the two functions, on one machine: what cannot be had here, simulated faithfully on the wire.

pub mod fault;
pub mod gemini;
pub mod page;
pub mod pipeline;
pub mod serve;
pub mod telegram;
