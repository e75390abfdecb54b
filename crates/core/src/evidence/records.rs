//! The records, one line for each thing that was seen.

use super::{DEPENDENT, Record, Seen};
use crate::iam::actions::PASS_ROLE;

const fn record(
    actions: &'static [&'static str],
    (code, text): (&'static str, &'static str),
    seen: Seen,
    source: &'static str,
    date: &'static str,
) -> Record {
    Record { actions, code, text, seen, source, date }
}

const OK: (&str, &str) = ("200", "");
const KEY_MISMATCH: (&str, &str) = ("ValidationException", "the provided key element does not match the schema");
const KEY_COUNT: (&str, &str) = ("ValidationException", "the number of conditions on the keys is invalid");
const KEY_MISSING: (&str, &str) = ("ValidationException", "missing the key");
const KEY_TYPE: (&str, &str) = ("ValidationException", "type mismatch for key");
const GUARDED: (&str, &str) = ("ConditionalCheckFailedException", "");
const NOT_FOUND: (&str, &str) = ("ResourceNotFoundException", "");
const EXISTS: (&str, &str) = ("ResourceAlreadyExistsException", "");
const QUERY_KEY: (&str, &str) = ("ValidationException", "query condition missed key schema element");
const QUERY_TYPE: (&str, &str) = ("ValidationException", "condition parameter type does not match schema type");
const NOT_ASSUMED: (&str, &str) = ("ValidationException", "could not assume role");
const ROLE_INVALID: (&str, &str) = ("ValidationException", "role … is invalid");
const IN_USE: (&str, &str) = ("ResourceInUse", "");
const LIMIT: (&str, &str) = ("ResourceLimitExceeded", "");

const fn validation(text: &'static str) -> (&'static str, &'static str) {
    ("ValidationException", text)
}

const fn invocation(text: &'static str) -> (&'static str, &'static str) {
    ("ValidationError", text)
}

/// What `CreateModel` is asked for.
const MODEL: &[&str] = &["sagemaker:CreateModel", "iam:PassRole"];

