//! CloudFormation's custom resource (CloudFormation Template Reference, "Custom
//! resource request fields" and "Custom resource response fields").
//!
//! - Create and Update pass if the check does.
//! - Delete passes at once: a stack whose gate cannot be deleted is stuck.
//! - An Update back to properties that have passed before passes at once, too.
//!   After an Update that failed, CloudFormation goes back by another Update
//!   (observed: aws-powertools/powertools-lambda-java#1082), and a stack whose
//!   gate fails then is stuck as well. The properties that passed are known by
//!   the physical id, which CloudFormation keeps and sends along.

use std::time::Duration;

use permissions_aws::answer::error_chain;
use permissions_aws::http_client::Connections;
use permissions_core::iam::names::{is_account, is_region};
use permissions_core::iam::partition::partition_of;
use permissions_core::problem::Problem;
use permissions_core::text::Rendering;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::gate::{GateDecision, problem, read_text};

/// A request of CloudFormation's. Its debug form leaves the URL out: whoever has it can answer.
#[derive(PartialEq, Eq)]
pub struct CustomResource {
    request_type: RequestType,
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    /// The id that the resource has had, from Update and Delete.
    former_id: Option<String>,
    properties: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum RequestType {
    Create,
    Update,
    Delete,
    Other(String),
}

/// The longest answer, in bytes (CloudFormation Template Reference, "Custom resource response fields").
const MAX_ANSWER_BYTES: usize = 4096;

/// How long to wait before each attempt to answer.
const RETRY_DELAYS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// How long one attempt may take.
const MAX_ATTEMPT: Duration = Duration::from_secs(3);

impl std::fmt::Debug for CustomResource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CustomResource({:?} of {} in {})", self.request_type, self.logical_resource_id, self.stack_id)
    }
}

impl CustomResource {
    /// # Errors
    ///
    /// Without any of these, CloudFormation cannot be answered.
    pub fn parse(event: &Value, stand_in: Option<&str>, region: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut read = |name: &str, expected: &str, valid: fn(&str) -> bool| {
            let text = read_text(event, name, expected, &mut problems);
            if !text.is_empty() && !valid(&text) {
                problems.push(problem(name, Some(text.clone()), expected));
            }
            text
        };
        // What has a URL and ids can be told what is wrong with the rest.
        let request_type = match event["RequestType"].as_str().unwrap_or_default() {
            "Create" => RequestType::Create,
            "Update" => RequestType::Update,
            "Delete" => RequestType::Delete,
            other => RequestType::Other(other.to_owned()),
        };
        let resource = Self {
            request_type,
            stack_id: read("StackId", "the ARN of a CloudFormation stack, of at most 1024 characters", is_stack),
            request_id: read("RequestId", "the id of a request: 1 to 128 characters of ASCII", is_request_id),
            logical_resource_id: read(
                "LogicalResourceId",
                "the resource's name in the template: 1 to 255 letters and digits",
                is_logical_id,
            ),
            former_id: Some(event["PhysicalResourceId"].clone()).filter(|id| !id.is_null()).map(|id| match id {
                Value::String(id) => id,
                other => other.to_string(),
            }),
            response_url: event["ResponseURL"].as_str().unwrap_or_default().to_owned(),
            properties: event["ResourceProperties"].clone(),
        };
        if let Some(id) = resource.former_id.as_ref().filter(|id| !is_physical_id(id)) {
            let expected = "the id of a resource: 1 to 1024 bytes, no control characters";
            problems.push(problem("PhysicalResourceId", Some(id.clone()), expected));
        }
        if !takes_answers(&resource.response_url, stand_in, region) {
            // The URL itself is a credential, and is not told.
            let expected = "the https URL of the bucket in which CloudFormation waits in the function's own Region";
            problems.push(problem("ResponseURL", Some("one that nothing is sent to".to_owned()), expected));
        }
        if problems.is_empty() { Ok(resource) } else { Err(problems) }
    }

    pub fn is_deleted(&self) -> bool {
        self.request_type == RequestType::Delete
    }

