//! `dynamodb:Scan`: a count of at most one item.

use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, Select};

use crate::answer::Answer;
use crate::probe::{Context, Probe, When};
use crate::probes::dynamodb::{TABLE_MISSING, counted};
use crate::verdict::Proof;

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "dynamodb:Scan",
    resources: |cx| vec![cx.table_arn()],
    request: "Scan, `Limit` 1, `Select` COUNT",
    harmless: "it counts at most one item and returns none",
    side_effect: "none; $0.0625 a million, more where the first item is large",
    proofs: &[Proof::success("200"), TABLE_MISSING],
    behind: &["kms:*"],
    shape: |_| "`Limit` 1 and `Select` COUNT, and no projection".to_owned(),
    better: |_| None,
    leftover: None,
    when: When::Always,
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    let request = cx.clients.dynamodb.scan().table_name(&cx.config.table).limit(1).select(Select::Count);
    let request = request.return_consumed_capacity(ReturnConsumedCapacity::Total);
    Answer::read(request.send().await, |done| counted(done.consumed_capacity()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::dynamodb::MISSING_TABLE;
    use crate::stub::{check, config, denial, json, json_error, request_of};

    #[tokio::test]
    async fn counts_at_most_one_item() {
        let request = request_of(&PROBE, config()).await;
        assert_eq!(request.target(), "DynamoDB_20120810.Scan");
        assert_eq!(
            request.json(),
            serde_json::json!({"TableName": "ModelMetadata", "ReturnConsumedCapacity": "TOTAL", "Limit": 1, "Select": "COUNT"})
        );
    }

    #[tokio::test]
    async fn reads_the_answers() {
        check(
            &PROBE,
            vec![
                (
                    json(
                        "{\"Count\": 1, \"ScannedCount\": 1, \"ConsumedCapacity\": {\"TableName\": \"ModelMetadata\"}}",
                    ),
                    "allowed 200 documented",
                ),
                (
                    json_error(MISSING_TABLE.0, MISSING_TABLE.1),
                    "allowed ResourceNotFoundException observed, resource missing",
                ),
                (
                    denial("kms:Decrypt", "dynamodb:Scan"),
                    "allowed AccessDeniedException inferred, behind it kms:Decrypt",
                ),
                (
                    json_error("ProvisionedThroughputExceededException", "The level of configured provisioned …"),
                    "inconclusive throttled",
                ),
            ],
        )
        .await;
    }
}
