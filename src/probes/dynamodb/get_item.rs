//! `dynamodb:GetItem`: a key that the table cannot have.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use crate::answer::Answer;
use crate::probe::{Context, Probe, When};
use crate::probes::dynamodb::{KEY_COUNT, KEY_MISMATCH, NAME_THE_KEY, TABLE_MISSING, absent_key, counted, key_shape};
use crate::verdict::Proof;

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "dynamodb:GetItem",
    resources: |cx| vec![cx.table_arn()],
    request: "GetItem with a key made of an attribute that the table does not have, or of `PROBE_TABLE_KEY` and a value that no item has",
    harmless: "it only reads, and finds nothing to read",
    side_effect: "none; at most $0.125 a million",
    proofs: &[KEY_MISMATCH, KEY_COUNT, Proof::success("200"), TABLE_MISSING],
    behind: &["kms:*"],
    shape: key_shape,
    better: |config| config.table_key.is_none().then_some(NAME_THE_KEY),
    leftover: None,
    when: When::Always,
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    let request = cx.clients.dynamodb.get_item().table_name(&cx.config.table).set_key(Some(absent_key(cx)));
    let request = request.return_consumed_capacity(ReturnConsumedCapacity::Total);
    Answer::read(request.send().await, |done| counted(done.consumed_capacity()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::dynamodb::MISSING_TABLE;
    use crate::stub::{
        RECORD, Request, check, config, config_with, denial, json, json_error, request_of, summary, try_probe,
    };

    #[tokio::test]
    async fn asks_for_a_key_that_the_table_does_not_have() {
        let request = request_of(&PROBE, config()).await;
        assert_eq!(request.target(), "DynamoDB_20120810.GetItem");
        assert_eq!(
            request.json(),
            serde_json::json!({"TableName": "ModelMetadata", "ReturnConsumedCapacity": "TOTAL", "Key": {"permissions_probe_absent": {"S": "absent"}}})
        );
    }

    #[tokio::test]
    async fn reads_the_answers() {
        check(
            &PROBE,
            vec![
                (
                    json_error("ValidationException", "The provided key element does not match the schema"),
                    "allowed ValidationException observed",
                ),
                (
                    json_error("ValidationException", "The number of conditions on the keys is invalid"),
                    "allowed ValidationException observed",
                ),
                (json("{\"ConsumedCapacity\": {\"TableName\": \"ModelMetadata\"}}"), "allowed 200 documented"),
                (
                    json_error(MISSING_TABLE.0, MISSING_TABLE.1),
                    "allowed ResourceNotFoundException observed, resource missing",
                ),
                (
                    denial("kms:Decrypt", "dynamodb:GetItem"),
                    "allowed AccessDeniedException inferred, behind it kms:Decrypt",
                ),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn a_key_of_the_right_form_gives_a_documented_proof() {
        for (key, value) in [
            ("modelId:S", serde_json::json!({"S": RECORD})),
            ("modelId:N", serde_json::json!({"N": "-13953849518714205177"})),
            ("modelId:B", serde_json::json!({"B": "cGVybWlzc2lvbnMtcHJvYmUtYzFhNjA4MzRlNDM3MzNmOQ=="})),
        ] {
            let found = |_: &Request| json("{\"ConsumedCapacity\": {\"TableName\": \"ModelMetadata\"}}");
            let (requests, outcome, _) = try_probe(&PROBE, config_with(&[("PROBE_TABLE_KEY", key)]), found).await;
            assert_eq!(requests[0].json()["Key"], serde_json::json!({ "modelId": value }));
            assert_eq!(summary(&outcome), "allowed 200 documented");
        }
    }
}
