//! What IAM writes and reads: denials, policies, wildcards, names.

pub mod actions;
pub mod catalogue;
pub mod denial;
pub mod names;
pub mod partition;
pub mod policy;
pub mod resource;
pub mod wildcard;
