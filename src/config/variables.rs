//! The variables that say how the function works. What is to be checked, the
//! variables of [`permissions_core::environment`] say.

use permissions_core::environment::{self, Variable};

use permissions_aws::trust_store::TrustStore;

use crate::config::{is_url, parse_gates};

/// Every variable of this program, in the order of the documentation.
pub fn all() -> Vec<&'static Variable> {
    environment::SPECIFICATION.iter().chain(SETTINGS).copied().collect()
}

/// Those that say how the function works.
const SETTINGS: &[&Variable] = &[
    &AUTHORIZATION_DETAILS,
    &REDACT,
    &TIMEOUT_MS,
    &METRICS,
    &METRICS_NAMESPACE,
    &GATE,
    &GATE_ENDPOINT,
    &HTTP_REPORT,
    &HTTP_MAX_AGE,
    &AWS_CA_BUNDLE,
    &SSL_CERT_FILE,
];

pub(super) const AUTHORIZATION_DETAILS: Variable = Variable {
    name: "PROBE_AUTHORIZATION_DETAILS",
    required: false,
    default: Some("false"),
    expected: "true or false",
    meaning: "whether AWS is asked for the policies and statements behind a denial that carries an authorization id; the \
              role needs `iam:GetRequestAuthorizationDetails` for it, and the build the feature `authorization-details`",
    valid: |v| v == "true" || v == "false",
};

pub(super) const REDACT: Variable = Variable {
    name: "PROBE_REDACT",
    required: false,
    default: None,
    expected: "account, or nothing",
    meaning: "`account` masks account ids and session names in the response and the logs, for pasting them in public",
    valid: |v| v == "account",
};

pub(super) const TIMEOUT_MS: Variable = Variable {
    name: "PROBE_TIMEOUT_MS",
    required: false,
    default: Some("5000"),
    expected: "a whole number of milliseconds from 100 to 60000",
    meaning: "the longest that one probe may take; the invocation's own deadline shortens it",
    valid: |v| v.parse::<u64>().is_ok_and(|ms| (100..=60_000).contains(&ms)),
};

pub(super) const METRICS: Variable = Variable {
    name: "PROBE_METRICS",
    required: false,
    default: Some("run"),
    expected: "off, run or actions",
    meaning: "which CloudWatch metrics a run writes: none, those of the run, or also one for each action",
    valid: |v| matches!(v, "off" | "run" | "actions"),
};

pub(super) const METRICS_NAMESPACE: Variable = Variable {
    name: "PROBE_METRICS_NAMESPACE",
    required: false,
    default: Some("PermissionsProbe"),
    expected: "a namespace of CloudWatch metrics: 1 to 255 characters of ASCII, not starting with a colon, a space or AWS/",
    meaning: "the namespace of the metrics",
    valid: is_namespace,
};

pub(super) const GATE: Variable = Variable {
    name: "PROBE_GATE",
    required: false,
    default: None,
    expected: "cloudformation, codedeploy, or both with a comma between them",
    meaning: "the deployments that may wait for a run; unset: their events are events like any other, and are not answered",
    valid: |v| parse_gates(v).is_some(),
};

pub(super) const GATE_ENDPOINT: Variable = Variable {
    name: "PROBE_GATE_ENDPOINT",
    required: false,
    default: None,
    expected: "a URL that starts with https:// and has a host, and a port where it is not 443",
    meaning: "what stands for CloudFormation's bucket on a machine of your own; on Lambda it counts for nothing",
    valid: |v| v.starts_with("https://") && is_url(v),
};

pub(super) const HTTP_REPORT: Variable = Variable {
    name: "PROBE_HTTP_REPORT",
    required: false,
    default: Some("summary"),
    expected: "summary or full",
    meaning: "what the callers of API Gateway, a function URL or a load balancer get: the verdict, the counts, the cause and the request \
              id, or the whole report",
    valid: |v| v == "summary" || v == "full",
};

pub(super) const HTTP_MAX_AGE: Variable = Variable {
    name: "PROBE_HTTP_MAX_AGE",
    required: false,
    default: Some("60"),
    expected: "a whole number of seconds from 0 to 3600",
    meaning: "for how long those callers get the same result, before the next request makes a run",
    valid: |v| v.parse::<u64>().is_ok_and(|seconds| seconds <= 3600),
};

pub(super) const AWS_CA_BUNDLE: Variable = Variable {
    name: "AWS_CA_BUNDLE",
    required: false,
    default: None,
    expected: "the path of a file with certificates in PEM, all of which can be read",
    meaning: "the certificates to trust, behind a proxy that looks into TLS; unset: `SSL_CERT_FILE`, else Amazon's own on \
              Lambda and the operating system's elsewhere",
    valid: |v| TrustStore::from_file(v).is_some(),
};

pub(super) const SSL_CERT_FILE: Variable = Variable {
    name: "SSL_CERT_FILE",
    required: false,
    default: None,
    expected: "the path of a file with certificates in PEM, all of which can be read",
    meaning: "the same, by the name that OpenSSL gave it",
    valid: |v| TrustStore::from_file(v).is_some(),
};

/// CloudWatch API Reference, `PutMetricData`: `Namespace`.
fn is_namespace(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        && !name.starts_with([':', ' '])
        && !name.ends_with(' ')
        && !name.starts_with("AWS/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_variable_takes() {
        for (variable, good, bad) in [
            (&METRICS_NAMESPACE, &["Team: Probe", "a/b#c"][..], &["AWS/Lambda", ":a", " a", "a ", "é"][..]),
            (&TIMEOUT_MS, &["100", "60000"], &["99", "60001", "1.5", "5s", "-1"]),
            (&METRICS, &["off", "run", "actions"], &["on", "Run"]),
            (&GATE, &["codedeploy, cloudformation"], &["cloudFormation", "cloudformation,", "all"]),
            (&GATE_ENDPOINT, &["https://localhost:1"], &["http://localhost:1", "https://", "https://a b"]),
            (&HTTP_REPORT, &["summary", "full"], &["Full"]),
            (&HTTP_MAX_AGE, &["0", "3600"], &["3601", "-1", "x"]),
            (&REDACT, &["account"], &["accounts"]),
            (&AUTHORIZATION_DETAILS, &["true", "false"], &["yes"]),
        ] {
            assert!(good.iter().all(|value| (variable.valid)(value)), "{} {good:?}", variable.name);
            assert!(bad.iter().all(|value| !(variable.valid)(value)), "{} {bad:?}", variable.name);
        }
    }
}
