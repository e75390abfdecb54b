//! The options, and the names that the function has for them.

#![allow(clippy::doc_markdown, reason = "these comments are printed as help, where backticks would stand")]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use permissions_core::environment as of;
use permissions_core::options::PolicyFormat;
use permissions_core::voice::{Face, Setting, Voice};

/// Asks AWS whether a role can do what its pipeline needs, and explains denials that you paste.
///
/// Every request is a real one, in a form that changes nothing. Exit codes: 0 as specified, 1 denied, 2 inconclusive,
/// 3 more allowed than specified (with --strict), 64 options that are not valid, 78 a configuration that is not valid.
#[derive(Debug, Parser)]
#[command(name = "permissions-doctor", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try each action that a policy allows, on AWS, and report what is denied
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Box<CheckArguments>),
    /// Explain a pasted error: whose role it is about, what was denied, and what to do. Works offline
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArguments),
    /// Print the least policy that a specification needs. Works offline
    #[command(after_help = POLICY_EXAMPLES)]
    Policy(Box<PolicyArguments>),
    /// Verify on an account of your own that each probe can be denied, and write down what AWS answered
    #[command(after_help = CALIBRATE_EXAMPLES)]
    Calibrate(Box<CalibrateArguments>),
    /// Serve `check` and `explain` to programs that speak the Model Context Protocol, over standard input and output
    Mcp,
    /// Print the completions of a shell
    #[command(
        after_help = "Example:\n  permissions-doctor completions bash > /etc/bash_completion.d/permissions-doctor"
    )]
    Completions { shell: clap_complete::Shell },
    /// Print the manual, or write that of each command into a folder
    #[command(after_help = "Example:\n  permissions-doctor man | man -l -")]
    Man {
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}

const CHECK_EXAMPLES: &str = "\
Examples:
  The guide's policy, under the credentials at hand:
    permissions-doctor check --bucket your-bucket-name
  Your own policy, under the role that has it:
    permissions-doctor check --policy policy.json --role-arn arn:aws:iam::123456789012:role/R
  Whether three roles can do what a template gives to one:
    permissions-doctor check --template template.yaml --role PipelineRole \\
      --parameter BucketName=your-bucket-name --role-arn ARN ARN ARN
  In CI, with a report for each reader:
    permissions-doctor check --spec pipeline.json --format github \\
      --output junit=report.xml --output sarif=report.sarif";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  permissions-doctor explain 'User: … is not authorized to perform: s3:GetObject on resource: …'
  aws sagemaker describe-training-job --training-job-name J | permissions-doctor explain
  pbpaste | permissions-doctor explain --format json";

const POLICY_EXAMPLES: &str = "\
Examples:
  permissions-doctor policy --spec pipeline.json --region us-east-1 --account 123456789012
  permissions-doctor policy --bucket your-bucket-name --format terraform";

const CALIBRATE_EXAMPLES: &str = "\
Example:
  permissions-doctor calibrate --role-arn ARN --bucket your-bucket-name

It assumes the role under a session policy that denies everything, under one for each action that
denies only that one, and without a policy. The requests are those of `check`, which change nothing.";

