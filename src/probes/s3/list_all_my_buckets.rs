//! `s3:ListAllMyBuckets`: the name of a bucket, as the action that must be denied.

use crate::answer::Answer;
use crate::probe::{Context, Probe, When};
use crate::verdict::Proof;

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "s3:ListAllMyBuckets",
    resources: |_| vec!["*".to_owned()],
    request: "ListBuckets, `max-buckets=1`",
    harmless: "it reads at most one name",
    side_effect: "none; $5 a million",
    proofs: &[Proof::success("200")],
    behind: &[],
    shape: |_| "no parameters".to_owned(),
    better: |_| None,
    leftover: None,
    when: When::MustBeDenied,
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    let result = cx.clients.s3.list_buckets().max_buckets(1).send().await;
    Answer::read(result, |listed| if listed.buckets.is_some() { "200" } else { "200 without a list" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::{check, config, request_of, response};

    #[tokio::test]
    async fn asks_for_one_name() {
        let request = request_of(&PROBE, config()).await;
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
