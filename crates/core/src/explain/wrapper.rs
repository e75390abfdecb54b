//! What SDKs, shells and services wrap around an error: its code, the operation that was called, and the service.

use crate::explain::pattern::Searched;
use crate::iam::catalogue;

/// An error in its wrapper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped<'a> {
    /// The error code, such as `AccessDenied`.
    pub code: &'a str,
    /// The operation that was called, such as `PutObject`.
    pub operation: Option<&'a str>,
    /// The service, as the SDK names it.
    pub service: Option<&'a str>,
}

/// The codes that stand for a denial (the services' API references, "Common Errors"; S3 API Reference, "Error
/// responses"; EC2 API Reference, "Common client error codes").
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AccessDeniedError",
    "AccessDeniedFault",
    "AccessDeniedErrorException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "Client.UnauthorizedOperation",
    "Client.UnauthorizedException",
    "Client.AccessDenied",
    "Forbidden",
    "ForbiddenException",
    "KMS.AccessDeniedException",
    "KMSAccessDeniedException",
    "KMSAccessDenied",
    "NotAuthorized",
    "Unauthorized",
    "UnauthorizedException",
    "UnauthorizedOperation",
    "403",
];

/// What S3 says under the code of a denial, and is about the request and no permission.
const NO_DENIAL: &[&str] = &[
    "headers present in the request which were not signed",
    "request has expired",
    "all access to this object has been disabled",
    "multifactorauthentication failed",
    "query-string authentication requires",
    "with session credentials",
    "session token not found or invalid",
    "getrolecredentials operation: no access",
    "protected by object lock",
    "worm protected",
    "invalid according to policy",
    "valid date or x-amz-date header",
    // Other clouds, and servers that are compatible with S3: the names of their hosts, resources and requests.
    "cloudflarestorage.com",
    "digitaloceanspaces.com",
    "backblazeb2.com",
    "storage.googleapis.com",
    "aliyuncs.com",
    "myqcloud.com",
    "qcs::",
    "acs:",
    "request id: tx0000",
    "requestid>tx0000",
];

/// Whether a text is one of those that look like a denial by AWS, and are none.
pub fn is_about_the_request(searched: &Searched<'_>) -> bool {
    NO_DENIAL.iter().any(|words| searched.has(words))
}

/// Whether an error code stands for a denial.
pub fn is_denied(code: &str) -> bool {
    DENIED.iter().any(|denied| denied.eq_ignore_ascii_case(code))
}

/// Codes that say nothing without a service of AWS's beside them: any server answers them.
const OF_ANY_SERVER: &[&str] = &["403", "Forbidden", "Unauthorized", "UnauthorizedException", "ForbiddenException"];

impl Wrapped<'_> {
    /// Whether the error is a denial.
    pub fn is_denied(&self) -> bool {
        let is_known = self.operation.is_some() || self.service.is_some();
        is_denied(self.code) && (is_known || !OF_ANY_SERVER.iter().any(|code| code.eq_ignore_ascii_case(self.code)))
    }
}

/// The forms of wrappers, with what stands in their gaps.
const FORMS: &[&str] = &[
    // The AWS CLI, boto3.
    "an error occurred ({code}) when calling the {operation} operation",
    "a client error ({code}) occurred when calling the {operation} operation",
    // The AWS SDK for Go v2.
    "operation error {service}: {operation}, https response error statuscode: {}, api error {code}:",
    "operation error {service}: {operation}, {}api error {code}:",
    // The AWS SDK for Java v1, Scala, Spark.
    "(service: {service}; status code: {}; error code: {code};",
    // The AWS SDK for PHP.
    "error executing \"{operation}\" on \"https://{service}.amazonaws.com{}</code>{}<code>{code}</code>",
    "error executing \"{operation}\" on \"https://{service}.amazonaws.com{} 403 forbidden{} {code} (client)",
    // XML of S3, EC2 and SQS.
    "<code>{code}</code>",
    // The AWS SDK for Rust.
    "code: some(\"{code}\"), message: some(",
    // The JSON protocols.
    "\"__type\":\"{code}\"",
    "\"__type\": \"{code}\"",
    "x-amzn-errortype: {code}",
    // Older SDKs for Java and PHP.
    "aws error code: {code}, ",
    "s3 error: 403 ({code})",
    "aws error {code} during {operation} operation",
    "s3::{operation}(): [{code}]",
    // R.
    "$ code : chr \"{code}\"",
    // Ruby.
    "::errors::{code}",
    // The AWS SDK for .NET.
    "error making request with error code {code} and http status code forbidden",
    "amazon.s3.amazons3exception: {code}: ",
];