/// What is to be checked. Each option has the function's variable beside it, which counts where the option is not given.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "What is checked")]
pub struct What {
    /// A specification: policies, requests, resources, functions (PROBE_SPECIFICATION)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["policy", "template"])]
    pub spec: Option<PathBuf>,
    /// An IAM policy document; can be given several times
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "template")]
    pub policy: Vec<PathBuf>,
    /// A template of CloudFormation or SAM, of which --role names a role
    #[arg(long, value_name = "FILE", requires = "role")]
    pub template: Option<PathBuf>,
    /// The logical id of a role, or of a SAM function, in the template
    #[arg(long, value_name = "LOGICAL_ID", requires = "template")]
    pub role: Option<String>,
    /// The value of a parameter of the template, or the physical name of one of its resources
    #[arg(long, value_name = "NAME=VALUE", requires = "template")]
    pub parameter: Vec<String>,
    /// The bucket that the guide's policy names (PROBE_BUCKET)
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
    /// The table that the guide's policy names (PROBE_TABLE)
    #[arg(long, value_name = "NAME")]
    pub table: Option<String>,
    /// The key of the table, such as modelId:S, for better proofs (PROBE_TABLE_KEY)
    #[arg(long, value_name = "NAME:TYPE")]
    pub table_key: Option<String>,
    /// Where in the bucket the pipeline works (PROBE_PREFIX)
    #[arg(long, value_name = "PREFIX")]
    pub prefix: Option<String>,
    /// An object that exists (PROBE_OBJECT_KEY)
    #[arg(long, value_name = "KEY")]
    pub object_key: Option<String>,
    /// A single-model endpoint that exists (PROBE_ENDPOINT_NAME)
    #[arg(long, value_name = "NAME")]
    pub endpoint_name: Option<String>,
    /// A training job that exists (PROBE_TRAINING_JOB_NAME)
    #[arg(long, value_name = "NAME")]
    pub training_job_name: Option<String>,
    /// The role that the pipeline hands to SageMaker; iam:PassRole on it is tried too (PROBE_SAGEMAKER_ROLE_ARN)
    #[arg(long, value_name = "ARN")]
    pub sagemaker_role_arn: Option<String>,
    /// The role that the calls should come from; another one is named (PROBE_EXPECTED_ROLE)
    #[arg(long, value_name = "NAME")]
    pub expected_role: Option<String>,
    /// The Region that the policy's ARNs name; another one is named (PROBE_EXPECTED_REGION)
    #[arg(long, value_name = "REGION")]
    pub expected_region: Option<String>,
    /// An action that must be denied, to tell whether anything allows all (PROBE_DENY_CONTROL)
    #[arg(long, value_name = "ACTION")]
    pub deny_control: Option<String>,
    /// Fail where more is allowed than the policy says (PROBE_STRICT)
    #[arg(long)]
    pub strict: bool,
    /// The log group of the function, which has to exist, for the actions on logs; without it they are not tried
    #[arg(long, value_name = "NAME")]
    pub log_group: Option<String>,
    /// A log stream in it, which has to exist
    #[arg(long, value_name = "NAME", requires = "log_group")]
    pub log_stream: Option<String>,
}

/// Where, and with whose credentials.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Where, and as whom")]
pub struct Where {
    /// A profile of the AWS CLI's configuration
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The Region of the requests (AWS_REGION)
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
}

#[derive(Args, Debug)]
pub struct CheckArguments {
    #[command(flatten)]
    pub what: What,
    #[command(flatten)]
    pub place: Where,
    /// A role to assume and to check in place of the caller; can be given several times (PROBE_ASSUME_ROLE_ARN)
    #[arg(long, value_name = "ARN", num_args = 1.., help_heading = "Where, and as whom")]
    pub role_arn: Vec<String>,
    /// Which actions to try, with * and ? as wildcards
    #[arg(long, value_name = "ACTION,...", value_delimiter = ',', help_heading = "How")]
    pub actions: Vec<String>,
    /// For how many seconds what is denied is tried again
    #[arg(long, value_name = "SECONDS", default_value_t = 0, help_heading = "How")]
    pub settle_seconds: u64,
    /// The longest that one request may take, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(100..=60_000), help_heading = "How")]
    pub timeout_ms: u64,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    pub format: Format,
    /// Write to a file; with FORMAT=FILE another format beside what is printed. Can be given several times
    #[arg(long, value_name = "[FORMAT=]FILE", help_heading = "Output")]
    pub output: Vec<String>,
    /// Every check in full, also what is as specified
    #[arg(long, help_heading = "Output")]
    pub verbose: bool,
    /// Mask account ids, organizations, sessions and users
    #[arg(long, help_heading = "Output")]
    pub mask: bool,
    #[arg(long, value_enum, default_value_t = Color::Auto, help_heading = "Output")]
    pub color: Color,
}

