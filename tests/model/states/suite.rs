//! All states that one connection can reach, and all that two connections can reach together.

mod abstraction;
mod cuts;
mod graph;
mod observed;
mod two_ends;
