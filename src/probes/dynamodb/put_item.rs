//! `dynamodb:PutItem`: an item without the table's key, behind a guard that no
//! item can pass. Either of the two alone keeps the table as it is.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use crate::answer::Answer;
use crate::probe::{ABSENT_ATTRIBUTE, Context, Probe, When};
use crate::probes::dynamodb::{
    GUARD, GUARDED, NAME_THE_KEY, TABLE_MISSING, absent_item, absent_key, counted, key_shape,
};
use crate::verdict::{Proof, Warning};

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "dynamodb:PutItem",
    resources: |cx| vec![cx.table_arn()],
    request: "PutItem of an item without the table's key, or with `PROBE_TABLE_KEY` and a value that no item has, behind a condition that can never hold",
    harmless: "the condition asks that an attribute exist and not exist, so it fails on any item; without `PROBE_TABLE_KEY` the item has no key either",
    side_effect: "none; at most $0.625 a million",
    proofs: &[
        Proof::error("ValidationException", "missing the key"),
        Proof::error("ValidationException", "type mismatch for key"),
        GUARDED,
        TABLE_MISSING,
        Proof::success("200").warn(Warning::SideEffect),
    ],
    behind: &["kms:*"],
    shape: key_shape,
    better: |config| config.table_key.is_none().then_some(NAME_THE_KEY),
    leftover: Some(absent_item),
    when: When::Always,
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    let request = cx.clients.dynamodb.put_item().table_name(&cx.config.table).set_item(Some(absent_key(cx)));
    let request = request.condition_expression(GUARD).expression_attribute_names("#guard", ABSENT_ATTRIBUTE);
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
    async fn sends_both_locks() {
        let request = request_of(&PROBE, config()).await;
        assert_eq!(request.target(), "DynamoDB_20120810.PutItem");
        assert_eq!(
            request.json(),
            serde_json::json!({
                "TableName": "ModelMetadata",
            "ReturnConsumedCapacity": "TOTAL",
                "Item": {"permissions_probe_absent": {"S": "absent"}},
                "ConditionExpression": "attribute_exists(#guard) AND attribute_not_exists(#guard)",
                "ExpressionAttributeNames": {"#guard": "permissions_probe_absent"}
            })
        );
    }

    #[tokio::test]
    async fn reads_the_answers() {
        check(
            &PROBE,
            vec![
                (
                    json_error(
                        "ValidationException",
                        "One or more parameter values were invalid: Missing the key modelId in the item",
                    ),
                    "allowed ValidationException observed",
                ),
                (
                    json_error(
                        "ValidationException",
                        "One or more parameter values were invalid: Type mismatch for key x expected: N actual: S",
                    ),
                    "allowed ValidationException observed",
                ),
                (
                    json_error("ConditionalCheckFailedException", "The conditional request failed"),
                    "allowed ConditionalCheckFailedException documented",
                ),
                (
                    json_error(MISSING_TABLE.0, MISSING_TABLE.1),
                    "allowed ResourceNotFoundException observed, resource missing",
                ),
                (
                    json_error("ValidationException", "Invalid ConditionExpression: Syntax error; token: \"#\""),
                    "inconclusive requestRefused",
                ),
                (
                    json("{\"ConsumedCapacity\": {\"TableName\": \"ModelMetadata\"}}"),
                    "allowed 200 documented, side effect",
                ),
                (
                    denial("kms:Decrypt", "dynamodb:PutItem"),
                    "allowed AccessDeniedException inferred, behind it kms:Decrypt",
                ),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn a_key_of_the_right_form_gives_a_documented_proof() {
        let failed = |_: &Request| json_error("ConditionalCheckFailedException", "The conditional request failed");
        let (requests, outcome, _) = try_probe(&PROBE, config_with(&[("PROBE_TABLE_KEY", "modelId:S")]), failed).await;
        let request = requests[0].json();
        assert_eq!(request["Item"], serde_json::json!({"modelId": {"S": RECORD}}));
        assert_eq!(request["ConditionExpression"], "attribute_exists(#guard) AND attribute_not_exists(#guard)");
        assert_eq!(summary(&outcome), "allowed ConditionalCheckFailedException documented");
    }
}
