use super::*;
use alloc::vec;
