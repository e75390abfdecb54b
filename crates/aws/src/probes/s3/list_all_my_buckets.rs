//! `s3:ListAllMyBuckets`: the name of a bucket, as the action that must be denied.

use permissions_core::answer::Answer;
use permissions_core::probe::{About, On, ProbeInfo};
use permissions_core::proof::Proof;

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::session::Session;

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "s3:ListAllMyBuckets",
        on: On::Account(About {
            resources: |_, _| vec!["*".to_owned()],
            request_context: |_| "no parameters".to_owned(),
            better: |_| None,
            leftover: None,
        }),
        request: "ListBuckets, `max-buckets=1`",
        harmless: "it reads at most one name",
        side_effect: "none; $5 a million",
        proofs: &[Proof::success("200")],
        dependent_actions: &[],
    },
    send: SendOn::Account(|session| Box::pin(run(session))),
};

async fn run(session: &Session) -> Answer {
    let result = session.clients.s3.list_buckets().max_buckets(1).send().await;
    read(result, |listed| if listed.buckets.is_some() { "200" } else { "200 without a list" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{check, request_of, response, specification};

    #[tokio::test]
    async fn asks_for_one_name() {
        let request = request_of(&PROBE, specification()).await;
        assert_eq!(request.method, "GET");
        assert_eq!(request.path, "/?x-id=ListBuckets&max-buckets=1");
    }

    #[tokio::test]
    async fn a_list_proves_it_and_nothing_less() {
        check(
            &PROBE,
            vec![
                (
                    response(
                        200,
                        "application/xml",
                        "<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>",
                    ),
                    "allowed 200 documented",
                ),
                (
                    response(200, "application/xml", "<ListBucketResult></ListBucketResult>"),
                    "inconclusive unrecognized",
                ),
            ],
        )
        .await;
    }
}
