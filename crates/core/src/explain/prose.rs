//! The sentences in which services say for themselves that access was denied.
//!
//! Each was read in public threads or in AWS's documentation; most are about a role that the service was handed, and not
//! about who made the call.

use crate::explain::RootCause;
use crate::explain::pattern::{Parts, Searched};

/// A sentence of a service.
#[derive(Clone, Copy, Debug)]
pub struct Prose {
    /// The sentence, with gaps for the `role`, the `resource`, and the like.
    pub pattern: &'static str,
    /// Words of which the text has to have one besides; none, where the sentence is unmistakable.
    pub beside: &'static [&'static str],
    pub whose: Whose,
    /// The action that it leaves as the only one.
    pub action: Option<&'static str>,
    pub root_cause: Option<RootCause>,
    pub help: Help,
}

/// Whose permissions a sentence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Caller,
    /// A role that the service was handed, which the gap `role` names, or another place of the text, or none.
    Role,
    /// A resource that does not let a service in.
    Resource,
}

/// What helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Help {
    /// The role's trust policy has to let this service in.
    Trust(&'static str),
    /// The role has to be allowed to pull the image.
    Pull,
    /// The repository's own policy has to let this service in.
    RepositoryPolicy(&'static str),
    /// The role has to be allowed these actions on what it reads or writes in Amazon S3.
    Data(&'static [&'static str]),
    /// A key of AWS KMS.
    Key,
    /// The role has to be allowed these actions.
    Role(&'static [&'static str]),
    /// The role has to be allowed the call that the sentence names.
    NamedCall,
    /// The caller has to be allowed these actions, if it is no policy that denies them.
    Caller(&'static [&'static str]),
    ManagedRule,
    LakeFormation,
    /// The policy of the function has to let this service invoke it.
    Invoke(&'static str),
    /// The resource's own policy has to let this service in.
    ResourcePolicy(&'static str),
    OtherAccount,
    Decode,
    /// Access to a model of Amazon Bedrock has to be asked for.
    ModelAccess,
    /// The data access policy of a collection of Amazon `OpenSearch` Serverless has to let the role in.
    DataAccessPolicy,
    /// An assignment in AWS IAM Identity Center.
    IdentityCenter,
    /// The roles of Amazon `OpenSearch` Service's own have to let the caller in.
    SearchRoles,
    /// An access entry of an Amazon EKS cluster.
    Cluster,
}

impl Prose {
    const fn with_help(self, help: Help) -> Self {
        Self { help, ..self }
    }

    /// Whether the sentence is about another principal than the one that made the call.
    pub fn is_relayed(&self) -> bool {
        self.whose != Whose::Caller
    }
}

/// The first sentence of the list that the text has, and what stands in its gaps.
pub fn find<'a>(searched: &Searched<'a>) -> Option<(&'static Prose, Parts<'a>)> {
    PROSE.iter().find_map(|prose| {
        let is_beside = prose.beside.is_empty() || prose.beside.iter().any(|words| searched.has(words));
        Some((prose, searched.find(prose.pattern).filter(|_| is_beside)?))
    })
}

const fn prose(
    pattern: &'static str,
    whose: Whose,
    action: Option<&'static str>,
    root_cause: RootCause,
    help: Help,
) -> Prose {
    Prose { pattern, beside: &[], whose, action, root_cause: Some(root_cause), help }
}

const fn trust(pattern: &'static str, service: &'static str) -> Prose {
    prose(pattern, Whose::Role, Some("sts:AssumeRole"), RootCause::RoleTrust, Help::Trust(service))
}

const fn pull(pattern: &'static str) -> Prose {
    prose(pattern, Whose::Role, None, RootCause::ImagePull, Help::Pull)
}

const READ: &[&str] = &["s3:GetObject", "s3:ListBucket"];
const WRITE: &[&str] = &["s3:PutObject", "s3:ListBucket"];

