//! The connection and the model do the same.

mod any_conversation;
mod exhaustive;