/// Forms without a code, which mean the denial of a service.
const BARE: &[(&str, &str)] = &[
    ("amazons3exception: access denied", "S3"),
    ("amazons3exception: forbidden", "S3"),
    ("s3exception: access denied", "S3"),
    ("access denied (service: s3, status code: 403", "S3"),
    ("(service: s3, status code: 403", "S3"),
    ("(service: amazon s3; status code: 403", "S3"),
    ("s3 status code: 403", "S3"),
    ("services/s3.js", "S3"),
    ("s3exception: service returned error code 403", "S3"),
    ("headobjecterror", "S3"),
    ("parse_aws_s3_response", "S3"),
    ("s3fs", "S3"),
    ("s3 presigned url", "S3"),
    ("extendedrequestid:", "S3"),
    ("for s3 bucket", "S3"),
    ("accessdenied: access denied", "S3"),
    ("s3://", "S3"),
    ("code: accessdenied message: access denied requestid:", "S3"),
    ("get-s3object : access denied", "S3"),
    ("write-s3object : access denied", "S3"),
];

/// The error in the text, where it has a wrapper that is known.
pub fn read<'a>(searched: &Searched<'a>) -> Option<Wrapped<'a>> {
    if is_about_the_request(searched) {
        return None;
    }
    for form in FORMS {
        let Some(parts) = searched.find(form) else { continue };
        let part = |name: &str| parts.iter().find(|(known, _)| *known == name).map(|(_, part)| *part);
        let code = part("code").unwrap_or_default();
        // Namespaces stand before it, and a URL behind it.
        let code = code.rsplit('#').next().unwrap_or(code).split(':').next().unwrap_or(code);
        // The C++ SDK writes codes with underscores.
        let code = if code == "ACCESS_DENIED" { "AccessDenied" } else { code };
        if code.is_empty() || code.len() > 80 || code.contains(' ') {
            continue;
        }
        let of_s3 = ["amazon.s3.", "s3exception", "aws::s3::", "s3 error: ", "services.s3."];
        let named = of_s3.iter().any(|words| searched.has(words)).then_some("S3");
        return Some(Wrapped { code, operation: part("operation"), service: part("service").or(named) });
    }
    of_go(searched).or_else(|| of_node(searched)).or_else(|| {
        let (_, service) = BARE.iter().find(|(words, _)| searched.has(words))?;
        let words = ["access denied", "forbidden", "accessdenied", "status: 403", "statuscode: 403", "error code 403"];
        let is_denied = words.iter().any(|words| searched.has(words));
        is_denied.then_some(Wrapped { code: "AccessDenied", operation: None, service: Some(service) })
    })
}

/// The AWS SDK for Go v1, which Terraform and others print: `CODE: message status code: 403, request id: …`.
fn of_go<'a>(searched: &Searched<'a>) -> Option<Wrapped<'a>> {
    if !searched.has("status code: 403, request id:") && !searched.has("status code: 400, request id:") {
        return None;
    }
    let code = DENIED.iter().find(|code| searched.has(&format!("{}: ", code.to_ascii_lowercase())))?;
    let service = searched.has("s3").then_some("S3");
    Some(Wrapped { code, operation: None, service })
}

/// The AWS SDKs for JavaScript, which print the code as the name of an error, with AWS's fields behind it.
fn of_node<'a>(searched: &Searched<'a>) -> Option<Wrapped<'a>> {
    let of_sdk = ["$fault", "$metadata", "requestid", "aws-sdk", "extendedrequestid", "x-amz", "@aws-sdk", "amazonaws"];
    if !of_sdk.iter().any(|words| searched.has(words)) {
        return None;
    }
    let named = |code: &&&str| {
        let code = code.to_ascii_lowercase();
        [
            format!("{code}: "),
            format!("code: '{code}'"),
            format!("\"code\":\"{code}\""),
            format!("\"code\": \"{code}\""),
        ]
        .iter()
        .any(|words| searched.has(words))
    };
    let code = DENIED.iter().filter(|code| !OF_ANY_SERVER.contains(code)).find(named)?;
    let service = (searched.has("s3") || searched.has("bucket")).then_some("S3");
    Some(Wrapped { code, operation: None, service })
}

