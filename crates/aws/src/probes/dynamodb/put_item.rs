//! `dynamodb:PutItem`: an item without the table's key, behind a guard that no
//! item can pass. Either of the two alone keeps the table as it is.

use permissions_core::answer::Answer;
use permissions_core::place::ABSENT_ATTRIBUTE;
use permissions_core::probe::{About, On, ProbeInfo};
use permissions_core::proof::{Proof, Warning};
use permissions_core::specification::Table;

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::session::Session;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use crate::probes::dynamodb::{
    GUARD, GUARDED, NAME_THE_KEY, TABLE_MISSING, absent_item, absent_key, key_context, success_name,
};

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "dynamodb:PutItem",
        on: On::Table(About {
            resources: |table, place| vec![place.table_arn(table)],
            request_context: key_context,
            better: |table| table.key.is_none().then_some(NAME_THE_KEY),
            leftover: Some(absent_item),
        }),
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
        dependent_actions: &["kms:*"],
    },
    send: SendOn::Table(|session, table| Box::pin(run(session, table))),
};

async fn run(session: &Session, table: &Table) -> Answer {
    let request =
        session.clients.dynamodb.put_item().table_name(&table.name).set_item(Some(absent_key(table, &session.names)));
    let request = request.condition_expression(GUARD).expression_attribute_names("#guard", ABSENT_ATTRIBUTE);
    let request = request.return_consumed_capacity(ReturnConsumedCapacity::Total);
    read(request.send().await, |done| success_name(done.consumed_capacity()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{
        RECORD, Request, check, denial, json, json_error, request_of, specification, specification_with, summary,
        try_probe,
    };
    use crate::probes::dynamodb::MISSING_TABLE;

    #[tokio::test]
    async fn sends_both_locks() {
        let request = request_of(&PROBE, specification()).await;
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
        let (requests, outcome, _) =
            try_probe(&PROBE, specification_with(&[("PROBE_TABLE_KEY", "modelId:S")]), failed).await;
        let request = requests[0].json();
        assert_eq!(request["Item"], serde_json::json!({"modelId": {"S": RECORD}}));
        assert_eq!(request["ConditionExpression"], "attribute_exists(#guard) AND attribute_not_exists(#guard)");
        assert_eq!(summary(&outcome), "allowed ConditionalCheckFailedException documented");
    }
}