/// All records, by service.
#[rustfmt::skip]
pub const RECORDS: &[Record] = &[
    record(&["sts:GetCallerIdentity"], OK, Seen::Page, "STS API Reference, GetCallerIdentity", "2026-11"),
    record(&["sts:AssumeRole"], OK, Seen::Page, "STS API Reference, AssumeRole", "2026-11"),

    record(&["s3:ListBucket"], ("200 ListBucketResult", ""), Seen::Page, "S3 API Reference, ListObjectsV2", "2026-11"),
    record(&["s3:ListAllMyBuckets"], OK, Seen::Page, "S3 API Reference, ListBuckets", "2026-11"),
    record(&["s3:GetObject"], OK, Seen::Page, "S3 API Reference, GetObject", "2026-11"),
    record(&["s3:GetObject"], ("InvalidRange", ""), Seen::Page, "S3 API Reference, Error responses: the object is empty", "2026-11"),
    record(&["s3:GetObject"], ("InvalidObjectState", ""), Seen::Page, "S3 API Reference, GetObject: the object is archived", "2026-11"),
    record(&["s3:GetObject"], ("NoSuchKey", ""), Seen::Text, "S3 API Reference, GetObject: 404 is for those who also may list the bucket", "2026-11"),
    record(&["s3:GetObject"], ("NoSuchKey", ""), Seen::Against, "Ceph's gateway, a compatible server, answers so to callers who may only list", "2026-11"),
    record(&["s3:GetObject"], ("InvalidRequest", "the object was stored using a form of server side encryption"), Seen::Text, "recordings of objects under SSE-C", "2026-11"),
    record(&["s3:PutObject"], OK, Seen::Page, "S3 API Reference, PutObject", "2026-11"),
    record(&["s3:PutObject"], ("PreconditionFailed", ""), Seen::Page, "S3 User Guide, \"How to prevent object overwrites with conditional writes\": s3:PutObject enables the caller to check for the presence of objects", "2026-11"),
    record(&["s3:PutObject"], ("ConditionalRequestConflict", ""), Seen::Text, "S3 API Reference, PutObject", "2026-11"),
    record(&["s3:PutObject"], ("BadDigest", ""), Seen::Text, "JuliaCloud/AWS.jl#7, dandi/dandi-cli#1257", "2026-11"),
    record(&["s3:PutObject"], ("BadDigest", ""), Seen::Sibling, "CreateBucket, which authorizes before it looks at the name", "2026-08"),

    record(&["dynamodb:ListTables"], OK, Seen::Page, "DynamoDB API Reference, ListTables", "2026-11"),
    record(&["dynamodb:Scan"], OK, Seen::Page, "DynamoDB API Reference, Scan", "2026-11"),
    record(&["dynamodb:Scan"], NOT_FOUND, Seen::Both, "aws-samples/sam-python-crud-sample#4", "2026-11"),
    record(&["dynamodb:UpdateItem", "dynamodb:Query"], NOT_FOUND, Seen::Sibling, "GetItem and Scan, which are denied before the table is looked up", "2026-11"),
    record(&["dynamodb:GetItem"], OK, Seen::Page, "DynamoDB API Reference, GetItem", "2026-11"),
    record(&["dynamodb:GetItem"], NOT_FOUND, Seen::Both, "baseprime/dynamodb#6", "2026-11"),
    record(&["dynamodb:GetItem"], KEY_MISMATCH, Seen::Text, "mohankishore/python_dynamodb_lock#2291", "2023-06"),
    record(&["dynamodb:GetItem"], KEY_MISMATCH, Seen::Order, "baseprime/dynamodb#6, on a table that does not exist, which is looked at before its key,", "2026-11"),
    record(&["dynamodb:GetItem"], KEY_COUNT, Seen::Text, "awsdocs/aws-javascript-developer-guide-v2#32", "2020-03"),
    record(&["dynamodb:GetItem"], KEY_COUNT, Seen::Order, "baseprime/dynamodb#6, on a table that does not exist, which is looked at before its key,", "2026-11"),
    record(&["dynamodb:PutItem"], OK, Seen::Page, "DynamoDB API Reference, PutItem", "2026-11"),
    record(&["dynamodb:PutItem"], KEY_MISSING, Seen::Both, "timofeysie/acapana, README.md", "2026-11"),
    record(&["dynamodb:PutItem"], KEY_TYPE, Seen::Text, "ministackorg/ministack#1432, measured on AWS", "2026-08"),
    record(&["dynamodb:PutItem"], KEY_TYPE, Seen::Order, "timofeysie/acapana, README.md, with a key that the item lacks,", "2026-11"),
    record(&["dynamodb:PutItem"], NOT_FOUND, Seen::Both, "anbunathanr/misra-testing, ANALYSIS_COSTS_PERMISSION_FIX.md", "2026-04"),
    record(&["dynamodb:PutItem"], GUARDED, Seen::Page, "DynamoDB Developer Guide, \"Working with items and attributes\": the condition is evaluated on the item", "2026-11"),
    record(&["dynamodb:UpdateItem"], OK, Seen::Page, "DynamoDB API Reference, UpdateItem", "2026-11"),
    record(&["dynamodb:UpdateItem"], KEY_MISMATCH, Seen::Text, "floci-io/floci#2625", "2026-08"),
    record(&["dynamodb:UpdateItem"], KEY_MISMATCH, Seen::Sibling, "PutItem, which is denied before its key is looked at (timofeysie/acapana)", "2026-11"),
    record(&["dynamodb:UpdateItem"], KEY_COUNT, Seen::Text, "aws/aws-sdk-js#1570, of DynamoDB's local version", "2017-06"),
    record(&["dynamodb:UpdateItem"], KEY_COUNT, Seen::Sibling, "GetItem, whose check it is", "2026-11"),
    record(&["dynamodb:UpdateItem"], GUARDED, Seen::Page, "DynamoDB Developer Guide, \"Working with items and attributes\": the condition is evaluated on the item", "2026-11"),
    record(&["dynamodb:UpdateItem"], GUARDED, Seen::Both, "intrale/platform, docs/pipeline/kernel-iam-matriz-5211.md", "2026-08"),
    record(&["dynamodb:Query", "dynamodb:Scan"], validation("the table does not have the specified index"), Seen::Text, "awslabs/aws-sdk-ios-samples#58, aws/aws-record-ruby#64", "2016-02"),
    record(&["dynamodb:Query", "dynamodb:Scan"], validation("the table does not have the specified index"), Seen::Sibling, "GetItem, which is denied before the table's key is looked at", "2026-11"),
    record(&["dynamodb:Query"], OK, Seen::Page, "DynamoDB API Reference, Query", "2026-11"),
    record(&["dynamodb:Query"], QUERY_KEY, Seen::Text, "dynamoose/dynamoose#992", "2026-11"),
    record(&["dynamodb:Query"], QUERY_KEY, Seen::Sibling, "GetItem, which is denied before the table's key is looked at", "2026-11"),
    record(&["dynamodb:Query"], validation("query key condition not supported"), Seen::Text, "public files that quote it", "2026-11"),
    record(&["dynamodb:Query"], QUERY_TYPE, Seen::Text, "madeindra/signal-setup-guide#110", "2021-06"),

    record(&["sagemaker:CreateTrainingJob"], OK, Seen::Page, "SageMaker API Reference, CreateTrainingJob", "2026-11"),
    record(&["sagemaker:CreateTrainingJob"], NOT_ASSUMED, Seen::Text, "hashicorp/terraform-provider-aws, internal/service/sagemaker/training_job.go", "2026-11"),
    record(&["sagemaker:CreateTrainingJob"], ROLE_INVALID, Seen::Sibling, "CreateModel, which says so", "2026-11"),
    record(&["sagemaker:CreateTrainingJob"], IN_USE, Seen::Text, "SageMaker API Reference, CreateTrainingJob", "2026-11"),
    record(&["sagemaker:CreateTrainingJob"], LIMIT, Seen::Text, "SageMaker API Reference, CreateTrainingJob", "2026-11"),
    record(&["sagemaker:CreateTrainingJob"], validation("cannot find repository"), Seen::Text, "aws/amazon-sagemaker-examples#2534", "2026-11"),
    record(&["sagemaker:CreateTrainingJob"], validation("cannot find the requested image"), Seen::Text, "aws/amazon-sagemaker-examples#1476", "2026-11"),
    record(&["sagemaker:CreateTrainingJob"], validation("access denied for repository"), Seen::Text, "aws/sagemaker-spark-container#158", "2026-11"),
    record(&["sagemaker:CreateTrainingJob"], validation("access denied to outputdataconfig"), Seen::Text, "hashicorp/terraform-provider-aws, internal/service/sagemaker/training_job.go", "2026-11"),
    record(&["sagemaker:CreateTrainingJob"], validation("access denied to hub content"), Seen::Text, "hashicorp/terraform-provider-aws, internal/service/sagemaker/training_job.go", "2026-11"),
    record(&["sagemaker:CreateTrainingJob"], validation("unauthorized to list objects under s3 url"), Seen::Text, "hashicorp/terraform-provider-aws, internal/service/sagemaker/training_job.go", "2026-11"),
    record(&["sagemaker:CreateTrainingJob"], validation("no s3 objects found"), Seen::Text, "aws/amazon-sagemaker-examples#2489", "2026-11"),
    record(&["sagemaker:CreateTrainingJob"], validation("no identity-based policy allows the s3:"), Seen::Text, "hashicorp/terraform-provider-aws, internal/service/sagemaker/training_job.go", "2026-11"),
    record(&["sagemaker:CreateTrainingJob"], (DEPENDENT, PASS_ROLE), Seen::Order, "aws/sagemaker-spark#27, where a role that lacks both is denied CreateTrainingJob", "2018"),
    record(&["sagemaker:CreateTrainingJob"], (DEPENDENT, PASS_ROLE), Seen::Against, "ministryofjustice/analytical-platform#10682, on a sibling service, Bedrock", "2026-09"),
    record(&["sagemaker:DescribeTrainingJob"], OK, Seen::Page, "SageMaker API Reference, DescribeTrainingJob", "2026-11"),
    record(&["sagemaker:DescribeTrainingJob"], validation("requested resource not found"), Seen::Text, "aws/aws-sdk#165", "2022-01"),
    record(MODEL, validation("requested image … not found"), Seen::Text, "aws-samples/easy-amazon-sagemaker-deployments#4", "2021"),
    record(MODEL, validation("cannot pull"), Seen::Text, "public files that quote it", "2026-11"),
    record(MODEL, validation("does not grant ecr:"), Seen::Text, "aws/deep-learning-containers#5657", "2026-11"),
    record(MODEL, validation("ecr image … is invalid"), Seen::Text, "aws/amazon-sagemaker-examples#195, #197", "2018"),
    record(MODEL, validation("could not access model data"), Seen::Text, "aws-samples/llm-sagemaker-sample#2", "2026-11"),
    record(MODEL, validation("could not find model data"), Seen::Text, "public files that quote it", "2026-11"),
    record(MODEL, validation("cannot find repository"), Seen::Sibling, "CreateTrainingJob, which says so (aws/amazon-sagemaker-examples#2534)", "2026-11"),
    record(MODEL, validation("cannot find the requested image"), Seen::Sibling, "CreateTrainingJob, which says so (aws/amazon-sagemaker-examples#1476)", "2026-11"),
    record(MODEL, validation("access denied for repository"), Seen::Sibling, "CreateTrainingJob, which says so (aws/sagemaker-spark-container#158)", "2026-11"),
    record(MODEL, OK, Seen::Page, "SageMaker API Reference, CreateModel", "2026-11"),
    record(MODEL, NOT_ASSUMED, Seen::Text, "awslabs/predictive-maintenance-using-machine-learning#3", "2026-11"),
    record(MODEL, ROLE_INVALID, Seen::Text, "public files that quote it", "2026-11"),
    record(&["sagemaker:CreateModel"], validation("cannot create already existing model"), Seen::Text, "public files that quote it", "2026-11"),
    record(&["sagemaker:CreateModel"], LIMIT, Seen::Text, "SageMaker API Reference, CreateModel", "2026-11"),
    record(&["sagemaker:CreateModel"], (DEPENDENT, PASS_ROLE), Seen::Sibling, "aws/sagemaker-spark#27, on CreateTrainingJob", "2018"),
    record(&["sagemaker:CreateModel"], (DEPENDENT, PASS_ROLE), Seen::Against, "ministryofjustice/analytical-platform#10682, on a sibling service, Bedrock", "2026-09"),
    record(&["sagemaker:CreateEndpoint"], OK, Seen::Page, "SageMaker API Reference, CreateEndpoint", "2026-11"),
    record(&["sagemaker:CreateEndpoint"], validation("could not find endpoint configuration"), Seen::Sibling, "UpdateEndpoint, DescribeEndpointConfig and DeleteEndpointConfig, which say so (aws/amazon-sagemaker-operator-for-k8s)", "2026-11"),
    record(&["sagemaker:CreateEndpoint"], validation("could not find endpoint configuration"), Seen::Text, "SageMaker API Reference, CreateEndpoint, in other words", "2026-11"),
    record(&["sagemaker:CreateEndpoint"], validation("endpoint features are not supported using this configuration"), Seen::Text, "public files that quote it", "2026-11"),
    record(&["sagemaker:CreateEndpoint"], validation("cannot create already existing endpoint"), Seen::Text, "public files that quote it", "2026-11"),
    record(&["sagemaker:CreateEndpoint"], LIMIT, Seen::Text, "SageMaker API Reference, CreateEndpoint", "2026-11"),
    record(&["sagemaker:InvokeEndpoint"], OK, Seen::Page, "SageMaker API Reference, InvokeEndpoint", "2026-11"),
    record(&["sagemaker:InvokeEndpoint"], ("ModelError", ""), Seen::Page, "SageMaker API Reference, InvokeEndpoint: the model answered", "2026-11"),
    record(&["sagemaker:InvokeEndpoint"], invocation("endpoint … of account … not found"), Seen::Text, "aws/amazon-sagemaker-examples#293", "2026-11"),
    record(&["sagemaker:InvokeEndpoint"], invocation("not a multi-model endpoint"), Seen::Text, "aws/amazon-sagemaker-examples#1216", "2026-11"),
    record(&["sagemaker:InvokeEndpoint"], invocation("inference component name header is required"), Seen::Text, "langchain-ai/langchain#16150", "2026-11"),

    record(&["sagemaker:InvokeEndpoint"], invocation("is missing a target model header"), Seen::Text, "public files that quote it", "2026-11"),
    record(&["sagemaker:InvokeEndpoint"], invocation("failed to download model data"), Seen::Text, "public files that quote it", "2026-11"),
    record(&["sagemaker:InvokeEndpoint"], invocation("does not support this inference type"), Seen::Text, "public files that quote it", "2026-11"),

    record(&["logs:DescribeLogGroups"], OK, Seen::Page, "CloudWatch Logs API Reference, DescribeLogGroups", "2026-11"),
    record(&["logs:CreateLogGroup"], OK, Seen::Page, "CloudWatch Logs API Reference, CreateLogGroup", "2026-11"),
    record(&["logs:CreateLogGroup"], EXISTS, Seen::Both, "widdix/aws-cf-templates#308", "2026-11"),
    record(&["logs:CreateLogStream"], OK, Seen::Page, "CloudWatch Logs API Reference, CreateLogStream", "2026-11"),
    record(&["logs:CreateLogStream"], EXISTS, Seen::Both, "buildkite/lifecycled#121", "2026"),
    record(&["logs:CreateLogStream"], NOT_FOUND, Seen::Text, "LocalStack's snapshots of AWS's answers", "2026-11"),
    record(&["logs:CreateLogStream"], NOT_FOUND, Seen::Order, "buildkite/lifecycled#121", "2026"),
    record(&["logs:PutLogEvents"], ("200 rejectedLogEventsInfo", ""), Seen::Page, "CloudWatch Logs API Reference, PutLogEvents: events that are too old are rejected", "2026-11"),
    record(&["logs:PutLogEvents"], ("200 rejectedLogEventsInfo", ""), Seen::Text, "aws/aws-for-fluent-bit#523", "2026-11"),
    record(&["logs:PutLogEvents"], ("DataAlreadyAcceptedException", ""), Seen::Text, "CloudWatch Logs API Reference, PutLogEvents", "2026-11"),
    record(&["logs:PutLogEvents"], ("InvalidSequenceTokenException", ""), Seen::Text, "CloudWatch Logs API Reference, PutLogEvents", "2026-11"),
    record(&["logs:PutLogEvents"], NOT_FOUND, Seen::Text, "LocalStack's snapshots of AWS's answers", "2026-11"),
    record(&["logs:PutLogEvents"], NOT_FOUND, Seen::Order, "widdix/aws-cf-templates#308", "2026-11"),
];
