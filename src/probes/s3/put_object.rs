//! `s3:PutObject`: an object whose digest is wrong, which S3 refuses to store.

use aws_sdk_s3::primitives::ByteStream;

use crate::answer::{Answer, Bare};
use crate::probe::{Context, Probe, When};
use crate::verdict::{Grade, Proof, Warning};

/// A well-formed MD5 digest, of which no one-byte body is the source.
const WRONG_MD5: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "s3:PutObject",
    resources: |cx| vec![cx.objects_arn()],
    request: "PutObject of one byte under a new key, with a `Content-MD5` that is wrong",
    harmless: "S3 stores no object whose digest does not match (S3 API Reference, Error responses: BadDigest)",
    side_effect: "none; $5 a million",
    proofs: &[
        Proof::error("BadDigest", &[], Grade::Inferred, "recorded answers; that S3 authorizes first is inferred"),
        Proof::success("200", Grade::Documented, "S3 API Reference, PutObject").warn(Warning::SideEffect),
    ],
    behind: &["kms:*"],
    when: When::Always,
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    let key = format!("{}{}", cx.config.prefix, cx.absent_name());
    let request = cx.clients.s3.put_object().bucket(&cx.config.bucket).key(key);
    let result = request.content_md5(WRONG_MD5).body(ByteStream::from_static(b"0")).send().await;
    Answer::read(result, |stored| if stored.e_tag().is_some() { "200" } else { "200 without an object" })
        .bare(Bare::Denied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::{check, config_with, denial, request_of, s3_error, with_headers};

    #[tokio::test]
    async fn the_digest_on_the_wire_is_the_wrong_one() {
        let request = request_of(&PROBE, config_with(&[("PROBE_PREFIX", "out/")])).await;
        assert_eq!(request.method, "PUT");
        assert_eq!(request.path, "/your-bucket-name/out/permissions-probe-0123456789abcdef?x-id=PutObject");
        assert_eq!(request.header("content-md5"), Some(WRONG_MD5));
        assert_eq!(request.body, b"0");
        // A checksum that the SDK computed would be a right one.
        assert!(!request.headers.iter().any(|(name, _)| name.starts_with("x-amz-checksum") || name == "x-amz-trailer"));
    }

    #[tokio::test]
    async fn reads_the_answers() {
        let stored = with_headers(200, "x-amz-request-id: REQUEST-1\r\netag: \"e\"\r\n", "");
        let empty = with_headers(200, "x-amz-request-id: REQUEST-1\r\n", "");
        check(
            &PROBE,
            vec![
                (
                    s3_error(400, "BadDigest", "The Content-MD5 you specified did not match what we received."),
                    "allowed BadDigest inferred",
                ),
                (stored, "allowed 200 documented, side effect"),
                (empty, "inconclusive unrecognized"),
                (s3_error(403, "AccessDenied", "Access Denied"), "denied"),
                (
                    s3_error(403, "AccessDenied", "There were headers present in the request which were not signed"),
                    "inconclusive unrecognized",
                ),
                (
                    denial("kms:GenerateDataKey", "s3:PutObject"),
                    "allowed AccessDenied inferred, behind it kms:GenerateDataKey",
                ),
                (
                    s3_error(400, "InvalidDigest", "The Content-MD5 you specified is not valid."),
                    "inconclusive requestRefused",
                ),
            ],
        )
        .await;
    }
}
