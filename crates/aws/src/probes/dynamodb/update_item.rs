//! `dynamodb:UpdateItem`: a key that the table cannot have, behind a guard that
//! no item can pass; without the guard, an update creates what it does not find.
//!
//! What AWS answers to a key of the right form is documented, and to another
//! one it is not. So where Query has learned the name of the table's key in the
//! meantime, it is asked once more, with a key that no item has.

use permissions_core::answer::Answer;
use permissions_core::judge::{Verdict, judge_as};
use permissions_core::probe::{About, On, ProbeInfo};
use permissions_core::proof::{Proof, Warning};
use permissions_core::specification::{Table, TableKey};

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::session::Session;
use crate::time_left::ask_further;
use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use crate::probes::dynamodb::{
    GUARD, GUARDED, KEY_COUNT, KEY_MISMATCH, KEY_TYPES, NAME_THE_KEY, TABLE_MISSING, absent_item, absent_key, item_of,
    key_context, key_of, success_name,
};

const ACTION: &str = "dynamodb:UpdateItem";

const PROOFS: &[Proof] =
    &[KEY_MISMATCH, KEY_COUNT, GUARDED, TABLE_MISSING, Proof::success("200").warn(Warning::SideEffect)];

const DEPENDENT_ACTIONS: &[&str] = &["kms:*"];

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: ACTION,
        on: On::Table(About {
            resources: |table, place| vec![place.table_arn(table)],
            request_context: |table| format!("{}, and the attribute permissions_probe_guard", key_context(table)),
            better: |table| table.key.is_none().then_some(NAME_THE_KEY),
            leftover: Some(absent_item),
        }),
        request: "UpdateItem with a key that the table does not have, and then with one that no item has, behind a condition that can \
                  never hold",
        harmless: "the key fits no item, and the condition asks that an attribute exist and not exist, so it fails on any item",
        side_effect: "none; at most $0.625 a million, twice",
        proofs: PROOFS,
        dependent_actions: DEPENDENT_ACTIONS,
    },
    send: SendOn::Table(|session, table| Box::pin(run(session, table))),
};

async fn run(session: &Session, table: &Table) -> Answer {
    let answer = update(session, table, absent_key(table, &session.names)).await;
    if table.key.is_some() || !is_about_the_key(&answer) {
        return answer;
    }
    let Some(name) = session.table_key(table).await else { return answer };
    for kind in KEY_TYPES {
        let key = TableKey { name: name.to_owned(), kind };
        let Some(again) = ask_further(update(session, table, key_of(&key, &session.names))).await else {
            return answer;
        };
        if !is_about_the_key(&again) {
            let again = again
                .form("a key that no item has")
                .with_context(format!(
                    "a value of its own of the key {name}, and the attribute permissions_probe_guard"
                ))
                .leaving(item_of(table, Some(&key), &session.place()));
            let settles = judge_as(&again, ACTION, PROOFS, DEPENDENT_ACTIONS).verdict() != Verdict::Inconclusive;
            return if settles { again } else { answer };
        }
    }
    // The table has a sort key, too.
    answer
}

async fn update(session: &Session, table: &Table, key: HashMap<String, AttributeValue>) -> Answer {
    let request = session.clients.dynamodb.update_item().table_name(&table.name).set_key(Some(key));
    let request = request
        .update_expression("SET #guard = :value")
        .condition_expression(GUARD)
        .expression_attribute_names("#guard", "permissions_probe_guard")
        .expression_attribute_values(":value", AttributeValue::S("absent".to_owned()));
    let request = request.return_consumed_capacity(ReturnConsumedCapacity::Total);
    read(request.send().await, |done| success_name(done.consumed_capacity()))
}

/// Whether AWS says that the key is not one of the table's form.
fn is_about_the_key(answer: &Answer) -> bool {
    [KEY_MISMATCH, KEY_COUNT].iter().any(|proof| proof.is_given_by(answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{check, json, json_error, request_of, specification};
    use crate::probes::dynamodb::MISSING_TABLE;

    #[tokio::test]
    async fn sends_both_locks() {
        let request = request_of(&PROBE, specification()).await;
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
                    "allowed ResourceNotFoundException inferred, resource missing",
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
