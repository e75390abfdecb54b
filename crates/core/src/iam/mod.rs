//! What IAM writes and reads: denials, policies, wildcards, names.

pub mod actions;
pub mod denial;
pub mod names;
pub mod partition;
pub mod policy;
pub mod wildcard;