#[derive(Args, Debug)]
pub struct ExplainArguments {
    /// The error; without it, or as -, it is read from standard input
    #[arg(value_name = "TEXT")]
    pub text: Vec<String>,
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    pub format: ExplainFormat,
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

#[derive(Args, Debug)]
pub struct PolicyArguments {
    #[command(flatten)]
    pub what: What,
    #[command(flatten)]
    pub place: Where,
    /// The account that stands in the ARNs; without it, any
    #[arg(long, value_name = "ID", value_parser = parse_account)]
    pub account: Option<String>,
    #[arg(long, value_enum, default_value_t = WrittenAs::Json)]
    pub format: WrittenAs,
}

#[derive(Args, Debug)]
pub struct CalibrateArguments {
    #[command(flatten)]
    pub what: What,
    #[command(flatten)]
    pub place: Where,
    /// The role to verify with, whose trust policy lets you assume it
    #[arg(long, value_name = "ARN")]
    pub role_arn: String,
    /// Do it without asking first
    #[arg(long)]
    pub yes: bool,
    /// Where the records are written
    #[arg(long, value_name = "FILE", default_value = "evidence.txt")]
    pub output: PathBuf,
}

fn parse_account(text: &str) -> Result<String, String> {
    let is_one = permissions_core::iam::names::is_account(text);
    is_one.then(|| text.to_owned()).ok_or_else(|| "expected the twelve digits of an account's id".to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// The function's report
    Json,
    /// For Jenkins, GitLab and others that show tests
    Junit,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions, and the job's summary
    Github,
    /// For a comment or a page
    Markdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WrittenAs {
    Json,
    Sam,
    Terraform,
}

impl From<WrittenAs> for PolicyFormat {
    fn from(format: WrittenAs) -> Self {
        match format {
            WrittenAs::Json => Self::Json,
            WrittenAs::Sam => Self::Sam,
            WrittenAs::Terraform => Self::Terraform,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// The options by the variables of the function.
pub const NAMES: &[(&str, &str)] = &[
    (of::BUCKET.name, "--bucket"),
    (of::TABLE_KEY.name, "--table-key"),
    (of::TABLE.name, "--table"),
    (of::PREFIX.name, "--prefix"),
    (of::OBJECT_KEY.name, "--object-key"),
    (of::ENDPOINT_NAME.name, "--endpoint-name"),
    (of::TRAINING_JOB_NAME.name, "--training-job-name"),
    (of::SAGEMAKER_ROLE_ARN.name, "--sagemaker-role-arn"),
    (of::ASSUME_ROLE_ARN.name, "--role-arn"),
    (of::EXPECTED_ROLE.name, "--expected-role"),
    (of::EXPECTED_REGION.name, "--expected-region"),
    (of::DENY_CONTROL.name, "--deny-control"),
    (of::STRICT.name, "--strict"),
    ("PROBE_TIMEOUT_MS", "--timeout-ms"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "--log-group"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "--log-stream"),
    ("AWS_REGION", "--region"),
];

/// The option of a variable.
pub fn option_of(variable: &str) -> Option<&'static str> {
    NAMES.iter().find(|(name, _)| *name == variable).map(|(_, option)| *option)
}

/// The command line's voice: it names its options.
pub const VOICE: Voice = Voice {
    face: Face::CommandLine,
    name_of: |setting| match setting {
        Setting::Bucket => "--bucket",
        Setting::Table => "--table",
        Setting::TableKey => "--table-key",
        Setting::Prefix => "--prefix",
        Setting::ObjectKey => "--object-key",
        Setting::TrainingJobName => "--training-job-name",
        Setting::PassedRole => "--sagemaker-role-arn",
        Setting::ExpectedRole => "--expected-role",
        Setting::DenyControl => "--deny-control",
        Setting::Timeout => "--timeout-ms",
        Setting::CertificateBundle => "AWS_CA_BUNDLE",
        Setting::Proxy => "HTTPS_PROXY",
    },
};
