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

use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::answer::told;
use crate::config::Problem;
use crate::gate::{Decision, problem, text};
use crate::http::Connections;
use crate::probe::PARTITIONS;
use crate::redact;

/// A request of CloudFormation's. Its debug form leaves the URL out: whoever has it can answer.
#[derive(PartialEq, Eq)]
pub struct CustomResource {
    request_type: RequestType,
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
    /// The id that the resource has had, from Update and Delete.
    known_as: Option<String>,
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
const LONGEST: usize = 4096;

/// How long to wait before each attempt to answer.
const ATTEMPTS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(3);

impl std::fmt::Debug for CustomResource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CustomResource({:?} of {} in {})", self.request_type, self.logical_resource_id, self.stack_id)
    }
}

impl CustomResource {
    /// # Errors
    ///
    /// Without any of these, CloudFormation cannot be answered.
    pub fn parse(event: &Value, endpoint: Option<&str>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut read = |name: &str, expected: &str| text(event, name, expected, &mut problems);
        let request_type = match read("RequestType", "Create, Update or Delete").as_str() {
            "Create" => RequestType::Create,
            "Update" => RequestType::Update,
            "Delete" => RequestType::Delete,
            other => RequestType::Other(other.to_owned()),
        };
        let resource = Self {
            request_type,
            stack_id: read("StackId", "the ARN of the stack, which CloudFormation sends"),
            request_id: read("RequestId", "the id of the request, which CloudFormation sends"),
            logical_resource_id: read(
                "LogicalResourceId",
                "the resource's name in the template, which CloudFormation sends",
            ),
            known_as: event["PhysicalResourceId"].as_str().filter(|id| !id.is_empty()).map(str::to_owned),
            response_url: event["ResponseURL"].as_str().unwrap_or_default().to_owned(),
            properties: event["ResourceProperties"].clone(),
        };
        if !is_of_aws(&resource.response_url, endpoint) {
            // The URL itself is a credential, and is not told.
            let expected = "the https URL of an Amazon S3 bucket, which CloudFormation sends";
            problems.push(problem("ResponseURL", Some("one that nothing is sent to".to_owned()), expected));
        }
        if problems.is_empty() { Ok(resource) } else { Err(problems) }
    }

