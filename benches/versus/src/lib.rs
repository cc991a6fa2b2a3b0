//! `sansws` and its peers, each behind an adapter, and the code that both programs of this package share.

pub mod allocator;
pub mod cell;
pub mod check;
pub mod deflate;
pub mod json;
pub mod measure;
pub mod median;
pub mod peers;
pub mod plot;
pub mod processes;
pub mod report;
pub mod results;
pub mod session;
pub mod transport;
pub mod wire;

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;