    pub fn decision_without_check(&self) -> Option<GateDecision> {
        let passes = |reason: &str| Some(GateDecision { passes: true, reason: reason.to_owned() });
        match &self.request_type {
            RequestType::Delete => passes("Nothing was checked: a gate that is deleted stops nothing."),
            RequestType::Update if self.former_id.as_ref() == Some(&self.id_of_properties()) => {
                passes("Nothing was checked: these properties have passed before, and the stack goes back to them.")
            }
            _ if self.properties.is_string() => {
                Some(GateDecision::failed("ResourceProperties are too large; expected an object of at most 512 KiB."))
            }
            RequestType::Create | RequestType::Update => None,
            RequestType::Other(other) if other.is_empty() => {
                Some(GateDecision::failed("RequestType is not set; expected Create, Update or Delete."))
            }
            RequestType::Other(other) => {
                let other = Rendering::new(false).text(&other.as_str().into());
                Some(GateDecision::failed(format!("RequestType is {other:?}; expected Create, Update or Delete.")))
            }
        }
    }

    /// The options of the check: the property `Probe`, or `probe` as in an event.
    /// CloudFormation makes texts of numbers and truth values (observed:
    /// aws-cloudformation/cloudformation-coverage-roadmap#1037).
    pub fn options(&self) -> Value {
        let given =
            ["Probe", "probe"].iter().find_map(|name| self.properties.get(name)).filter(|given| !given.is_null());
        let mut options = given.cloned().unwrap_or_else(|| json!({}));
        for value in options.as_object_mut().into_iter().flat_map(|options| options.values_mut()) {
            let meant = value.as_str().and_then(|text| match text {
                "true" => Some(true.into()),
                "false" => Some(false.into()),
                number => number.parse::<u64>().ok().map(Value::from),
            });
            if let Some(meant) = meant {
                *value = meant;
            }
        }
        options
    }

    /// The id of a resource with these properties.
    fn id_of_properties(&self) -> String {
        // Keys are in order, whatever order they came in. FNV-1a, of 64 bits.
        let mut properties = self.properties.clone();
        // It names the account, and CloudFormation takes no update of it (observed: serverless/serverless#9240,
        // "Modifying service token is not allowed").
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("ServiceToken");
        }
        let properties = properties.to_string();
        let hash = properties
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        format!("permissions-probe:{}:{hash:016x}", self.logical_resource_id)
    }

    /// The id that the resource has after the answer. Only what has passed is
    /// known by the id of its properties; an Update that passes so makes a
    /// resource of a new id, and CloudFormation deletes the one of the old id.
    fn physical_resource_id(&self, passes: bool) -> String {
        match (&self.request_type, &self.former_id) {
            (RequestType::Create | RequestType::Update, _) if passes => self.id_of_properties(),
            (_, Some(known)) => known.clone(),
            (_, None) => format!("permissions-probe:{}:not-passed", self.logical_resource_id),
        }
    }

    /// The answer, within its longest size.
    fn body(&self, decision: &GateDecision) -> Vec<u8> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Body<'a> {
            status: &'a str,
            reason: &'a str,
            physical_resource_id: &'a str,
            stack_id: &'a str,
            request_id: &'a str,
            logical_resource_id: &'a str,
        }
        let physical_resource_id = self.physical_resource_id(decision.passes);
        let body = |reason: &str| {
            let body = Body {
                status: if decision.passes { "SUCCESS" } else { "FAILED" },
                reason,
                physical_resource_id: &physical_resource_id,
                stack_id: &self.stack_id,
                request_id: &self.request_id,
                logical_resource_id: &self.logical_resource_id,
            };
            serde_json::to_vec(&body).unwrap_or_default()
        };
        let whole = body(&decision.reason);
        if whole.len() <= MAX_ANSWER_BYTES {
            return whole;
        }
        // As JSON, a character can take up to six bytes.
        let mut left = MAX_ANSWER_BYTES.saturating_sub(body("…").len());
        let fits = |c: &char| {
            let size = serde_json::to_string(c).map_or(usize::MAX, |text| text.len() - 2);
            let fits = size <= left;
            left = left.saturating_sub(size);
            fits
        };
        let cut: String = decision.reason.chars().take_while(fits).collect();
        body(&(cut + "…"))
    }

    /// # Errors
    ///
    /// Why no attempt came through.
    pub async fn answer(&self, decision: &GateDecision, connections: &Connections) -> Result<(), Problem> {
        let body = self.body(decision);
        let mut failure = String::new();
        for wait in RETRY_DELAYS {
            sleep(wait).await;
            failure = match timeout(MAX_ATTEMPT, connections.put(&self.response_url, body.clone())).await {
                Ok(Ok(200..=299)) => return Ok(()),
                // A redirect or a request that S3 timed out waiting for is one to try again (S3 API Reference, "Error responses").
                Ok(Ok(status)) if status < 500 && !matches!(status, 307 | 400 | 408 | 429) => {
                    return Err(unanswered(&format!("HTTP status {status}")));
                }
                Ok(Ok(status)) => format!("HTTP status {status}"),
                Ok(Err(error)) => error_chain(&error),
                Err(_) => format!("no answer within {} s", MAX_ATTEMPT.as_secs()),
            };
        }
        Err(unanswered(&failure))
    }
}

