//! What invoked the function.

pub mod http;
pub mod widget;
