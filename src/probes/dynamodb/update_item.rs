//! `dynamodb:UpdateItem`: a key that the table cannot have, behind a guard that
//! no item can pass; without the guard, an update creates what it does not find.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use crate::answer::Answer;
use crate::probe::{Context, Probe, When};
use crate::probes::dynamodb::{GUARD, GUARDED, TABLE_MISSING, absent_key, counted};
use crate::verdict::{Grade, Proof, Warning};

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "dynamodb:UpdateItem",
    resources: |cx| vec![cx.table_arn()],
    request: "UpdateItem with a key that the table does not have, behind a condition that can never hold",
    harmless: "the key fits no item, and the condition fails on any item: two independent locks",
    side_effect: "none; at most $0.625 a million",
    proofs: &[
        Proof::error(
            "ValidationException",
            &["the provided key element does not match the schema"],
            Grade::Inferred,
            "the same check as GetItem's, which is observed to come after authorization",
        ),
        Proof::error(
            "ValidationException",
            &["the number of conditions on the keys is invalid"],
            Grade::Inferred,
            "the same check as GetItem's, which is observed to come after authorization",
        ),
        GUARDED,
        TABLE_MISSING,
        Proof::success("200", Grade::Documented, "DynamoDB API Reference, UpdateItem").warn(Warning::SideEffect),
    ],
    behind: &["kms:*"],
    when: When::Always,
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    let request = cx.clients.dynamodb.update_item().table_name(&cx.config.table).set_key(Some(absent_key()));
    let request = request
        .update_expression("SET #guard = :value")
        .condition_expression(GUARD)
        .expression_attribute_names("#guard", "permissions_probe_guard")
        .expression_attribute_values(":value", AttributeValue::S("absent".to_owned()));
    let request = request.return_consumed_capacity(ReturnConsumedCapacity::Total);
    Answer::read(request.send().await, |done| counted(done.consumed_capacity()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::dynamodb::MISSING_TABLE;
    use crate::stub::{check, config, json, json_error, request_of};

    #[tokio::test]
    async fn sends_both_locks() {
        let request = request_of(&PROBE, config()).await;
        assert_eq!(request.target(), "DynamoDB_20120810.UpdateItem");
        assert_eq!(
            request.json(),
            serde_json::json!({
                "TableName": "ModelMetadata",
            "ReturnConsumedCapacity": "TOTAL",
                "Key": {"permissions_probe_absent": {"S": "absent"}},
                "UpdateExpression": "SET #guard = :value",
                "ConditionExpression": "attribute_exists(#guard) AND attribute_not_exists(#guard)",
                "ExpressionAttributeNames": {"#guard": "permissions_probe_guard"},
                "ExpressionAttributeValues": {":value": {"S": "absent"}}
            })
        );
    }

    #[tokio::test]
    async fn reads_the_answers() {
        check(
            &PROBE,
            vec![
                (
                    json_error("ValidationException", "The provided key element does not match the schema"),
                    "allowed ValidationException inferred",
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
                    json_error("ValidationException", "Invalid UpdateExpression: Syntax error; token: \"SET\""),
                    "inconclusive requestRefused",
                ),
                (
                    json("{\"ConsumedCapacity\": {\"TableName\": \"ModelMetadata\"}}"),
                    "allowed 200 documented, side effect",
                ),
            ],
        )
        .await;
    }
}
