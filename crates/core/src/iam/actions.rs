//! The actions that the code asks for by name.

/// The action that needs no permission, so that every principal that signs may call it: the control of every run
/// (STS API Reference, `GetCallerIdentity`).
pub const CONTROL: &str = "sts:GetCallerIdentity";

/// The action that opens a session of the role to check.
pub const ASSUME_ROLE: &str = "sts:AssumeRole";

/// The action of handing a role to a service, which no API operation of IAM's own asks for.
pub const PASS_ROLE: &str = "iam:PassRole";

/// What Lambda needs for a function in a VPC (AWS Managed Policy Reference Guide, `AWSLambdaVPCAccessExecutionRole`).
pub const NETWORK_INTERFACE_ACTIONS: &[&str] = &[
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
];

/// What AWS Step Functions needs to wait for a job
/// (AWS Step Functions Developer Guide, "Create and manage Amazon SageMaker AI jobs": the rules of run-a-job integrations).
pub const MANAGED_RULE_ACTIONS: &[&str] = &["events:PutTargets", "events:PutRule", "events:DescribeRule"];
