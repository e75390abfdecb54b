//! The actions that the code asks for by name.

/// The action that needs no permission, so that whoever signs may call it: the control of every run
/// (STS API Reference, `GetCallerIdentity`).
pub const CONTROL: &str = "sts:GetCallerIdentity";

/// The action that opens a session of the role to check.
pub const ASSUME_ROLE: &str = "sts:AssumeRole";

/// The action of handing a role to a service, which no API operation of IAM's own asks for.
pub const PASS_ROLE: &str = "iam:PassRole";