fn unanswered(failure: &str) -> Problem {
    problem(
        "ResponseURL",
        Some(failure.to_owned()),
        "HTTP status 200 of the bucket that CloudFormation waits at; in a VPC, the function needs a way to Amazon S3",
    )
}

/// Whether an answer may be sent there: to the bucket in which CloudFormation
/// waits in this Region, or to the host and the port that stand for it.
///
/// The name of the bucket is documented (CloudFormation User Guide, "Setting up
/// VPC endpoints": `cloudformation-custom-resource-response-` and the Region
/// without its dashes). The hosts are those of recorded events: the bucket's, in S3's virtual-hosted
/// form, with the Region behind a dot, behind a dash, or left out.
fn takes_answers(url: &str, stand_in: Option<&str>, region: &str) -> bool {
    let Some((host, port)) = authority(url, "https://") else { return false };
    // The port of a stand-in that names none is its scheme's, which an answer never goes to in the clear.
    let local = stand_in.and_then(|url| authority(url, "https://").or_else(|| authority(url, "http://")));
    if local == Some((host, port)) {
        return true;
    }
    let bucket = format!("cloudformation-custom-resource-response-{}.", region.replace('-', ""));
    let partition = partition_of(region);
    let hosts = [String::new(), format!(".{region}"), format!("-{region}")]
        .map(|region| format!("s3{region}.{}", partition.dns_suffix));
    port == "443" && host.strip_prefix(&bucket).is_some_and(|rest| hosts.iter().any(|host| host == rest))
}

/// The host and the port of a URL, by their characters.
fn authority<'a>(url: &'a str, scheme: &str) -> Option<(&'a str, &'a str)> {
    let authority = url.strip_prefix(scheme)?.split(['/', '?', '#']).next()?;
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let plain = host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
    let digits = !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    (plain && !host.is_empty() && digits).then_some((host, port))
}

/// CloudFormation API Reference, `DescribeStacks`: the form of a stack's id.
fn is_stack(id: &str) -> bool {
    let parts: Vec<&str> = id.splitn(6, ':').collect();
    let [arn, partition, "cloudformation", region, account, resource] = parts[..] else { return false };
    id.len() <= 1024
        && arn == "arn"
        && partition.starts_with("aws")
        && is_region(region)
        && is_account(account)
        && resource
            .strip_prefix("stack/")
            .and_then(|rest| rest.split_once('/'))
            .is_some_and(|(name, id)| !name.is_empty() && !id.is_empty() && !id.contains('/'))
        && id.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
}

/// CloudFormation says of it only that it is unique (Template Reference, "Custom resource request fields").
fn is_request_id(id: &str) -> bool {
    id.len() <= 128 && id.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
}

/// CloudFormation User Guide, "Resources": a logical id is alphanumeric.
fn is_logical_id(id: &str) -> bool {
    id.len() <= 255 && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// CloudFormation Template Reference, "Custom resource response fields": up to 1 KB, and not empty.
fn is_physical_id(id: &str) -> bool {
    (1..=1024).contains(&id.len()) && !id.chars().any(char::is_control)
}

#[cfg(test)]
mod tests;
