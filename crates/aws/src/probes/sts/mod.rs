//! AWS STS: the control, and the way to the session of another role.

pub(super) mod assume_role;
pub(super) mod get_caller_identity;
