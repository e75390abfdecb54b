//! AWS IAM, through the service that the role is handed to.

pub(super) mod pass_role;
