//! `dynamodb:GetItem`: a key that the table cannot have.

use permissions_core::answer::Answer;
use permissions_core::probe::{About, On, ProbeInfo};
use permissions_core::proof::Proof;
use permissions_core::specification::Table;

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::session::Session;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use crate::probes::dynamodb::{
    KEY_COUNT, KEY_MISMATCH, NAME_THE_KEY, TABLE_MISSING, absent_key, key_context, success_name,
};

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "dynamodb:GetItem",
        on: On::Table(About {
            resources: |table, place| vec![place.table_arn(table)],
            request_context: key_context,
            better: |table| table.key.is_none().then_some(NAME_THE_KEY),
            leftover: None,
        }),
        request: "GetItem with a key made of an attribute that the table does not have, or of `PROBE_TABLE_KEY` and a value that no item has",
        harmless: "it only reads, and finds nothing to read",
        side_effect: "none; at most $0.125 a million",
        proofs: &[KEY_MISMATCH, KEY_COUNT, Proof::success("200"), TABLE_MISSING],
        dependent_actions: &["kms:*"],
    },
    send: SendOn::Table(|session, table| Box::pin(run(session, table))),
};

async fn run(session: &Session, table: &Table) -> Answer {
    let request =
        session.clients.dynamodb.get_item().table_name(&table.name).set_key(Some(absent_key(table, &session.names)));
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
    async fn asks_for_a_key_that_the_table_does_not_have() {
        let request = request_of(&PROBE, specification()).await;
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
            let (requests, outcome, _) =
                try_probe(&PROBE, specification_with(&[("PROBE_TABLE_KEY", key)]), found).await;
            assert_eq!(requests[0].json()["Key"], serde_json::json!({ "modelId": value }));
            assert_eq!(summary(&outcome), "allowed 200 documented");
        }
    }
}
