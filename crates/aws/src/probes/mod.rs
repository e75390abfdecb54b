//! Every probe, in the order of the report: the control, then the policy's
//! actions in the policy's order, then what is named besides, the actions
//! that can be named as ones that must be denied last.

mod dynamodb;
mod iam;
mod logs;
mod s3;
mod sagemaker;
mod sts;

use permissions_core::plan::{Check, Purpose};
use permissions_core::probe::ProbeInfo;

use permissions_core::specification::Target;

use crate::probe::{Probe, SendOn};
use crate::{form, ladder};

/// The action whose answer names the table's key.
pub const QUERY: &str = "dynamodb:Query";

/// The one list.
pub const ALL: &[&Probe] = &[
    &sts::get_caller_identity::PROBE,
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
    &sts::assume_role::PROBE,
    &dynamodb::list_tables::PROBE,
    &logs::describe_log_groups::PROBE,
    &s3::list_all_my_buckets::PROBE,
];

/// What each probe says of itself.
pub fn infos() -> Vec<&'static ProbeInfo> {
    ALL.iter().map(|probe| &probe.info).collect()
}

/// The probe of an action.
pub fn find(action: &str) -> Option<&'static Probe> {
    ALL.iter().copied().find(|probe| probe.info.action == action)
}

/// How the request of a check is sent.
pub fn send_of(check: &Check) -> SendOn {
    if check.purpose == Purpose::OtherRole {
        return SendOn::Resource(|session, resource| Box::pin(ladder::send(session, resource)));
    }
    if let Target::Resource(_) = check.target {
        return SendOn::Resource(|session, resource| Box::pin(form::send(session, resource)));
    }
    find(check.action()).expect("a plan is made of these probes").send
}

#[cfg(test)]
mod tests {
    use permissions_core::evidence;
    use permissions_core::iam::actions::CONTROL;

    use super::*;

    use crate::harness::{
        self as stub, denial, json_error, response, rest_json_error, s3_error, sts_error, try_probe, with_headers,
    };

    async fn summary(probe: &'static Probe, bytes: Vec<u8>) -> String {
        let (_, outcome, _) = try_probe(probe, stub::specification(), move |_| bytes.clone()).await;
        stub::summary(&outcome)
    }

    fn error(probe: &Probe, status: u16, code: &str, message: &str) -> Vec<u8> {
        match probe.info.action {
            action if action.starts_with("s3:") => s3_error(status, code, message),
            action if action.starts_with("sts:") => sts_error(status, code, message),
            "sagemaker:InvokeEndpoint" => rest_json_error(status, code, message),
            _ => json_error(code, message),
        }
    }

    /// Every probe but the control.
    fn actions() -> impl Iterator<Item = &'static Probe> {
        ALL.iter().copied().filter(|probe| probe.info.action != CONTROL)
    }

    #[test]
    fn every_probe_says_what_it_does() {
        for probe in ALL {
            assert!(
                !probe.info.request.is_empty() && !probe.info.harmless.is_empty() && !probe.info.side_effect.is_empty()
            );
            assert!(!probe.info.proofs.is_empty(), "{}", probe.info.action);
            assert_eq!(
                ALL.iter().filter(|other| other.info.action == probe.info.action).count(),
                1,
                "{}",
                probe.info.action
            );
        }
    }

    #[tokio::test]
    async fn a_denial_of_the_probed_action_is_denied() {
        for probe in actions() {
            assert_eq!(
                summary(probe, denial(probe.info.action, probe.info.action)).await,
                "denied implicitDeny, identity-based policy",
                "{}",
                probe.info.action
            );
        }
    }

    #[tokio::test]
    async fn a_denial_of_another_action_is_not() {
        for probe in actions() {
            assert_eq!(
                summary(probe, denial("ec2:DescribeInstances", probe.info.action)).await,
                "inconclusive otherActionDenied",
                "{}",
                probe.info.action
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
                assert!(summary.starts_with("inconclusive"), "{} {shown} {summary}", probe.info.action);
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
                    probe.info.action
                );
            }
        }
    }

    #[tokio::test]
    async fn a_structural_error_comes_before_authorization() {
        let message =
            "1 validation error detected: Value 'x' at 'y' failed to satisfy constraint: Member must not be null";
        for probe in actions().filter(|probe| !probe.info.action.starts_with("s3:")) {
            for code in ["ValidationException", "ValidationError", "SerializationException"] {
                assert_eq!(
                    summary(probe, error(probe, 400, code, message)).await,
                    "inconclusive requestRefused",
                    "{} {code}",
                    probe.info.action
                );
            }
        }
    }

    #[tokio::test]
    async fn a_connection_that_breaks_is_the_network() {
        for probe in actions() {
            assert_eq!(summary(probe, Vec::new()).await, "inconclusive network", "{}", probe.info.action);
        }
    }

    #[tokio::test]
    async fn a_denial_without_a_readable_body_is_not_denied() {
        for probe in actions() {
            let summary = summary(probe, response(403, "application/json", "")).await;
            assert_eq!(summary, "inconclusive unrecognized", "{}", probe.info.action);
        }
    }

    #[test]
    fn every_proof_has_a_record_and_every_record_a_proof() {
        for probe in ALL {
            for proof in probe.info.proofs {
                let (code, text) = proof.answer.key();
                assert!(
                    evidence::records_of(probe.info.action, code, text).next().is_some(),
                    "{}: no record of {code} {text}",
                    probe.info.action
                );
                assert!(
                    !evidence::basis(probe.info.action, proof).1.is_empty(),
                    "{}: {code} {text}",
                    probe.info.action
                );
            }
        }
        for record in evidence::RECORDS {
            assert!(!record.source.is_empty() && !record.actions.is_empty(), "{record:?}");
            let date = record.date.strip_prefix("20").unwrap_or_else(|| panic!("{record:?}"));
            assert!(date.bytes().all(|b| b.is_ascii_digit() || b == b'-') && matches!(date.len(), 2 | 5), "{record:?}");
            for action in record.actions {
                let probe =
                    ALL.iter().find(|probe| probe.info.action == *action).unwrap_or_else(|| panic!("{record:?}"));
                let proves = probe.info.proofs.iter().any(|proof| proof.answer.key() == (record.code, record.text));
                let dependent =
                    record.code == evidence::DEPENDENT && probe.info.dependent_actions.contains(&record.text);
                assert!(proves || dependent, "{action} takes this for no proof: {record:?}");
            }
        }
    }

    #[test]
    fn every_probe_is_sent_to_the_kind_of_resource_that_it_describes() {
        use permissions_core::probe::On;

        for probe in ALL {
            let same = matches!(
                (&probe.info.on, &probe.send),
                (On::Account(_), SendOn::Account(_))
                    | (On::Bucket(_), SendOn::Bucket(_))
                    | (On::Table(_), SendOn::Table(_))
                    | (On::Endpoint(_), SendOn::Endpoint(_))
                    | (On::TrainingJob(_), SendOn::TrainingJob(_))
                    | (On::Role(_), SendOn::Role(_))
                    | (On::LogStream(_), SendOn::LogStream(_))
                    | (On::Resource(_), SendOn::Resource(_))
            );
            assert!(same, "{}", probe.info.action);
        }
    }
}