    pub fn unchecked(&self) -> Option<Decision> {
        let passes = |reason: &str| Some(Decision { passes: true, reason: reason.to_owned() });
        match &self.request_type {
            RequestType::Delete => passes("Nothing was checked: a gate that is deleted stops nothing."),
            RequestType::Update if self.known_as.as_ref() == Some(&self.id_of_properties()) => {
                passes("Nothing was checked: these properties have passed before, and the stack goes back to them.")
            }
            RequestType::Create | RequestType::Update => None,
            RequestType::Other(other) => {
                let mut other = other.clone();
                redact::tame(vec![&mut other]);
                Some(Decision::failed(format!("RequestType is {other:?}; expected Create, Update or Delete.")))
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
        let properties = self.properties.to_string();
        let hash = properties
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        format!("permissions-probe:{}:{hash:016x}", self.logical_resource_id)
    }

    /// The id that the resource has after the answer. Only what has passed is
    /// known by the id of its properties; an Update that passes so makes a
    /// resource of a new id, and CloudFormation deletes the one of the old id.
    fn physical_resource_id(&self, passes: bool) -> String {
        match (&self.request_type, &self.known_as) {
            (RequestType::Create | RequestType::Update, _) if passes => self.id_of_properties(),
            (_, Some(known)) => known.clone(),
            (_, None) => format!("permissions-probe:{}:not-passed", self.logical_resource_id),
        }
    }

    /// The answer, within its longest size.
    fn body(&self, decision: &Decision) -> Vec<u8> {
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
        if whole.len() <= LONGEST {
            return whole;
        }
        // As JSON, a character can take up to six bytes.
        let mut left = LONGEST.saturating_sub(body("…").len());
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
    pub async fn answer(&self, decision: &Decision, connections: &Connections) -> Result<(), Problem> {
        let body = self.body(decision);
        let mut failure = String::new();
        for wait in ATTEMPTS {
            sleep(wait).await;
            failure = match timeout(ATTEMPT, connections.put(&self.response_url, body.clone())).await {
                Ok(Ok(200..=299)) => return Ok(()),
                Ok(Ok(status)) if status < 500 && status != 429 => {
                    return Err(unanswered(&format!("HTTP status {status}")));
                }
                Ok(Ok(status)) => format!("HTTP status {status}"),
                Ok(Err(error)) => told(&error),
                Err(_) => format!("no answer within {} s", ATTEMPT.as_secs()),
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

/// Whether an answer may be sent there: to a host of AWS's, or to the one that
/// stands for it.
fn is_of_aws(url: &str, endpoint: Option<&str>) -> bool {
    let host = |url: &str, scheme: &str| {
        let authority = url.strip_prefix(scheme)?.split(['/', '?', '#']).next()?;
        let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
        let plain = host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
        let port = port.parse::<u16>().ok()?;
        (plain && !host.is_empty()).then(|| (host.to_owned(), port))
    };
    let Some((name, port)) = host(url, "https://") else { return false };
    let stands_in = endpoint.and_then(|endpoint| host(endpoint, "https://").or(host(endpoint, "http://")));
    let of_aws = PARTITIONS.iter().any(|partition| {
        name.strip_suffix(partition.dns_suffix).is_some_and(|rest| rest.ends_with('.') && rest.len() > 1)
    });
    (of_aws && port == 443) || stands_in.is_some_and(|(stands_in, _)| stands_in == name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const URL: &str =
        "https://cloudformation-custom-resource-response-useast2.s3-us-east-2.amazonaws.com/arn%3Aaws?x=y";

    fn event(request_type: &str, properties: &Value) -> Value {
        json!({
            "RequestType": request_type, "ResponseURL": URL, "StackId": "stack", "RequestId": "request",
            "LogicalResourceId": "Gate", "ResourceProperties": properties,
        })
    }

    fn parse(event: &Value) -> CustomResource {
        CustomResource::parse(event, None).unwrap()
    }

    fn body(resource: &CustomResource, passes: bool, reason: &str) -> Value {
        let body = resource.body(&Decision { passes, reason: reason.to_owned() });
        assert!(body.len() <= LONGEST, "{} bytes", body.len());
        serde_json::from_slice(&body).unwrap()
    }

    #[test]
    fn names_everything_that_keeps_it_from_answering() {
        let names = |event: &Value, endpoint| {
            let problems = CustomResource::parse(event, endpoint).unwrap_err();
            assert!(problems.iter().all(|problem| !problem.to_string().contains("secret")), "{problems:?}");
            problems.into_iter().map(|problem| problem.name).collect::<Vec<_>>()
        };
        let nothing = json!({"ResponseURL": "http://secret", "RequestType": 7, "StackId": ""});
        assert_eq!(names(&nothing, None), ["RequestType", "StackId", "RequestId", "LogicalResourceId", "ResponseURL"]);
        for url in [
            "https://secret.example.com/",
            "http://bucket.s3.amazonaws.com/secret",
            "https://amazonaws.com/secret",
            "https://.amazonaws.com/secret",
            "https://bucket.s3.amazonaws.com:8443/secret",
            "https://bucket.s3.amazonaws.com@secret.example.com/",
            "https://secret.example.com#.amazonaws.com/",
            "https://secret.example.com?.amazonaws.com",
            "https://secret.example.com\\.amazonaws.com/",
            "https://secretamazonaws.com/",
            "https://169.254.169.254/secret",
            "https://localhost:1/secret",
            "file:///secret",
            "",
        ] {
            let mut event = event("Create", &json!({}));
            event["ResponseURL"] = url.into();
            assert_eq!(names(&event, None), ["ResponseURL"], "{url}");
        }
        for (url, endpoint) in [
            (URL, None),
            ("https://bucket.s3.cn-north-1.amazonaws.com.cn/x", None),
            ("https://localhost:1/x", Some("http://localhost:4566")),
            ("https://localhost/x", Some("https://localhost")),
        ] {
            assert!(is_of_aws(url, endpoint), "{url}");
        }
        assert!(!is_of_aws("https://localhost:1/x", Some("http://127.0.0.1:1")));
        assert!(!is_of_aws("http://localhost:1/x", Some("http://localhost:1")), "nothing is sent in the clear");
    }

    #[test]
    fn texts_are_taken_for_the_numbers_and_truth_values_that_they_were() {
        let properties = json!({"Probe": {"settleSeconds": "45", "verbose": "true", "actions": ["s3:*"]}, "X": "1"});
        let expected = json!({"settleSeconds": 45, "verbose": true, "actions": ["s3:*"]});
        assert_eq!(parse(&event("Create", &properties)).options(), expected);
        assert_eq!(
            parse(&event("Create", &json!({"Probe": {"settleSeconds": "soon"}}))).options()["settleSeconds"],
            "soon"
        );
        assert_eq!(parse(&event("Create", &json!({"Probe": "x"}))).options(), "x");
        assert_eq!(parse(&event("Create", &json!(null))).options(), json!({}));
        assert_eq!(
            parse(&event("Create", &json!({"probe": {"verbose": "false"}}))).options(),
            json!({"verbose": false})
        );
    }

    #[test]
    fn an_update_back_to_what_has_passed_and_a_delete_pass_without_a_check() {
        let (first, second) = (json!({"A": "1", "B": {"x": "1", "y": "2"}}), json!({"A": "2"}));
        let created = parse(&event("Create", &first));
        assert_eq!(created.unchecked(), None);
        let never_passed = body(&created, false, "")["PhysicalResourceId"].clone();
        let mut again = event("Update", &first);
        again["PhysicalResourceId"] = never_passed;
        assert_eq!(parse(&again).unchecked(), None, "what has never passed is checked again");
        let id = body(&created, true, "")["PhysicalResourceId"].clone();

        let known = |mut event: Value| {
            event["PhysicalResourceId"] = id.clone();
            parse(&event)
        };
        let update = known(event("Update", &second));
        assert_eq!(update.unchecked(), None);
        assert_eq!(body(&update, false, "")["PhysicalResourceId"], id, "what has failed is not known by a new id");
        assert_ne!(body(&update, true, "")["PhysicalResourceId"], id);

        let reordered: Value = serde_json::from_str(r#"{"B": {"y": "2", "x": "1"}, "A": "1"}"#).unwrap();
        let back = known(event("Update", &reordered));
        assert!(back.unchecked().unwrap().passes);
        assert_eq!(body(&back, true, "")["PhysicalResourceId"], id);

        let mut deleted = event("Delete", &second);
        deleted["PhysicalResourceId"] = "an id that CloudFormation made up".into();
        let deleted = parse(&deleted);
        assert!(deleted.unchecked().unwrap().passes);
        assert_eq!(body(&deleted, true, "")["PhysicalResourceId"], "an id that CloudFormation made up");
        assert!(!parse(&event("Read", &first)).unchecked().unwrap().passes);
    }

    #[test]
    fn no_answer_is_longer_than_cloudformation_takes() {
        let resource = parse(&event("Create", &json!({})));
        for reason in ["x".repeat(4096), "\u{1}".repeat(5000), "é\"\\".repeat(3000), "😀".repeat(2000)] {
            let body = body(&resource, false, &reason);
            let told = body["Reason"].as_str().unwrap();
            assert!(told.ends_with('…') && reason.starts_with(told.trim_end_matches('…')), "{told}");
            assert!(serde_json::to_vec(&body).unwrap().len() > LONGEST - 16, "as much as fits is told");
        }
        assert_eq!(body(&resource, false, "short")["Reason"], "short");
        let mut long = event("Create", &json!({}));
        long["StackId"] = "x".repeat(5000).into();
        assert!(!parse(&long).body(&Decision::failed("why")).is_empty(), "too long, and still no panic");
    }

    proptest! {
        #[test]
        fn whatever_is_to_be_told_fits_and_is_json(reason in "\\PC{0,3000}|[\u{0}-\u{ff}]{0,3000}", id in "\\PC{1,200}") {
            let mut event = event("Update", &json!({"A": reason}));
            event["PhysicalResourceId"] = id.as_str().into();
            let told = body(&parse(&event), false, &reason);
            prop_assert_eq!(&told["PhysicalResourceId"], &id);
            let told = told["Reason"].as_str().unwrap();
            prop_assert!(told == reason || reason.starts_with(told.strip_suffix('…').unwrap()));
        }

        #[test]
        fn a_url_is_taken_for_one_of_aws_only_if_the_http_client_goes_there(
            url in "(https?|HTTPS|ftp)?(:?//?)?[a-z@:\\\\%#?/.é]{0,6}(amazonaws\\.com(\\.cn)?)?[a-z@:\\\\%#?/.0-9]{0,8}",
        ) {
            if is_of_aws(&url, None) {
                let parsed: hyper::Uri = url.parse().unwrap();
                let host = parsed.host().unwrap();
                prop_assert_eq!(parsed.scheme_str(), Some("https"));
                prop_assert!(host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"), "{}", host);
                prop_assert_eq!(parsed.port_u16().unwrap_or(443), 443);
                prop_assert!(!parsed.authority().unwrap().as_str().contains('@'));
            }
        }
    }

    #[test]
    fn its_debug_form_does_not_tell_the_url() {
        assert!(!format!("{:?}", parse(&event("Create", &json!({})))).contains("amazonaws"));
    }
}
