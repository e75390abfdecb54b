//! `dynamodb:Scan`: a count of at most one item.

use permissions_core::answer::Answer;
use permissions_core::probe::{About, On, ProbeInfo};
use permissions_core::proof::Proof;
use permissions_core::specification::Table;

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::session::Session;
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, Select};

use crate::probes::dynamodb::{INDEX_MISSING, TABLE_MISSING, success_name};

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "dynamodb:Scan",
        on: On::Table(About {
            resources: |table, place| vec![place.queried_arn(table)],
            request_context: |_| "`Limit` 1 and `Select` COUNT, and no projection".to_owned(),
            better: |_| None,
            leftover: None,
        }),
        request: "Scan, `Limit` 1, `Select` COUNT",
        harmless: "it counts at most one item and returns none",
        side_effect: "none; $0.0625 a million, more where the first item is large",
        proofs: &[Proof::success("200"), INDEX_MISSING, TABLE_MISSING],
        dependent_actions: &["kms:*"],
    },
    send: SendOn::Table(|session, table| Box::pin(run(session, table))),
};

async fn run(session: &Session, table: &Table) -> Answer {
    let request = session
        .clients
        .dynamodb
        .scan()
        .table_name(&table.name)
        .set_index_name(table.index.clone())
        .limit(1)
        .select(Select::Count);
    let request = request.return_consumed_capacity(ReturnConsumedCapacity::Total);
    read(request.send().await, |done| success_name(done.consumed_capacity()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{check, denial, json, json_error, request_of, specification};
    use crate::probes::dynamodb::MISSING_TABLE;

    #[tokio::test]
    async fn counts_at_most_one_item() {
        let request = request_of(&PROBE, specification()).await;
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
