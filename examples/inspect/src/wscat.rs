//! The interactive client.

pub mod command;
pub mod journal;
pub mod screen;
pub mod session;
