//! `dynamodb:Query`: a condition on an attribute that is not the table's key.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, Select};

use crate::answer::Answer;
use crate::probe::{ABSENT_ATTRIBUTE, Context, Probe, When};
use crate::probes::dynamodb::{TABLE_MISSING, counted};
use crate::verdict::{Grade, Proof};

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "dynamodb:Query",
    resources: |cx| vec![cx.table_arn()],
    request: "Query on an attribute that is not the table's key, `Limit` 1, `Select` COUNT",
    harmless: "it only counts, and finds nothing to count",
    side_effect: "none; at most $0.0625 a million",
    proofs: &[
        Proof::error(
            "ValidationException",
            &["query condition missed key schema element"],
            Grade::Inferred,
            "public threads quote the text; that it comes after authorization is inferred from GetItem",
        ),
        Proof::success("200", Grade::Documented, "DynamoDB API Reference, Query"),
        TABLE_MISSING,
    ],
    behind: &["kms:*"],
    when: When::Always,
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    let request = cx.clients.dynamodb.query().table_name(&cx.config.table).limit(1).select(Select::Count);
    let request = request
        .key_condition_expression("#key = :value")
        .expression_attribute_names("#key", ABSENT_ATTRIBUTE)
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
    async fn counts_at_most_one_item() {
        let request = request_of(&PROBE, config()).await;
        assert_eq!(request.target(), "DynamoDB_20120810.Query");
        assert_eq!(
            request.json(),
            serde_json::json!({
                "TableName": "ModelMetadata",
            "ReturnConsumedCapacity": "TOTAL",
                "Limit": 1,
                "Select": "COUNT",
                "KeyConditionExpression": "#key = :value",
                "ExpressionAttributeNames": {"#key": "permissions_probe_absent"},
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
                    json_error("ValidationException", "Query condition missed key schema element: modelId"),
                    "allowed ValidationException inferred",
                ),
                (
                    json(
                        "{\"Count\": 0, \"ScannedCount\": 0, \"ConsumedCapacity\": {\"TableName\": \"ModelMetadata\"}}",
                    ),
                    "allowed 200 documented",
                ),
                (
                    json_error(MISSING_TABLE.0, MISSING_TABLE.1),
                    "allowed ResourceNotFoundException observed, resource missing",
                ),
                (
                    json_error("ValidationException", "Invalid KeyConditionExpression: Syntax error"),
                    "inconclusive requestRefused",
                ),
            ],
        )
        .await;
    }
}
