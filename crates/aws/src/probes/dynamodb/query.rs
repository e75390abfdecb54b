//! `dynamodb:Query`: a condition on an attribute that is not the table's key.
//!
//! AWS's answer names the key, and then Query is asked once more, in a form
//! that is documented to succeed and to find nothing.

use permissions_core::answer::Answer;
use permissions_core::judge::{Verdict, judge_as};
use permissions_core::place::ABSENT_ATTRIBUTE;
use permissions_core::probe::{About, On, ProbeInfo};
use permissions_core::proof::Proof;
use permissions_core::specification::Table;

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::session::Session;
use crate::time_left::ask_further;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, Select};

use crate::probes::QUERY;
use crate::probes::dynamodb::{
    INDEX_MISSING, KEY_TYPES, NAME_THE_KEY, TABLE_MISSING, absent_value, key_context, success_name,
};

const KEY_MISSED: Proof = Proof::error("ValidationException", "query condition missed key schema element");

const OTHER_TYPE: Proof = Proof::error("ValidationException", "condition parameter type does not match schema type");

const PROOFS: &[Proof] = &[
    KEY_MISSED,
    OTHER_TYPE,
    Proof::error("ValidationException", "query key condition not supported"),
    Proof::success("200"),
    INDEX_MISSING,
    TABLE_MISSING,
];

const DEPENDENT_ACTIONS: &[&str] = &["kms:*"];

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: QUERY,
        on: On::Table(About {
            resources: |table, place| vec![place.queried_arn(table)],
            request_context: |table| format!("{}, and `Select` COUNT", key_context(table)),
            better: |table| table.key.is_none().then_some(NAME_THE_KEY),
            leftover: None,
        }),
        request: "Query on an attribute that is not the table's key, and then on the key that AWS names, with a value that no item has; \
                  `Limit` 1, `Select` COUNT",
        harmless: "it only counts, and finds nothing to count",
        side_effect: "none; at most $0.0625 a million, twice",
        proofs: PROOFS,
        dependent_actions: DEPENDENT_ACTIONS,
    },
    send: SendOn::Table(|session, table| Box::pin(run(session, table))),
};

async fn run(session: &Session, table: &Table) -> Answer {
    let answer = match &table.key {
        Some(key) => {
            query(session, table, &key.name, absent_value(key.kind, &session.names)).await.form("the configured key")
        }
        None => query(session, table, ABSENT_ATTRIBUTE, AttributeValue::S("absent".to_owned())).await,
    };
    let Some(name) = missed_key(&answer) else { return answer };
    session.keep_table_key(table, Some(name.clone()));
    for kind in KEY_TYPES {
        let Some(again) = ask_further(query(session, table, &name, absent_value(kind, &session.names))).await else {
            break;
        };
        if !OTHER_TYPE.is_given_by(&again) {
            let again = again
                .form(format!("the key {name}, which AWS names"))
                .with_context(format!("a value of its own of the key {name}, and `Select` COUNT"));
            let settles = judge_as(&again, QUERY, PROOFS, DEPENDENT_ACTIONS).verdict() != Verdict::Inconclusive;
            return if settles { again } else { answer };
        }
    }
    answer
}

async fn query(session: &Session, table: &Table, key: &str, value: AttributeValue) -> Answer {
    let request = session
        .clients
        .dynamodb
        .query()
        .table_name(&table.name)
        .set_index_name(table.index.clone())
        .limit(1)
        .select(Select::Count);
    let request = request
        .key_condition_expression("#key = :value")
        .expression_attribute_names("#key", key)
        .expression_attribute_values(":value", value);
    let request = request.return_consumed_capacity(ReturnConsumedCapacity::Total);
    read(request.send().await, |done| success_name(done.consumed_capacity()))
}

