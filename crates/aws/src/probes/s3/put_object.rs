//! `s3:PutObject`: an object whose digest is wrong, which S3 refuses to store.
//!
//! Where the configuration names an object under the pipeline's prefix, S3 is
//! asked once more, for that object and only if there is none (`If-None-Match:
//! *`), with the wrong digest all the same: two independent locks, and the
//! answer to the first is documented.

use permissions_core::answer::{Answer, Leftover, Means};
use permissions_core::judge::{Verdict, judge_as};
use permissions_core::place::Names;
use permissions_core::probe::{About, Better, On, ProbeInfo, shell_quote};
use permissions_core::proof::{Proof, Warning};
use permissions_core::specification::Bucket;
use permissions_core::voice::Setting;

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::session::Session;
use crate::time_left::ask_further;
use aws_sdk_s3::primitives::ByteStream;

/// A well-formed MD5 digest, of which no one-byte body is the source.
const WRONG_MD5: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

const ACTION: &str = "s3:PutObject";

const PROOFS: &[Proof] = &[
    Proof::error("PreconditionFailed", ""),
    Proof::error("BadDigest", ""),
    Proof::error("ConditionalRequestConflict", ""),
    Proof::success("200").warn(Warning::SideEffect),
];

const DEPENDENT_ACTIONS: &[&str] = &["kms:*"];

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: ACTION,
        on: On::Bucket(About {
            resources: |bucket, place| vec![place.objects_arn(bucket)],
            request_context: |_| "no encryption header, no ACL, no tags and no storage class".to_owned(),
            better: |bucket| {
                bucket.object_under_prefix().is_none().then_some(Better::Name {
                    setting: Setting::ObjectKey,
                    to: "an object that exists",
                    else_: None,
                    within: Some(Setting::Prefix),
                })
            },
            leftover: Some(|bucket, place| {
                let key = key(bucket, &place.names);
                let command = format!("aws s3api delete-object --bucket={} --key={}", bucket.name, shell_quote(&key));
                Leftover { what: format!("the object {key} in the bucket {}", bucket.name), command: Some(command) }
            }),
        }),
        request: "PutObject of one byte under a new key, with a `Content-MD5` that is wrong; then, where `PROBE_OBJECT_KEY` is under \
                  the prefix, the same on it with `If-None-Match: *`",
        harmless: "S3 stores no object whose digest does not match (S3 API Reference, Error responses: BadDigest)",
        side_effect: "none; $5 a million, twice with `PROBE_OBJECT_KEY`",
        proofs: PROOFS,
        dependent_actions: DEPENDENT_ACTIONS,
    },
    send: SendOn::Bucket(|session, bucket| Box::pin(run(session, bucket))),
};

async fn run(session: &Session, bucket: &Bucket) -> Answer {
    let answer = put(session, bucket, &key(bucket, &session.names), None).await;
    let Some(named) = bucket.object_under_prefix().filter(|_| answer.code() == Some("BadDigest")) else {
        return answer;
    };
    let Some(again) = ask_further(Box::pin(put(session, bucket, named, Some("*")))).await else {
        return answer.form("a new key; asked of the configured object, AWS answered nothing in time");
    };
    // A policy can allow to write new objects and protect this one, so its denial is not the action's.
    if judge_as(&again, ACTION, PROOFS, DEPENDENT_ACTIONS).verdict() == Verdict::Allowed {
        let overwritten =
            format!("the object {named} in the bucket {}, which this request has replaced by one byte", bucket.name);
        let leftover = Leftover { what: overwritten, command: None };
        return again.form("the configured object, with `If-None-Match: *`").leaving(leftover);
    }
    let code = again.code().unwrap_or("no answer").to_owned();
    answer.form(format!("a new key; asked of the configured object, AWS answered {code}"))
}

