//! `logs:DescribeLogGroups`: the name of a log group, as the action that must be denied.

use permissions_core::answer::Answer;
use permissions_core::probe::{About, On, ProbeInfo};
use permissions_core::proof::Proof;

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::session::Session;

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "logs:DescribeLogGroups",
        on: On::Account(About {
            resources: |_, place| vec![place.arn("logs", "log-group:*")],
            request_context: |_| "no parameters".to_owned(),
            better: |_| None,
            leftover: None,
        }),
        request: "DescribeLogGroups, `limit` 1",
        harmless: "it reads at most one name",
        side_effect: "none; free",
        proofs: &[Proof::success("200")],
        dependent_actions: &[],
    },
    send: SendOn::Account(|session| Box::pin(run(session))),
};

async fn run(session: &Session) -> Answer {
    let result = session.clients.logs.describe_log_groups().limit(1).send().await;
    read(result, |listed| if listed.log_groups.is_some() { "200" } else { "200 without a list" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{check, json, request_of, specification};

    #[tokio::test]
    async fn asks_for_one_name() {
        let request = request_of(&PROBE, specification()).await;
        assert_eq!(request.target(), "Logs_20140328.DescribeLogGroups");
        assert_eq!(request.json(), serde_json::json!({"limit": 1}));
    }

    #[tokio::test]
    async fn a_list_proves_it_and_nothing_less() {
        check(
            &PROBE,
            vec![(json("{\"logGroups\": []}"), "allowed 200 documented"), (json("{}"), "inconclusive unrecognized")],
        )
        .await;
    }
}