/// The key that the condition lacks, by AWS's answer: "Query condition missed key schema element: modelId".
fn missed_key(answer: &Answer) -> Option<String> {
    let message = answer.message().filter(|_| KEY_MISSED.is_given_by(answer))?;
    let name = message.rsplit_once("schema element: ")?.1.trim();
    let valid = (1..=255).contains(&name.len()) && !name.chars().any(char::is_control);
    valid.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::harness::{
        RECORD, Request, check, denial, json, json_error, request_of, specification, specification_with, summary,
        try_probe,
    };
    use crate::probes::dynamodb::MISSING_TABLE;

    #[tokio::test]
    async fn counts_at_most_one_item() {
        let request = request_of(&PROBE, specification()).await;
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
                    "allowed ResourceNotFoundException inferred, resource missing",
                ),
                (
                    json_error("ValidationException", "Invalid KeyConditionExpression: Syntax error"),
                    "inconclusive requestRefused",
                ),
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn the_key_that_aws_names_is_asked_for_next() {
        let missed = || json_error("ValidationException", "Query condition missed key schema element: modelId");
        let none =
            || json("{\"Count\": 0, \"ScannedCount\": 0, \"ConsumedCapacity\": {\"TableName\": \"ModelMetadata\"}}");
        let other = || {
            let text = "One or more parameter values were invalid: Condition parameter type does not match schema type";
            json_error("ValidationException", text)
        };
        for (later, expected, asked) in [
            (vec![none()], "allowed 200 documented", 2),
            (vec![other(), none()], "allowed 200 documented", 3),
            (vec![other(), other(), none()], "allowed 200 documented", 4),
            (vec![other(), other(), other()], "allowed ValidationException inferred", 4),
            (vec![json_error("SomethingNew", "")], "allowed ValidationException inferred", 2),
            (vec![Vec::new()], "allowed ValidationException inferred", 2),
            (vec![denial("dynamodb:Query", "dynamodb:Query")], "denied implicitDeny, identity-based policy", 2),
        ] {
            let answers: Vec<_> = std::iter::once(missed()).chain(later).collect();
            let times = AtomicUsize::new(0);
            let answer = move |_: &Request| {
                let time = times.fetch_add(1, Ordering::SeqCst);
                answers[time.min(answers.len() - 1)].clone()
            };
            let (requests, outcome, _) = try_probe(&PROBE, specification(), answer).await;
            assert_eq!(summary(&outcome), expected);
            // The SDK tries again what breaks off.
            assert!(requests.len() == asked || expected.ends_with("inferred"), "{requests:?}");
            if expected.starts_with("denied") {
                assert_eq!(outcome.request_context(), "a value of its own of the key modelId, and `Select` COUNT");
            }
            let second = requests[1].json();
            assert_eq!(second["ExpressionAttributeNames"], serde_json::json!({"#key": "modelId"}));
            assert_eq!(second["ExpressionAttributeValues"], serde_json::json!({":value": {"S": RECORD}}));
            if asked > 2 {
                assert!(requests[2].json()["ExpressionAttributeValues"][":value"].get("N").is_some());
            }
        }
        for nonsense in ["Query condition missed key schema element", "Query condition missed key schema element: \n"] {
            let (requests, outcome, _) =
                try_probe(&PROBE, specification(), move |_| json_error("ValidationException", nonsense)).await;
            assert_eq!((requests.len(), summary(&outcome).as_str()), (1, "allowed ValidationException inferred"));
        }
    }

    #[tokio::test]
    async fn a_key_that_is_named_needs_one_request() {
        let found = |_: &Request| {
            json("{\"Count\": 0, \"ScannedCount\": 0, \"ConsumedCapacity\": {\"TableName\": \"ModelMetadata\"}}")
        };
        let (requests, outcome, _) =
            try_probe(&PROBE, specification_with(&[("PROBE_TABLE_KEY", "run:N")]), found).await;
        assert_eq!((requests.len(), summary(&outcome).as_str()), (1, "allowed 200 documented"));
        assert_eq!(requests[0].json()["ExpressionAttributeNames"], serde_json::json!({"#key": "run"}));
    }
}
