//! What is known of each answer that proves "allowed": by whom it was seen, and where.
//!
//! A proof's grade is not written by hand. It follows from these records, by
//! one rule ([`grade`]), so that a new recording is one more line here.

use crate::verdict::{Grade, Proof};

/// One thing that was seen of one answer to one action's request.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// The actions whose requests were answered so, as IAM writes them.
    pub actions: &'static [&'static str],
    /// The code of the error, or the name of the success, as in [`Proof`].
    pub code: &'static str,
    /// The text of the error, as in [`Proof`].
    pub text: &'static str,
    pub seen: Seen,
    /// The page's title, or the thread: `owner/repository#number`.
    pub source: &'static str,
    /// When it was written, as far as that is known, else when it was read: year and month.
    pub date: &'static str,
}

/// What a source shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A page of AWS says that the operation gives this answer once it is authorized.
    Page,
    /// AWS gave this answer to this operation, in a recording.
    Text,
    /// In a recording, AWS denied a principal without the action in the same
    /// circumstances, or in circumstances that AWS looks at earlier still.
    Order,
    /// One recording shows both.
    Both,
    /// The order is taken from another operation, or from parts of two recordings.
    Sibling,
    /// A recording of a sibling speaks against the order.
    Against,
}

/// The rule. Documented: a page says it. Observed: the text was recorded for this
/// operation, and a principal without the action was denied in the same
/// circumstances. Inferred: all else.
pub fn grade(seen: impl Iterator<Item = Seen>) -> Grade {
    let (mut text, mut order, mut page, mut against) = (false, false, false, false);
    for seen in seen {
        text |= matches!(seen, Seen::Text | Seen::Both);
        order |= matches!(seen, Seen::Order | Seen::Both);
        page |= seen == Seen::Page;
        against |= seen == Seen::Against;
    }
    match () {
        () if against => Grade::Inferred,
        () if page => Grade::Documented,
        () if text && order => Grade::Observed,
        () => Grade::Inferred,
    }
}

/// The records of one proof of one action.
pub fn of(action: &str, code: &str, text: &str) -> impl Iterator<Item = &'static Record> {
    RECORDS.iter().filter(move |record| record.code == code && record.text == text && record.actions.contains(&action))
}

/// How sure a proof is, and what that rests on, in a sentence.
pub fn basis(action: &str, proof: &Proof) -> (Grade, String) {
    let (code, text) = proof.answer.key();
    describe(of(action, code, text))
}

/// The same of a denial that names an action which AWS looks at only after this one.
pub fn dependent_basis(action: &str, denied: &str) -> (Grade, String) {
    // Actions are compared without case, and only one has records of its own.
    let denied = if denied.eq_ignore_ascii_case(PASS_ROLE) { PASS_ROLE } else { denied };
    let (grade, said) = describe(of(action, DEPENDENT, denied));
    let general = format!("AWS denied {denied}, an action that it looks at only after this one");
    // No page says so of any of them.
    let grade = grade.max(Grade::Inferred);
    (grade, if said.is_empty() { general } else { format!("{general}; {said}") })
}

const PASS_ROLE: &str = "iam:PassRole";

/// The code under which the records of a denial of a dependent action stand; their text is that action.
pub const DEPENDENT: &str = "AccessDeniedException";

/// The grade, and what it rests on.
fn describe(records: impl Iterator<Item = &'static Record>) -> (Grade, String) {
    // The first record of each kind speaks for it, in the order of `Seen`.
    let mut first = [None; 6];
    for record in records {
        first[record.seen as usize].get_or_insert(record.source);
    }
    let of = |seen: Seen| first[seen as usize];
    let kinds = [Seen::Page, Seen::Text, Seen::Order, Seen::Both, Seen::Sibling, Seen::Against];
    let grade = grade(kinds.into_iter().filter(|seen| of(*seen).is_some()));
    let said = match grade {
        Grade::Documented => of(Seen::Page).unwrap_or_default().to_owned(),
        Grade::Observed => match of(Seen::Both) {
            Some(both) => format!("{both} shows the text, and a denial in the same circumstances"),
            None => format!(
                "{} shows the text; {} a denial in the same circumstances",
                of(Seen::Text).unwrap_or_default(),
                of(Seen::Order).unwrap_or_default()
            ),
        },
        Grade::Inferred => {
            let mut parts = Vec::new();
            parts.extend(of(Seen::Text).or(of(Seen::Page)).map(|source| format!("{source} shows the text")));
            parts.extend(of(Seen::Order).or(of(Seen::Sibling)).map(|source| format!("for the order: {source}")));
            parts.extend(of(Seen::Against).map(|source| format!("against the order: {source}")));
            if !parts.is_empty() {
                parts.push("that AWS authorizes first is inferred".to_owned());
            }
            parts.join("; ")
        }
    };
    (grade, said)
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::ALL;

    #[test]
    fn the_grade_follows_from_what_was_seen() {
        use Seen::{Against, Both, Order, Page, Sibling, Text};
        for (seen, expected) in [
            (&[][..], Grade::Inferred),
            (&[Page], Grade::Documented),
            (&[Text], Grade::Inferred),
            (&[Order], Grade::Inferred),
            (&[Text, Order], Grade::Observed),
            (&[Both], Grade::Observed),
            (&[Text, Sibling], Grade::Inferred),
            (&[Page, Both], Grade::Documented),
            (&[Both, Against], Grade::Inferred),
            (&[Page, Against], Grade::Inferred),
        ] {
            assert_eq!(grade(seen.iter().copied()), expected, "{seen:?}");
        }
    }

    #[test]
    fn every_proof_has_a_record_and_every_record_a_proof() {
        for probe in ALL {
            for proof in probe.proofs {
                let (code, text) = proof.answer.key();
                assert!(of(probe.action, code, text).next().is_some(), "{}: no record of {code} {text}", probe.action);
                assert!(!basis(probe.action, proof).1.is_empty(), "{}: {code} {text}", probe.action);
            }
        }
        for record in RECORDS {
            assert!(!record.source.is_empty() && !record.actions.is_empty(), "{record:?}");
            let date = record.date.strip_prefix("20").unwrap_or_else(|| panic!("{record:?}"));
            assert!(date.bytes().all(|b| b.is_ascii_digit() || b == b'-') && matches!(date.len(), 2 | 5), "{record:?}");
            for action in record.actions {
                let probe = ALL.iter().find(|probe| probe.action == *action).unwrap_or_else(|| panic!("{record:?}"));
                let proves = probe.proofs.iter().any(|proof| proof.answer.key() == (record.code, record.text));
                let dependent = record.code == DEPENDENT && probe.behind.contains(&record.text);
                assert!(proves || dependent, "{action} takes this for no proof: {record:?}");
            }
        }
    }

    #[test]
    fn a_denial_of_a_dependent_action_says_what_it_rests_on() {
        let (grade, said) = dependent_basis("sagemaker:CreateTrainingJob", "IAM:PassRole");
        assert_eq!(grade, Grade::Inferred);
        assert!(
            said.contains("for the order: aws/sagemaker-spark#27") && said.contains("against the order: ministry"),
            "{said}"
        );
        assert_eq!(dependent_basis("s3:GetObject", "kms:Decrypt").0, Grade::Inferred);
    }
}
