//! `logs:CreateLogGroup`: the function's own log group, which exists.
//!
//! Where nobody made it beforehand, Lambda makes it when it delivers the first
//! line, a moment that this probe can be ahead of. The group that it then makes
//! is the one that Lambda was about to make, so a success is no warning.

use permissions_core::answer::Answer;
use permissions_core::probe::{About, Better, On, ProbeInfo};
use permissions_core::proof::Proof;
use permissions_core::specification::LogStream;

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::probes::logs::{RequireEmptyBody, group};
use crate::session::Session;

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "logs:CreateLogGroup",
        on: On::LogStream(About {
            // AWS authorizes on the group's own ARN, which a pattern that ends in `:*` does not fit, and has authorized on the other.
            resources: |log, place| vec![place.log_group_arn(log), place.log_group_contents_arn(log)],
            request_context: |_| "no tags and no KMS key".to_owned(),
            better: |_| Some(Better::NoneKnown),
            leftover: None,
        }),
        request: "CreateLogGroup of the function's own log group",
        harmless: "the group exists already, or Lambda is about to make it under this very name",
        side_effect: "none beyond the group that Lambda makes for itself; free",
        proofs: &[Proof::error("ResourceAlreadyExistsException", ""), Proof::success("200")],
        dependent_actions: &[],
    },
    send: SendOn::LogStream(|session, log| Box::pin(run(session, log))),
};

async fn run(session: &Session, log: &LogStream) -> Answer {
    match group(session, log) {
        Ok(group) => {
            let request = session.clients.logs.create_log_group().log_group_name(group);
            read(request.customize().interceptor(RequireEmptyBody).send().await, |_| "200")
        }
        Err(unknown) => *unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{check, json, json_error, request_of, specification};
    use crate::probes::logs::without_names;

    #[tokio::test]
    async fn names_the_own_group_or_none() {
        let request = request_of(&PROBE, specification()).await;
        assert_eq!(request.target(), "Logs_20140328.CreateLogGroup");
        assert_eq!(request.json(), serde_json::json!({"logGroupName": "/aws/lambda/permissions-probe"}));
        without_names(&PROBE).await;
    }

    #[tokio::test]
    async fn reads_the_answers() {
        check(
            &PROBE,
            vec![
                (
                    json_error("ResourceAlreadyExistsException", "The specified log group already exists"),
                    "allowed ResourceAlreadyExistsException observed",
                ),
                (json(""), "allowed 200 documented"),
                (json("{\"Count\": 1}"), "inconclusive unrecognized"),
                (json_error("OperationAbortedException", "A conflicting operation"), "inconclusive serviceFault"),
                (json_error("LimitExceededException", "Resource limit exceeded."), "inconclusive unrecognized"),
            ],
        )
        .await;
    }
}
