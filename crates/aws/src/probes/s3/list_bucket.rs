//! `s3:ListBucket`: a list of at most one object.

use permissions_core::answer::{Answer, Means};
use permissions_core::probe::{About, On, ProbeInfo};
use permissions_core::proof::Proof;
use permissions_core::specification::Bucket;

use crate::probe::{Probe, SendOn};
use crate::session::Session;

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "s3:ListBucket",
        on: On::Bucket(About {
            resources: |bucket, place| vec![place.bucket_arn(bucket)],
            request_context: |bucket| format!("the prefix {:?}, `max-keys` 1 and no delimiter", bucket.prefix),
            better: |_| None,
            leftover: None,
        }),
        request: "ListObjectsV2, `max-keys=1`, under `PROBE_PREFIX`",
        harmless: "it reads at most one object's name",
        side_effect: "none; $5 a million",
        proofs: &[Proof::success("200 ListBucketResult")],
        dependent_actions: &[],
    },
    send: SendOn::Bucket(|session, bucket| Box::pin(run(session, bucket))),
};

async fn run(session: &Session, bucket: &Bucket) -> Answer {
    super::list(session, bucket, &bucket.prefix).await.0.unexplained(Means::ThisAction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{check, request_of, response, s3_error, specification, specification_with};

    fn list(bucket: &str) -> Vec<u8> {
        response(
            200,
            "application/xml",
            &format!(
                "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{bucket}</Name><KeyCount>0</KeyCount>\
                 <MaxKeys>1</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>"
            ),
        )
    }

    #[tokio::test]
    async fn lists_one_object_under_the_prefix() {
        let request = request_of(&PROBE, specification()).await;
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("GET", "/your-bucket-name/?list-type=2&max-keys=1")
        );
        let request = request_of(&PROBE, specification_with(&[("PROBE_PREFIX", "training/")])).await;
        assert_eq!(request.path, "/your-bucket-name/?list-type=2&max-keys=1&prefix=training%2F");
    }

    #[tokio::test]
    async fn reads_the_answers() {
        check(
            &PROBE,
            vec![
                (list("your-bucket-name"), "allowed 200 ListBucketResult documented"),
                (list("another-bucket"), "inconclusive unrecognized"),
                (response(200, "text/html", "<html></html>"), "inconclusive unrecognized"),
                (s3_error(403, "AccessDenied", "Access Denied"), "denied"),
                (s3_error(404, "NoSuchBucket", "The specified bucket does not exist"), "inconclusive resourceMissing"),
                (
                    s3_error(301, "PermanentRedirect", "The bucket you are attempting to access must be addressed …"),
                    "inconclusive wrongRegion",
                ),
                (
                    s3_error(
                        400,
                        "AuthorizationHeaderMalformed",
                        "the region 'us-east-1' is wrong; expecting 'eu-west-1'",
                    ),
                    "inconclusive wrongRegion",
                ),
                (s3_error(503, "SlowDown", "Please reduce your request rate."), "inconclusive throttled"),
            ],
        )
        .await;
    }
}
