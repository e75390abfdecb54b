//! What invoked the function.

pub mod http;
