//! `logs:DescribeLogGroups`: the name of a log group, as the action that must be denied.

use crate::answer::Answer;
use crate::probe::{Context, Probe, When};
use crate::verdict::Proof;

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "logs:DescribeLogGroups",
    resources: |cx| vec![cx.arn("logs", "log-group:*")],
    request: "DescribeLogGroups, `limit` 1",
    harmless: "it reads at most one name",
    side_effect: "none; free",
    proofs: &[Proof::success("200")],
    behind: &[],
    shape: |_| "no parameters".to_owned(),
    better: |_| None,
    leftover: None,
    when: When::MustBeDenied,
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    let result = cx.clients.logs.describe_log_groups().limit(1).send().await;
    Answer::read(result, |listed| if listed.log_groups.is_some() { "200" } else { "200 without a list" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::{check, config, json, request_of};

    #[tokio::test]
    async fn asks_for_one_name() {
        let request = request_of(&PROBE, config()).await;
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