/// What IAM calls the operations of S3 whose names it does not share (Service Authorization Reference, "Amazon S3").
const OF_S3: &[(&str, &str)] = &[
    ("ListObjects", "s3:ListBucket"),
    ("ListObjectsV2", "s3:ListBucket"),
    ("HeadBucket", "s3:ListBucket"),
    ("ListObjectVersions", "s3:ListBucketVersions"),
    ("ListBuckets", "s3:ListAllMyBuckets"),
    ("HeadObject", "s3:GetObject"),
    ("SelectObjectContent", "s3:GetObject"),
    ("CreateMultipartUpload", "s3:PutObject"),
    ("UploadPart", "s3:PutObject"),
    ("CompleteMultipartUpload", "s3:PutObject"),
    ("PostObject", "s3:PutObject"),
    ("CopyObject", "s3:PutObject"),
    ("DeleteObjects", "s3:DeleteObject"),
    ("ListMultipartUploads", "s3:ListBucketMultipartUploads"),
    ("ListParts", "s3:ListMultipartUploadParts"),
    ("GetBucketEncryption", "s3:GetEncryptionConfiguration"),
    ("PutBucketEncryption", "s3:PutEncryptionConfiguration"),
    ("GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration"),
    ("PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
    ("GetBucketReplication", "s3:GetReplicationConfiguration"),
    ("PutBucketReplication", "s3:PutReplicationConfiguration"),
    ("GetBucketCors", "s3:GetBucketCORS"),
    ("PutBucketCors", "s3:PutBucketCORS"),
    ("GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
    ("PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
    ("GetBucketNotificationConfiguration", "s3:GetBucketNotification"),
    ("PutBucketNotificationConfiguration", "s3:PutBucketNotification"),
];

/// The names of services as SDKs write them, where IAM has another one.
const SERVICES: &[(&str, &str)] = &[
    ("amazon s3", "s3"),
    ("amazondynamodbv2", "dynamodb"),
    ("amazon dynamodb", "dynamodb"),
    ("amazonsagemaker", "sagemaker"),
    ("sagemaker runtime", "sagemaker"),
    ("amazonec2", "ec2"),
    ("amazonecr", "ecr"),
    ("amazonsqs", "sqs"),
    ("amazonsns", "sns"),
    ("awskms", "kms"),
    ("awslambda", "lambda"),
    ("awsglue", "glue"),
    ("cloudwatch logs", "logs"),
    ("awslogs", "logs"),
    ("awssecretsmanager", "secretsmanager"),
    ("secrets manager", "secretsmanager"),
    ("awssecuritytokenservice", "sts"),
    ("monitoring", "cloudwatch"),
    ("sfn", "states"),
    ("eventbridge", "events"),
];

/// The action that an operation stands for, where that is one only.
pub fn action_of(service: Option<&str>, operation: &str) -> Option<String> {
    if operation.is_empty() || !operation.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let service = service.map(str::to_ascii_lowercase).map(|service| {
        let known = SERVICES.iter().find(|(name, _)| *name == service);
        known.map_or_else(
            || service.split(['.', ' ']).next().unwrap_or_default().to_owned(),
            |(_, iam)| (*iam).to_owned(),
        )
    });
    let of_s3 = OF_S3.iter().find(|(name, _)| name.eq_ignore_ascii_case(operation)).map(|(_, action)| *action);
    match service.as_deref() {
        Some("s3") if of_s3.is_some() => of_s3.map(str::to_owned),
        Some(service) if catalogue::has_service(service) => {
            catalogue::find(&format!("{service}:{operation}")).map(|action| action.name)
        }
        _ => of_s3.map(str::to_owned).or_else(|| only(&catalogue::actions_named(operation))),
    }
}

/// The one that is meant: several services have operations of the same name, and S3's are the ones that people call.
fn only(actions: &[String]) -> Option<String> {
    match actions {
        [one] => Some(one.clone()),
        // What nearly every service has, such as TagResource, is no one's.
        [] | [_, _, _, _, _, _, _, ..] => None,
        several => several.iter().find(|action| action.starts_with("s3:") || action.starts_with("sqs:")).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_the_action_that_iam_knows() {
        for (service, operation, action) in [
            (None, "PutObject", Some("s3:PutObject")),
            (None, "ListObjectsV2", Some("s3:ListBucket")),
            (Some("S3"), "HeadObject", Some("s3:GetObject")),
            (Some("Amazon S3"), "GetObject", Some("s3:GetObject")),
            (Some("SageMaker"), "CreateTrainingJob", Some("sagemaker:CreateTrainingJob")),
            (None, "CreateTrainingJob", Some("sagemaker:CreateTrainingJob")),
            (None, "RunInstances", Some("ec2:RunInstances")),
            (None, "NoSuchOperation", None),
            (None, "TagResource", None),
        ] {
            assert_eq!(action_of(service, operation).as_deref(), action, "{service:?} {operation}");
        }
    }

    #[test]
    fn the_code_is_read_in_the_wrappers_of_the_sdks() {
        for (text, code, operation) in [
            (
                "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the PutObject operation: Access Denied",
                "AccessDenied",
                Some("PutObject"),
            ),
            (
                "operation error S3: GetObject, https response error StatusCode: 403, RequestID: A, HostID: B, api error AccessDenied: Access Denied",
                "AccessDenied",
                Some("GetObject"),
            ),
            (
                "Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; Request ID: X)",
                "AccessDenied",
                None,
            ),
            ("<Error><Code>AccessDenied</Code><Message>Access Denied</Message>", "AccessDenied", None),
            ("{\"__type\":\"com.amazon#AccessDeniedException\"}", "AccessDeniedException", None),
            ("AccessDenied: Access Denied\n\tstatus code: 403, request id: X", "AccessDenied", None),
        ] {
            let searched = Searched::new(text);
            let wrapped = read(&searched).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((wrapped.code, wrapped.operation), (code, operation), "{text}");
            assert!(wrapped.is_denied());
        }
        assert_eq!(read(&Searched::new("403 Forbidden nginx")), None);
    }
}