const fn reads(pattern: &'static str, action: Option<&'static str>) -> Prose {
    prose(pattern, Whose::Role, action, RootCause::DataAccess, Help::Data(READ))
}

const fn writes(pattern: &'static str) -> Prose {
    prose(pattern, Whose::Role, Some("s3:PutObject"), RootCause::DataAccess, Help::Data(WRITE))
}

/// A call that a role may not make, which the sentence names.
const fn called_by(pattern: &'static str) -> Prose {
    prose(pattern, Whose::Role, None, RootCause::FunctionRole, Help::NamedCall)
}

const fn key(pattern: &'static str, whose: Whose, action: Option<&'static str>) -> Prose {
    prose(pattern, whose, action, RootCause::KmsKey, Help::Key)
}

const fn lake(pattern: &'static str) -> Prose {
    prose(pattern, Whose::Caller, None, RootCause::LakeFormation, Help::LakeFormation)
}

const fn invoke(pattern: &'static str, service: &'static str) -> Prose {
    prose(pattern, Whose::Resource, Some("lambda:InvokeFunction"), RootCause::ResourcePolicy, Help::Invoke(service))
}

const fn bucket_policy(pattern: &'static str, action: &'static str, service: &'static str) -> Prose {
    prose(pattern, Whose::Resource, Some(action), RootCause::ResourcePolicy, Help::ResourcePolicy(service))
}

const fn repository(pattern: &'static str, service: &'static str) -> Prose {
    prose(pattern, Whose::Resource, None, RootCause::ImagePull, Help::RepositoryPolicy(service))
}

/// The caller, who may lack these actions, or be denied them.
const fn caller(pattern: &'static str, action: Option<&'static str>, needed: &'static [&'static str]) -> Prose {
    Prose { pattern, beside: &[], whose: Whose::Caller, action, root_cause: None, help: Help::Caller(needed) }
}

/// Only where something in the text is of AWS: the words are anybody's.
const fn of_aws(prose: Prose) -> Prose {
    Prose { beside: OF_AWS, ..prose }
}

/// What only texts about AWS have.
const OF_AWS: &[&str] = &[
    "arn:aws",
    ".amazonaws.com",
    "from ecr",
    "sts:",
    "s3://",
    "aws::",
    "amazon",
    "sagemaker",
    "bedrock",
    "codebuild",
    "codepipeline",
    "cloudformation",
    "firehose",
    "eventbridge",
    "step functions",
    "lambda",
    "redshift",
    "athena",
    "dynamodb",
    "iam role",
    "(service: ",
    "kinesis",
];

/// What a state machine needs to write logs (Step Functions Developer Guide, "Logging to CloudWatch Logs").
const LOG_DELIVERY: &[&str] = &[
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
];

/// A role that has to be allowed these actions.
const fn role(
    pattern: &'static str,
    action: Option<&'static str>,
    root_cause: RootCause,
    needed: &'static [&'static str],
) -> Prose {
    prose(pattern, Whose::Role, action, root_cause, Help::Role(needed))
}

const fn beside(prose: Prose, beside: &'static [&'static str]) -> Prose {
    Prose { beside, ..prose }
}

const fn unstated(prose: Prose) -> Prose {
    Prose { root_cause: None, ..prose }
}

const SAGEMAKER: &str = "sagemaker.amazonaws.com";

