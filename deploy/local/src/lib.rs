//! The world around the two functions, on one machine: what cannot be had here, simulated faithfully on the wire.

pub mod aws;
pub mod bot;
pub mod corpus;
pub mod door;
pub mod fault;
pub mod gemini;
pub mod http;
pub mod lambda;
pub mod ministack;
pub mod outside;
pub mod page;
pub mod pipeline;
pub mod polling;
pub mod progress;
pub mod run;
pub mod script;
pub mod serve;
pub mod telegram;