async fn put(session: &Session, bucket: &Bucket, key: &str, if_none_match: Option<&str>) -> Answer {
    let request = session.clients.s3.put_object().bucket(&bucket.name).key(key);
    let request = request.set_if_none_match(if_none_match.map(str::to_owned));
    let result = request.content_md5(WRONG_MD5).body(ByteStream::from_static(b"0")).send().await;
    read(result, |stored| if stored.e_tag().is_some() { "200" } else { "200 without an object" })
        .unexplained(Means::ThisOrAnother(&["s3:PutObject", "kms:GenerateDataKey"]))
}

fn key(bucket: &Bucket, names: &Names) -> String {
    bucket.key_with(&names.record_name())
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::harness::{
        Request, Stub, check, check_of, denial, request_of, s3_error, specification_with, summary, try_probe,
        with_headers,
    };
    use crate::probe::make_check;

    #[tokio::test]
    async fn the_digest_on_the_wire_is_the_wrong_one() {
        let request = request_of(&PROBE, specification_with(&[("PROBE_PREFIX", "out/")])).await;
        assert_eq!(request.method, "PUT");
        assert_eq!(request.path, "/your-bucket-name/out/permissions-probe-c1a60834e43733f9?x-id=PutObject");
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
                (s3_error(403, "AccessDenied", "Access Denied"), "inconclusive ambiguous"),
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

    /// Both requests, the first answered with a wrong digest.
    async fn named(prefix: &str, second: Vec<u8>) -> (Vec<Request>, String, Option<String>) {
        let named = specification_with(&[("PROBE_PREFIX", prefix), ("PROBE_OBJECT_KEY", "in/data.csv")]);
        let answer = move |request: &Request| match request.header("if-none-match") {
            Some(_) => second.clone(),
            None => s3_error(400, "BadDigest", "The Content-MD5 you specified did not match what we received."),
        };
        let (requests, outcome, _) = try_probe(&PROBE, named, answer).await;
        (requests, summary(&outcome), outcome.answer.form.map(Cow::into_owned))
    }

    #[tokio::test]
    async fn an_object_that_exists_gives_a_documented_proof_behind_two_locks() {
        let exists =
            || s3_error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
        let (requests, summary, form) = named("", exists()).await;
        assert_eq!(summary, "allowed PreconditionFailed documented");
        assert_eq!(form.as_deref(), Some("the configured object, with `If-None-Match: *`"));
        let second = &requests[1];
        assert_eq!((requests.len(), second.path.as_str()), (2, "/your-bucket-name/in/data.csv?x-id=PutObject"));
        assert_eq!((second.header("if-none-match"), second.header("content-md5")), (Some("*"), Some(WRONG_MD5)));
        assert_eq!(requests[0].header("if-none-match"), None);
        // Outside of the prefix, the pipeline may well not write.
        assert_eq!(named("out/", exists()).await.0.len(), 1);
        // An object that is protected says nothing of the others.
        let (_, summary, form) = named("in/", denial("s3:PutObject", "s3:PutObject")).await;
        assert_eq!(summary, "allowed BadDigest inferred");
        assert_eq!(form.as_deref(), Some("a new key; asked of the configured object, AWS answered AccessDenied"));
    }

    #[tokio::test]
    async fn an_object_that_is_overwritten_all_the_same_is_named_and_no_command_deletes_it() {
        let stub = Stub::start(|request: &Request| match request.header("if-none-match") {
            Some(_) => with_headers(200, "x-amz-request-id: REQUEST-1\r\netag: \"e\"\r\n", ""),
            None => s3_error(400, "BadDigest", "The Content-MD5 you specified did not match what we received."),
        });
        let specification = specification_with(&[("PROBE_OBJECT_KEY", "in/data.csv")]);
        let check = check_of(ACTION, &specification);
        let session = Arc::new(stub.session(specification));
        let outcome = make_check(check, PROBE.send, session.clone(), Duration::from_secs(5)).await;
        assert_eq!(summary(&outcome), "allowed 200 documented, side effect");
        let what = "the object in/data.csv in the bucket your-bucket-name, which this request has replaced by one byte"
            .to_owned();
        assert_eq!(outcome.leftover(&session.place()), Some(Leftover { what, command: None }));
    }
}
