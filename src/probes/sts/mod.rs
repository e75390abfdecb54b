//! The control.

pub(super) mod get_caller_identity;