/// The sentences, the more telling first.
pub const PROSE: &[Prose] = &[
    // SageMaker: whether the role can be assumed (awslabs/predictive-maintenance-using-machine-learning#3, aws/sagemaker-python-sdk#35).
    prose(
        "the provided role {role} is invalid. please ensure the role exists{}sns:publish",
        Whose::Role,
        None,
        RootCause::RoleTrust,
        Help::Trust(SAGEMAKER),
    ),
    trust("could not assume role {role} please ensure that the role exists", SAGEMAKER),
    trust("the execution role arn {role} is invalid. please ensure that the role exists", SAGEMAKER),
    trust("the provided role {role} is invalid. please ensure the role exists", SAGEMAKER),
    trust("sagemaker was unable to assume the role {role}", SAGEMAKER),
    trust("sagemaker is unable to perform: sts:assumerole on the role", SAGEMAKER),
    trust("sagemaker is unable to assume your associated executionrole [{role}]", SAGEMAKER),
    trust("sagemaker is unable to assume your associated executionrole", SAGEMAKER),
    trust("cannot validate the provided iam role", SAGEMAKER),
    trust("could not access provided role", SAGEMAKER),
    // SageMaker: the image (aws/deep-learning-containers#5657, aws/sagemaker-spark-container#158, aws/amazon-sagemaker-examples#2534).
    prose(
        "the repository of your image {resource} does not grant {}permission{} to sagemaker.amazonaws.com",
        Whose::Resource,
        None,
        RootCause::ImagePull,
        Help::RepositoryPolicy(SAGEMAKER),
    ),
    pull("role {role} cannot pull {resource} ensure that the role exists"),
    Prose {
        action: Some("ecr:BatchGetImage"),
        ..pull("the role {role} does not have batchgetimage permission for the image: {resource}")
    },
    pull(
        "cannot find repository: {resource} in registry id: {} please check if your ecr repository exists and role {role} has proper pull permissions",
    ),
    pull(
        "access denied for repository: {resource} in registry id: {} please check if your ecr repository exists and role {role} has proper pull permissions",
    ),
    pull("access denied for repository: {resource} in registry id"),
    pull("cannot pull algorithm container. either the image does not exist or its permissions are incorrect"),
    pull(
        "please make sure all images included in the model for the production variant {} exist, and that the execution role used to create the model has permissions to access them",
    ),
    // SageMaker: the data (aws-samples/llm-sagemaker-sample#2; terraform-provider-aws, internal/service/sagemaker/training_job.go).
    reads("could not access model data at {resource} please ensure that the role {role} exists", Some("s3:GetObject")),
    reads("could not access model data at {resource}", Some("s3:GetObject")),
    reads(
        "failed to download model data for container {} from url: {resource} please ensure that there is an object",
        Some("s3:GetObject"),
    ),
    reads(
        "please ensure that the role {role} exists and that its trust relationship policy allows {} also ensure that the role has \"s3:getobject\" permissions",
        Some("s3:GetObject"),
    ),
    reads(
        "no s3 objects found under s3 url {resource} given in input{} and that the role {role} has {} error message from s3: access denied",
        Some("s3:ListBucket"),
    ),
    reads("unauthorized to list objects under s3 url {resource}", Some("s3:ListBucket")),
    reads("unauthorized to list objects under s3 url", Some("s3:ListBucket")),
    reads("access denied for bucket: {resource}, object key:", Some("s3:GetObject")),
    reads("data download failed:unable to download object {resource} (accessdenied", Some("s3:GetObject")),
    reads("data download failed:failed to download data. 403 forbidden", Some("s3:GetObject")),
    reads("data download failed:accessdenied", Some("s3:GetObject")),
    reads("failed to download data. accessdenied", Some("s3:GetObject")),
    reads(
        "data download failed for channel {} please ensure that the role has s3:getobject permission for the following resources: {resource}",
        Some("s3:GetObject"),
    ),
    writes("access denied to outputdataconfig s3 bucket"),
    writes("artifact upload failed:error 7: accessdenied"),
    writes("artifact upload failed:accessdenied"),
    writes("failed to upload output {resource}: accessdenied"),
    writes("the provided data access role does not have write access to the output s3 uri"),
    reads("no_read_access_to_input", Some("s3:GetObject")),
    // SageMaker: hubs, algorithms, pipelines, Studio.
    role(
        "access denied to hub content",
        None,
        RootCause::FunctionRole,
        &["sagemaker:DescribeHub", "sagemaker:DescribeHubContent"],
    ),
    role(
        "access denied when describing algorithm",
        Some("sagemaker:DescribeAlgorithm"),
        RootCause::FunctionRole,
        &["sagemaker:DescribeAlgorithm"],
    ),
    role(
        "the pipeline execution role does not have sufficient permissions to the job",
        None,
        RootCause::FunctionRole,
        &["iam:PassRole"],
    ),
    role(
        "sagemaker is unable to use your associated executionrole {role} to create app",
        Some("sagemaker:CreateApp"),
        RootCause::FunctionRole,
        &["sagemaker:CreateApp"],
    ),
    role(
        "sagemaker is unable to use your associated executionrole",
        Some("sagemaker:CreateApp"),
        RootCause::FunctionRole,
        &["sagemaker:CreateApp"],
    ),
    prose(
        "user is not permitted to perform kms:decrypt for operation",
        Whose::Caller,
        Some("kms:Decrypt"),
        RootCause::KmsKey,
        Help::Key,
    ),
    // Amazon Bedrock.
    reads("could not validate getobject permissions to access {} bucket: {resource} at key", Some("s3:GetObject")),
    reads("could not validate getobject permissions to access", Some("s3:GetObject")),
    writes("could not validate putobject permissions to access {} bucket: {resource} at key"),
    writes("could not validate putobject permissions to access"),
    trust("could not assume provided iam role", "bedrock.amazonaws.com"),
    trust("role cannot be assumed by bedrock.amazonaws.com", "bedrock.amazonaws.com"),
    trust("bedrock knowledge base was unable to assume the given role", "bedrock.amazonaws.com"),
    trust("the execution role cannot be assumed by bedrock agentcore", "bedrock-agentcore.amazonaws.com"),
    unstated(prose(
        "access denied when calling bedrock. check your request permissions",
        Whose::Role,
        None,
        RootCause::FunctionRole,
        Help::Role(&["bedrock:InvokeModel"]),
    )),
    prose(
        "the knowledge base storage configuration provided is invalid{} bad authorization",
        Whose::Role,
        None,
        RootCause::ResourcePolicy,
        Help::DataAccessPolicy,
    ),
    prose(
        "the knowledge base storage configuration provided is invalid{}[security_exception]",
        Whose::Role,
        None,
        RootCause::ResourcePolicy,
        Help::DataAccessPolicy,
    ),
    // Amazon ECS and Amazon ECR.
    trust("ecs was unable to assume the role {role}", "ecs-tasks.amazonaws.com"),
    trust("codebuild is not authorized to perform: sts:assumerole on {role}", "codebuild.amazonaws.com"),
    pull("failed to resolve ref{} {resource} unexpected status{} 403 forbidden"),
    pull("cannotpullcontainererror: accessdeniedexception"),
    beside(pull("failed with status code [manifests {}]: 403 forbidden"), &[".dkr.ecr."]),
    beside(pull("failed to pull image {resource}: {} 403 forbidden"), &[".dkr.ecr."]),
    beside(pull("cannotpullcontainererror: {} 403 forbidden"), &[".dkr.ecr."]),
    unstated(prose(
        "access denied for operation '{resource}'",
        Whose::Caller,
        None,
        RootCause::PolicyType,
        Help::Caller(&[]),
    )),
    unstated(prose(
        "access denied. please check if user is assigned to studio domain {resource} and",
        Whose::Caller,
        None,
        RootCause::PolicyType,
        Help::IdentityCenter,
    )),
    // AWS Lambda.
    trust("the role defined for the function cannot be assumed by lambda", "lambda.amazonaws.com"),
    key(
        "lambda was unable to decrypt the environment variables because kms access was denied",
        Whose::Role,
        Some("kms:Decrypt"),
    ),
    key("lambda can't decrypt the container image because kms access is denied", Whose::Role, Some("kms:Decrypt")),
    key("kms access was denied", Whose::Role, Some("kms:Decrypt")),
    called_by("execution role does not have permissions to call {call} on {service}"),
    called_by("execution role does not have permissions to call{call} on {service}"),
    called_by("customer role does not have permissions to call {call} on {service}"),
    called_by("role does not have permissions to call {call} on {service}"),
    prose(
        "access has been denied by {service}, please make sure your function execution role have permission to {call} {} error code",
        Whose::Role,
        None,
        RootCause::FunctionRole,
        Help::NamedCall,
    ),
    prose(
        "your access has been denied by s3, please make sure your request credentials have permission to {} for {resource} s3 error code",
        Whose::Caller,
        Some("s3:GetObject"),
        RootCause::DataAccess,
        Help::Caller(&["s3:GetObject"]),
    ),
    role(
        "cannot access stream {resource} please ensure the role can perform the {}actions",
        None,
        RootCause::FunctionRole,
        &[],
    ),
    role(
        "cannot access {} {resource} please ensure the role can perform the {}action",
        None,
        RootCause::FunctionRole,
        &[],
    ),
    role("please ensure the role can perform the {}action", None, RootCause::FunctionRole, &[]),
    repository("lambda does not have permission to access the ecr image", "lambda.amazonaws.com"),
    repository("the function does not have permission to access the specified image", "lambda.amazonaws.com"),
    // AWS Step Functions.
    prose(
        "{role}' is not authorized to create managed-rule",
        Whose::Role,
        Some("events:PutRule"),
        RootCause::ManagedRule,
        Help::ManagedRule,
    ),
    prose(
        "{role} is not authorized to create managed-rule",
        Whose::Role,
        Some("events:PutRule"),
        RootCause::ManagedRule,
        Help::ManagedRule,
    ),
    prose(
        "not authorized to create managed-rule",
        Whose::Role,
        Some("events:PutRule"),
        RootCause::ManagedRule,
        Help::ManagedRule,
    ),
    trust(
        "neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role",
        "states.amazonaws.com",
    ),
    trust("the principal {principal} is not authorized to assume the provided role", "states.amazonaws.com"),
    role(
        "state machine iam role is not authorized to access the log destination",
        None,
        RootCause::FunctionRole,
        LOG_DELIVERY,
    ),
    // AWS Lake Formation.
    lake("insufficient lake formation permission(s): required {} on {resource}"),
    lake("insufficient lake formation permission(s) on {resource}"),
    lake("insufficient lake formation permission"),
    lake("access is not allowed. (service: lakeformation"),
    lake("access is not allowed. (service: awslakeformation"),
    // AWS KMS, also behind other services (ministryofjustice/modernisation-platform#3468).
    key(
        "the ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access",
        Whose::Caller,
        None,
    ),
    key(
        "ciphertext refers to a {} that does not exist, does not exist in this region, or you are not allowed to access",
        Whose::Caller,
        None,
    ),
    key("access to kms is not allowed", Whose::Caller, None),
    key("null (service: awskms; status code: 400; error code: accessdeniedexception", Whose::Caller, None),
    key("null (service: kms, status code: 400", Whose::Caller, None),
    key("the specified kms key does not exist or is not allowed to be used with arn {resource}", Whose::Resource, None),
    key("volumes are encrypted with an inaccessible aws kms key", Whose::Resource, None),
    key("encrypted with an inaccessible kms key", Whose::Resource, None),
    key("kms key is inaccessible", Whose::Resource, None),
    // AWS IAM.
    prose(
        "cross-account pass role is not allowed",
        Whose::Caller,
        Some("iam:PassRole"),
        RootCause::OtherAccount,
        Help::OtherAccount,
    ),
    unstated(caller("insufficient permissions to list objects", Some("s3:ListBucket"), &["s3:ListBucket"])),
    unstated(caller("api: {} access denied", None, &[])),
    unstated(caller("is not authorized to perform {call} with tags", None, &[])),
    caller("insufficient privileges for iam passrole action", Some("iam:PassRole"), &["iam:PassRole"]),
    // AWS CloudFormation, AWS CodePipeline, AWS CodeBuild.
    trust("role {role} is invalid or cannot be assumed", "cloudformation.amazonaws.com"),
    trust("is not authorized to perform assumerole on role {role} (service", "codepipeline.amazonaws.com"),
    trust("is not authorized to perform assumerole on role {role}", "codepipeline.amazonaws.com"),
    trust("codepipeline is not authorized to perform assumerole on role {role}", "codepipeline.amazonaws.com"),
    reads(
        "the service role or action role doesn't have the permissions required to access the amazon s3 bucket named {resource}. update",
        None,
    ),
    reads(
        "the service role or action role doesn't have the permissions required to access the amazon s3 bucket named {resource}",
        None,
    ),
    role("the service role or action role doesn't have the permissions", None, RootCause::FunctionRole, &[]),
    caller("you do not have sufficient permissions to call s3.putobject", Some("s3:PutObject"), &["s3:PutObject"]),
    caller("you do not have sufficient permissions to call {call}", None, &[]),
    role(
        "the policy for the service role {} does not allow aws codebuild to create {} log streams",
        Some("logs:CreateLogStream"),
        RootCause::FunctionRole,
        &["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    ),
    role(
        "does not allow aws codebuild to create",
        Some("logs:CreateLogStream"),
        RootCause::FunctionRole,
        &["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    ),
    // Amazon API Gateway.
    invoke("invalid permissions on lambda function", "apigateway.amazonaws.com"),
    trust("api gateway does not have permission to assume the provided role", "apigateway.amazonaws.com"),
    trust("api gateway doesn't have permissions to assume the iam role", "apigateway.amazonaws.com"),
    trust("api gateway could not assume", "apigateway.amazonaws.com"),
    caller(
        "\"message\":\"user is not authorized to access this resource with an explicit deny",
        Some("execute-api:Invoke"),
        &["execute-api:Invoke"],
    ),
    caller(
        "user is not authorized to access this resource with an explicit deny",
        Some("execute-api:Invoke"),
        &["execute-api:Invoke"],
    ),
    // Amazon EventBridge, Amazon CloudWatch Logs, AWS Config, Elastic Load Balancing, Amazon Data Firehose.
    trust("provided role {role} cannot be assumed by principal 'events.amazonaws.com'", "events.amazonaws.com"),
    trust(
        "the execution role you provide must allow aws eventbridge scheduler to assume the role",
        "scheduler.amazonaws.com",
    ),
    invoke(
        "could not execute the lambda function. make sure you have given cloudwatch logs permission",
        "logs.amazonaws.com",
    ),
    invoke(
        "the aws lambda function {resource} cannot be invoked. check the specified function arn, and check the function's permissions",
        "config.amazonaws.com",
    ),
    bucket_policy(
        "access denied for bucket: {resource}. please check s3bucket permission",
        "s3:PutObject",
        "logdelivery.elasticloadbalancing.amazonaws.com",
    ),
    bucket_policy(
        "access denied for bucket: {resource} please check s3bucket permission",
        "s3:PutObject",
        "logdelivery.elasticloadbalancing.amazonaws.com",
    ),
    trust("insufficient delivery policy to s3 bucket: {}, unable to assume role: {role}", "config.amazonaws.com"),
    bucket_policy(
        "insufficient delivery policy to s3 bucket: {resource}, unable to get s3 bucket acl",
        "s3:GetBucketAcl",
        "config.amazonaws.com",
    ),
    bucket_policy(
        "insufficient delivery policy to s3 bucket: {resource}, unable to write to bucket",
        "s3:PutObject",
        "config.amazonaws.com",
    ),
    bucket_policy("insufficient delivery policy to s3 bucket: {resource}", "s3:PutObject", "config.amazonaws.com"),
    bucket_policy(
        "incorrect s3 bucket policy is detected for bucket: {resource}",
        "s3:PutObject",
        "cloudtrail.amazonaws.com",
    ),
    prose(
        "permissions on the destination queue do not allow s3 to publish notifications",
        Whose::Resource,
        Some("sqs:SendMessage"),
        RootCause::ResourcePolicy,
        Help::ResourcePolicy("s3.amazonaws.com"),
    ),
    prose(
        "permissions on the destination topic do not allow s3 to publish notifications",
        Whose::Resource,
        Some("sns:Publish"),
        RootCause::ResourcePolicy,
        Help::ResourcePolicy("s3.amazonaws.com"),
    ),
    prose(
        "permissions on the destination {} do not allow s3 to {}",
        Whose::Resource,
        None,
        RootCause::ResourcePolicy,
        Help::ResourcePolicy("s3.amazonaws.com"),
    ),
    unstated(prose(
        "access was denied. ensure that the trust policy for the provided iam role allows firehose to assume the role",
        Whose::Role,
        None,
        RootCause::FunctionRole,
        Help::Data(WRITE),
    )),
    trust("firehose is unable to assume role {role}", "firehose.amazonaws.com"),
    // Amazon SQS, Amazon OpenSearch Service, AWS Organizations.
    caller("access to the resource {resource} is denied", None, &[]),
    prose(
        "no permissions for [{}] and user [name={role}, backend_roles",
        Whose::Role,
        None,
        RootCause::ResourcePolicy,
        Help::SearchRoles,
    ),
    prose("no permissions for [{}] and user", Whose::Caller, None, RootCause::ResourcePolicy, Help::SearchRoles),
    prose(
        "[security_exception] authentication/authorization failure",
        Whose::Caller,
        None,
        RootCause::ResourcePolicy,
        Help::SearchRoles,
    ),
    beside(
        prose("security_exception", Whose::Caller, None, RootCause::ResourcePolicy, Help::SearchRoles),
        &["arn:aws", "amazonaws", "lambda", "opensearch"],
    ),
    beside(
        prose(
            "failed to index document in opensearch. the error received was forbidden",
            Whose::Role,
            Some("es:ESHttpPut"),
            RootCause::ResourcePolicy,
            Help::SearchRoles,
        ),
        &[],
    ),
    unstated(caller("you don't have permissions to access this resource", None, &[])),
    // Amazon Athena, Amazon Redshift.
    unstated(caller("insufficient permissions to execute the query", None, &[])),
    unstated(caller("access denied when writing output to url: {resource}", Some("s3:PutObject"), &["s3:PutObject"])),
    unstated(caller("permission denied on s3 path: {resource}", Some("s3:GetObject"), &["s3:GetObject"])),
    unstated(caller("permission_denied: access denied", None, &[])),
    prose(
        "user {principal} is not authorized to assume iam role {role}",
        Whose::Role,
        Some("sts:AssumeRole"),
        RootCause::RoleTrust,
        Help::Trust("redshift.amazonaws.com"),
    ),
    unstated(reads("s3serviceexception:access denied,status 403", None)),
    // Amazon EKS.
    prose(
        "your current user or role does not have access to kubernetes objects on this eks cluster",
        Whose::Caller,
        None,
        RootCause::ResourcePolicy,
        Help::Cluster,
    ),
    beside(
        prose(
            "you must be logged in to the server (unauthorized)",
            Whose::Caller,
            None,
            RootCause::ResourcePolicy,
            Help::Cluster,
        ),
        &["eks", "aws"],
    ),
    // Amazon Bedrock.
    prose(
        "model access is denied due to iam user or service role is not authorized to perform the required aws marketplace actions",
        Whose::Caller,
        Some("aws-marketplace:ViewSubscriptions"),
        RootCause::MissingStatement,
        Help::Caller(&["aws-marketplace:ViewSubscriptions", "aws-marketplace:Subscribe"]),
    ),
    unstated(caller(
        "you don't have access to the model with the specified model id",
        Some("bedrock:InvokeModel"),
        &[],
    ))
    .with_help(Help::ModelAccess),
    unstated(caller("your account is not authorized to invoke this api operation", None, &[]))
        .with_help(Help::ModelAccess),
    // Amazon EC2 and what calls it, Amazon EMR, Amazon RDS, AWS DMS, AWS Systems Manager.
    prose(
        "encoded authorization failure message: {encoded}",
        Whose::Caller,
        None,
        RootCause::EncodedMessage,
        Help::Decode,
    ),
    trust("the defined assume role is unable to be assumed", "ssm.amazonaws.com"),
    unstated(role(
        "the service role {role} provided does not exist or does not have sufficient permissions",
        None,
        RootCause::FunctionRole,
        &[],
    )),
    unstated(role(
        "iam role arn value is invalid or does not include the required permissions for: {}",
        None,
        RootCause::FunctionRole,
        &[],
    )),
    role("service role {role} has insufficient ec2 permissions", None, RootCause::FunctionRole, &[]),
    unstated(role("the iam role {role} is not configured properly", None, RootCause::FunctionRole, &[])),
    caller(
        "access denied when calling createservicelinkedrole operation",
        Some("iam:CreateServiceLinkedRole"),
        &["iam:CreateServiceLinkedRole"],
    ),
    unstated(caller("access denied when calling {call} operation", None, &[])),
    of_aws(unstated(caller("access denied when calling {call}", None, &[]))),
    role(
        "lambda does not have permission to configure the vpc",
        Some("ec2:CreateNetworkInterface"),
        RootCause::FunctionRole,
        &["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"],
    ),
    beside(
        unstated(caller("you are not authorized to perform this operation", None, &[])),
        &["unauthorizedoperation", "status code: 403", "ec2", "amazonaws", "arn:aws"],
    ),
    // Any service: a role that it cannot assume.
    of_aws(trust("unable to assume role {role}", "")),
    of_aws(trust("unable to assume the role {role}", "")),
    of_aws(trust("unable to assume the given role", "")),
    of_aws(trust("unable to assume the provided role", "")),
    of_aws(trust("not authorized to assume the provided role", "")),
    of_aws(trust("could not assume role {role}", "")),
    of_aws(trust("could not assume the role {role}", "")),
    of_aws(trust("cannot assume role {role}", "")),
    of_aws(trust("cannot assume the role {role}", "")),
    of_aws(trust("failed to assume role {role}", "")),
    of_aws(trust("failed to assume the role {role}", "")),
    of_aws(trust("role {role} cannot be assumed", "")),
    of_aws(trust("role cannot be assumed", "")),
    of_aws(trust("role could not be assumed", "")),
    of_aws(trust("allow {} to assume the role", "")),
    of_aws(trust("permission to assume the role", "")),
    of_aws(trust("permission to assume the provided role", "")),
    of_aws(trust("permissions to assume the provided role", "")),
    of_aws(trust("permission to assume role {role}", "")),
    of_aws(trust("should be given assume role permissions", "")),
    // Any service: a role that lacks something.
    of_aws(unstated(role("role {role} does not have {}permission", None, RootCause::FunctionRole, &[]))),
    of_aws(unstated(role("role {role} doesn't have {}permission", None, RootCause::FunctionRole, &[]))),
    of_aws(unstated(role("role {role} is missing {}permission", None, RootCause::FunctionRole, &[]))),
    of_aws(unstated(role("role {role} lacks {}permission", None, RootCause::FunctionRole, &[]))),
    of_aws(unstated(role("role does not have {}permission", None, RootCause::FunctionRole, &[]))),
    of_aws(unstated(role("role doesn't have {}permission", None, RootCause::FunctionRole, &[]))),
    of_aws(unstated(role("role is not authorized to", None, RootCause::FunctionRole, &[]))),
    of_aws(unstated(role("insufficient permissions to access", None, RootCause::FunctionRole, &[]))),
];
