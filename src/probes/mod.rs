//! Every probe, in the order of the report: the control, then the policy's
//! actions in the policy's order, then what the configuration adds, the action
//! that must be denied last.

mod dynamodb;
mod iam;
mod logs;
mod s3;
mod sagemaker;
mod sts;

use crate::config::Config;
use crate::probe::{Probe, When};

/// The call that needs no permission: it names the principal, and it must succeed.
pub const CONTROL: &Probe = &sts::get_caller_identity::PROBE;

/// The call whose answer names the table's key.
pub const QUERY: &Probe = &dynamodb::query::PROBE;

/// The call that opens a session of the role to check, where that is not the function's own.
pub const ASSUME_ROLE: &Probe = &sts::assume_role::PROBE;

/// The one list.
pub const ALL: &[&Probe] = &[
    CONTROL,
    &s3::get_object::PROBE,
    &s3::put_object::PROBE,
    &s3::list_bucket::PROBE,
    &dynamodb::put_item::PROBE,
    &dynamodb::update_item::PROBE,
    &dynamodb::get_item::PROBE,
    &dynamodb::scan::PROBE,
    &dynamodb::query::PROBE,
    &sagemaker::create_training_job::PROBE,
    &sagemaker::describe_training_job::PROBE,
    &sagemaker::create_model::PROBE,
    &sagemaker::create_endpoint::PROBE,
    &sagemaker::invoke_endpoint::PROBE,
    &logs::create_log_group::PROBE,
    &logs::create_log_stream::PROBE,
    &logs::put_log_events::PROBE,
    &iam::pass_role::PROBE,
    ASSUME_ROLE,
    &dynamodb::list_tables::PROBE,
    &logs::describe_log_groups::PROBE,
    &s3::list_all_my_buckets::PROBE,
];

/// The probes that this configuration asks for.
pub fn configured(config: &Config) -> Vec<&'static Probe> {
    let asked = |probe: &&Probe| match probe.when {
        When::Always => true,
        When::Configured(when) => when(config),
        When::MustBeDenied => config.deny_control.as_deref() == Some(probe.action),
    };
    ALL.iter().copied().filter(asked).collect()
}

/// The probes of the guide's policy, with the control: what runs at the least.
pub fn policy() -> Vec<&'static Probe> {
    ALL.iter().copied().filter(|probe| matches!(probe.when, When::Always)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::{
        self, denial, json_error, response, rest_json_error, s3_error, sts_error, try_probe, with_headers,
    };

    async fn summary(probe: &'static Probe, bytes: Vec<u8>) -> String {
        let (_, outcome, _) = try_probe(probe, stub::config(), move |_| bytes.clone()).await;
        stub::summary(&outcome)
    }

    fn error(probe: &Probe, status: u16, code: &str, message: &str) -> Vec<u8> {
        match probe.action {
            action if action.starts_with("s3:") => s3_error(status, code, message),
            action if action.starts_with("sts:") => sts_error(status, code, message),
            "sagemaker:InvokeEndpoint" => rest_json_error(status, code, message),
            _ => json_error(code, message),
        }
    }

    /// Every probe but the control.
    fn actions() -> impl Iterator<Item = &'static Probe> {
        ALL.iter().copied().filter(|probe| probe.action != CONTROL.action)
    }

    #[test]
    fn every_probe_says_what_it_does() {
        for probe in ALL {
            assert!(!probe.request.is_empty() && !probe.harmless.is_empty() && !probe.side_effect.is_empty());
            assert!(!probe.proofs.is_empty(), "{}", probe.action);
            assert_eq!(ALL.iter().filter(|other| other.action == probe.action).count(), 1, "{}", probe.action);
        }
    }

    #[tokio::test]
    async fn a_denial_of_the_probed_action_is_denied() {
        for probe in actions() {
            assert_eq!(
                summary(probe, denial(probe.action, probe.action)).await,
                "denied Implicit Some(IdentityBased)",
                "{}",
                probe.action
            );
        }
    }

    #[tokio::test]
    async fn a_denial_of_another_action_is_not() {
        for probe in actions() {
            assert_eq!(
                summary(probe, denial("ec2:DescribeInstances", probe.action)).await,
                "inconclusive otherActionDenied",
                "{}",
                probe.action
            );
        }
    }

    #[tokio::test]
    async fn what_is_not_from_aws_proves_nothing() {
        for probe in actions() {
            for bytes in [
                with_headers(200, "", ""),
                with_headers(200, "content-type: text/html\r\n", "<html>Welcome to the guest network</html>"),
                with_headers(403, "content-type: text/html\r\n", "<html>403 Forbidden</html>"),
                with_headers(407, "", ""),
                with_headers(200, "content-type: application/json\r\n", "{}"),
                with_headers(403, "", "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"),
            ] {
                let shown = String::from_utf8_lossy(&bytes).into_owned();
                let summary = summary(probe, bytes).await;
                assert!(summary.starts_with("inconclusive"), "{} {shown} {summary}", probe.action);
            }
        }
    }

    #[tokio::test]
    async fn authentication_and_throttling_are_not_authorization() {
        for probe in actions() {
            for (code, message, cause) in [
                ("ExpiredTokenException", "The security token included in the request is expired", "credentials"),
                (
                    "UnrecognizedClientException",
                    "The security token included in the request is invalid.",
                    "credentials",
                ),
                ("RequestTimeTooSkewed", "The difference between the times is too large.", "clockSkew"),
                ("ThrottlingException", "Rate exceeded", "throttled"),
                ("OptInRequired", "The AWS Access Key Id needs a subscription for the service", "accountNotReady"),
                ("SomethingNobodyKnows", "User is not authorized", "unrecognized"),
            ] {
                assert_eq!(
                    summary(probe, error(probe, 403, code, message)).await,
                    format!("inconclusive {cause}"),
                    "{} {code}",
                    probe.action
                );
            }
        }
    }

    #[tokio::test]
    async fn a_structural_error_comes_before_authorization() {
        let message =
            "1 validation error detected: Value 'x' at 'y' failed to satisfy constraint: Member must not be null";
        for probe in actions().filter(|probe| !probe.action.starts_with("s3:")) {
            for code in ["ValidationException", "ValidationError", "SerializationException"] {
                assert_eq!(
                    summary(probe, error(probe, 400, code, message)).await,
                    "inconclusive requestRefused",
                    "{} {code}",
                    probe.action
                );
            }
        }
    }

    #[tokio::test]
    async fn a_connection_that_breaks_is_the_network() {
        for probe in actions() {
            assert_eq!(summary(probe, Vec::new()).await, "inconclusive network", "{}", probe.action);
        }
    }

    #[tokio::test]
    async fn a_denial_without_a_readable_body_is_not_denied() {
        for probe in actions() {
            let summary = summary(probe, response(403, "application/json", "")).await;
            assert_eq!(summary, "inconclusive unrecognized", "{}", probe.action);
        }
    }
}
