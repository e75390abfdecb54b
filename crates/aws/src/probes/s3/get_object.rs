//! `s3:GetObject`: one byte of an object.
//!
//! Of an object that exists, the answer is about `s3:GetObject`, and about
//! `kms:Decrypt` where the object is encrypted. Of one that does not exist, S3
//! answers 404 to those who may list the bucket and 403 to those who may not (S3
//! API Reference, `GetObject`), so that 403 can mean either action.
//!
//! A bare `Access Denied` names no action. `HeadObject` of the same object needs
//! `s3:GetObject` and nothing of KMS (S3 API Reference, `HeadObject`), so it
//! tells the two apart.

use permissions_core::answer::{Answer, Means, Reply};
use permissions_core::probe::{About, Better, On, ProbeInfo};
use permissions_core::proof::Proof;
use permissions_core::specification::Bucket;
use permissions_core::voice::Setting;

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::probes::s3::{Listed, list, list_after};
use crate::session::Session;

const ENCRYPTED_BY_CUSTOMER: Proof =
    Proof::error("InvalidRequest", "the object was stored using a form of server side encryption");

/// How many objects are tried after one that is encrypted with a key of the customer's.
const MAX_MORE_OBJECTS: i32 = 10;

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "s3:GetObject",
        on: On::Bucket(About {
            resources: |bucket, place| place.read_objects_arns(bucket),
            request_context: |_| "a range of one byte and no version".to_owned(),
            better: |bucket| {
                bucket.object_key.is_none().then_some(Better::Name {
                    setting: Setting::ObjectKey,
                    to: "one that exists",
                    else_: Some("Put an object under the prefix"),
                    within: None,
                })
            },
            leftover: None,
        }),
        request: "GetObject, `Range: bytes=0-0`, of `PROBE_OBJECT_KEY`, else of the first object listed, else of an absent one",
        harmless: "it reads one byte, which is thrown away",
        side_effect: "none; $0.40 a million, and $5 where it lists first; an object in S3 Intelligent-Tiering counts as read",
        proofs: &[
            Proof::success("200"),
            Proof::error("InvalidRange", ""),
            Proof::error("InvalidObjectState", ""),
            Proof::error("NoSuchKey", "").missing(),
            ENCRYPTED_BY_CUSTOMER,
        ],
        dependent_actions: &["kms:*"],
    },
    send: SendOn::Bucket(|session, bucket| Box::pin(run(session, bucket))),
};

async fn run(session: &Session, bucket: &Bucket) -> Answer {
    if let Some(key) = &bucket.object_key {
        let answer = get(session, bucket, key).await;
        if !ENCRYPTED_BY_CUSTOMER.is_given_by(&answer) {
            return explain_denial(session, bucket, key, false, answer)
                .await
                .form("the configured object")
                .configured();
        }
    }
    if bucket.one_object {
        let answer = get(session, bucket, &bucket.prefix).await;
        return explain_denial(session, bucket, &bucket.prefix, false, answer)
            .await
            .form("the one object of the policy");
    }
    if !bucket.suffix.is_empty() {
        return get_absent(session, bucket, "an object that does not exist").await;
    }
    let first = match list(session, bucket, &bucket.prefix).await.1 {
        Listed::Key(key) => key,
        Listed::Nothing => return get_absent(session, bucket, "an object that does not exist").await,
        Listed::Refused => {
            return get_absent(session, bucket, "an object that does not exist, since none could be listed").await;
        }
    };
    let answer = get(session, bucket, &first).await;
    if !ENCRYPTED_BY_CUSTOMER.is_given_by(&answer) {
        return explain_denial(session, bucket, &first, true, answer)
            .await
            .form(format!("the first object listed: {first}"));
    }
    // That object cannot be read without the customer's key.
    for key in list_after(session, bucket, &bucket.prefix, Some(&first), MAX_MORE_OBJECTS).await.1.unwrap_or_default() {
        let answer = get(session, bucket, &key).await;
        if !ENCRYPTED_BY_CUSTOMER.is_given_by(&answer) {
            return explain_denial(session, bucket, &key, true, answer)
                .await
                .form(format!("the first object listed without SSE-C: {key}"));
        }
    }
    get_absent(session, bucket, "an object that does not exist, since those listed are under SSE-C").await
}

/// Gets an object whose name this run made up.
async fn get_absent(session: &Session, bucket: &Bucket, form: &'static str) -> Answer {
    let key = bucket.key_with(&session.names.absent_name());
    // A policy can allow to list under a prefix only, and then S3 answers 403 even to those who could list.
    get(session, bucket, &key).await.form(form).unexplained(Means::ThisOrAnother(&["s3:GetObject", "s3:ListBucket"]))
}

/// What a denial without an action means, of an object that may be there.
async fn explain_denial(session: &Session, bucket: &Bucket, key: &str, listed: bool, answer: Answer) -> Answer {
    if !answer.is_unexplained_denial() {
        return answer;
    }
    let head = session.clients.s3.head_object().bucket(&bucket.name).key(key).send().await;
    let head = read(head, |object| if object.last_modified().is_some() { "200" } else { "200 without an object" });
    // The answer to HEAD has no body, hence no code; this one is about a request that was just denied by its code.
    let refused = matches!(head.reply, Reply::Error { status: 403, .. }) && head.request_id.is_some();
    let means = match head.reply {
        Reply::Success("200") if head.request_id.is_some() => Means::Dependent("kms:Decrypt"),
        _ if refused && (listed || list(session, bucket, key).await.1 == Listed::Key(key.to_owned())) => {
            Means::ThisAction
        }
        _ if refused => Means::ThisOrAnother(&["s3:GetObject", "s3:ListBucket"]),
        _ => Means::ThisOrAnother(&["s3:GetObject", "kms:Decrypt"]),
    };
    answer.unexplained(means)
}

async fn get(session: &Session, bucket: &Bucket, key: &str) -> Answer {
    let request = session.clients.s3.get_object().bucket(&bucket.name).key(key).range("bytes=0-0");
    let mut result = request.send().await;
    if let Ok(object) = &mut result {
        // The byte is read beside the run, which it need not wait for, so that the connection can be used again.
        // One that does not come is not waited for, nor is its connection kept.
        tokio::spawn(tokio::time::timeout(session.settings.timeout, std::mem::take(&mut object.body).collect()));
    }
    // S3 dates every object; an empty success of something else is no object.
    read(result, |object| if object.last_modified().is_some() { "200" } else { "200 without an object" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{
        Request, denial, response, s3_error, specification, specification_with, summary, try_probe, with_headers,
    };

    const BARE: &str = "Access Denied";

    fn object() -> Vec<u8> {
        let headers = "x-amz-request-id: REQUEST-1\r\netag: \"e\"\r\ncontent-range: bytes 0-0/9\r\n\
                       last-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
        with_headers(206, headers, "x")
    }

    fn listing(key: Option<&str>) -> Vec<u8> {
        let contents = key.map(|key| format!("<Contents><Key>{key}</Key></Contents>")).unwrap_or_default();
        let body = format!("<ListBucketResult><Name>your-bucket-name</Name>{contents}</ListBucketResult>");
        response(200, "application/xml", &body)
    }

    /// Lists with one answer, gets with another; returns the paths, the summary and the form.
    async fn case(key: Option<&str>, list: Vec<u8>, get: Vec<u8>) -> (Vec<String>, String, String) {
        let named = key.map_or_else(specification, |key| specification_with(&[("PROBE_OBJECT_KEY", key)]));
        let answer =
            move |request: &Request| if request.path.contains("list-type") { list.clone() } else { get.clone() };
        let (requests, outcome, _) = try_probe(&PROBE, named, answer).await;
        let gets = requests.iter().filter(|r| !r.path.contains("list-type"));
        assert!(gets.clone().all(|r| r.header("range") == Some("bytes=0-0") && r.method == "GET"));
        (
            requests.iter().map(|r| r.path.clone()).collect(),
            summary(&outcome),
            outcome.answer.form.unwrap().into_owned(),
        )
    }

    #[tokio::test]
    async fn gets_the_configured_object_first() {
        let (paths, summary, form) = case(Some("a b/c.csv"), listing(None), object()).await;
        assert_eq!(paths, ["/your-bucket-name/a%20b/c.csv?x-id=GetObject"]);
        assert_eq!((summary.as_str(), form.as_str()), ("allowed 200 documented", "the configured object"));
    }

    #[tokio::test]
    async fn then_the_first_object_that_it_can_list() {
        let (paths, summary, form) = case(None, listing(Some("data/x")), object()).await;
        assert_eq!(paths[1], "/your-bucket-name/data/x?x-id=GetObject");
        assert_eq!((summary.as_str(), form.as_str()), ("allowed 200 documented", "the first object listed: data/x"));
    }

    #[tokio::test]
    async fn then_one_that_does_not_exist() {
        let missing = s3_error(404, "NoSuchKey", "The specified key does not exist.");
        let (paths, summary, form) = case(None, listing(None), missing).await;
        assert_eq!(paths[1], "/your-bucket-name/permissions-probe-0123456789abcdef?x-id=GetObject");
        assert_eq!((summary.as_str(), form.as_str()), ("allowed NoSuchKey inferred", "an object that does not exist"));
    }

    #[tokio::test]
    async fn a_bare_denial_is_settled_by_the_head_of_the_same_object() {
        let bare = || s3_error(403, "AccessDenied", BARE);
        let readable = "allowed AccessDenied inferred, behind it kms:Decrypt, unexplained";
        let foreign = || with_headers(200, "last-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n", "");
        for (key, list, head, expected) in [
            // What exists and may not be read, and what may be read but for a key.
            (None, listing(Some("x")), bare(), "denied"),
            (None, listing(Some("x")), object(), readable),
            (Some("x"), listing(Some("x")), bare(), "denied"),
            (Some("x"), listing(Some("x")), object(), readable),
            (Some("x"), bare(), object(), readable),
            // What may not exist.
            (None, listing(None), bare(), "inconclusive ambiguous"),
            (None, bare(), bare(), "inconclusive ambiguous"),
            (Some("x"), listing(None), bare(), "inconclusive ambiguous"),
            (Some("x"), listing(Some("xy")), bare(), "inconclusive ambiguous"),
            (Some("x"), bare(), bare(), "inconclusive ambiguous"),
            (Some("x"), response(200, "text/html", "<html></html>"), bare(), "inconclusive ambiguous"),
            // No answer that settles it.
            (Some("x"), listing(Some("x")), s3_error(503, "SlowDown", ""), "inconclusive ambiguous"),
            (Some("x"), listing(Some("x")), foreign(), "inconclusive ambiguous"),
            (Some("x"), listing(Some("x")), with_headers(403, "", ""), "inconclusive ambiguous"),
        ] {
            let named = key.map_or_else(specification, |key| specification_with(&[("PROBE_OBJECT_KEY", key)]));
            let answer = move |request: &Request| match request.method.as_str() {
                "HEAD" => head.clone(),
                _ if request.path.contains("list-type") => list.clone(),
                _ => bare(),
            };
            let (requests, outcome, _) = try_probe(&PROBE, named, answer).await;
            assert_eq!(summary(&outcome), expected, "{key:?} {requests:?}");
            assert!(requests.iter().all(|request| request.header("x-amz-checksum-mode").is_none()), "{requests:?}");
        }
    }

    #[tokio::test]
    async fn what_a_customer_s_key_encrypts_is_passed_over() {
        let text = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to \
                    retrieve the object.";
        let list = |keys: &[&str]| {
            let contents =
                keys.iter().map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect::<Vec<_>>().concat();
            response(
                200,
                "application/xml",
                &format!("<ListBucketResult><Name>your-bucket-name</Name>{contents}</ListBucketResult>"),
            )
        };
        for (more, configured, expected, form) in [
            (&["b", "c"][..], "", "allowed 200 documented", "the first object listed without SSE-C: c"),
            (&["b", "c"], "a", "allowed 200 documented", "the first object listed without SSE-C: c"),
            (
                &["b"],
                "",
                "allowed NoSuchKey inferred",
                "an object that does not exist, since those listed are under SSE-C",
            ),
        ] {
            let more = list(more);
            let answer = move |request: &Request| match request.path.as_str() {
                path if path.contains("start-after=a") => more.clone(),
                path if path.contains("list-type") => list(&["a"]),
                path if path.contains("/c?") => object(),
                path if path.contains("/permissions-probe-") => {
                    s3_error(404, "NoSuchKey", "The specified key does not exist.")
                }
                _ => s3_error(400, "InvalidRequest", text),
            };
            let (_, outcome, _) =
                try_probe(&PROBE, specification_with(&[("PROBE_OBJECT_KEY", configured)]), answer).await;
            assert_eq!((summary(&outcome).as_str(), outcome.answer.form.as_deref()), (expected, Some(form)));
        }
    }

    #[tokio::test]
    async fn reads_the_other_answers() {
        for (get, expected) in [
            (
                s3_error(416, "InvalidRange", "The requested range is not satisfiable"),
                "allowed InvalidRange documented",
            ),
            (
                s3_error(403, "InvalidObjectState", "The operation is not valid for the object's storage class"),
                "allowed InvalidObjectState documented",
            ),
            (denial("s3:GetObject", "s3:GetObject"), "denied implicitDeny, identity-based policy"),
            (denial("s3:ListBucket", "s3:GetObject"), "inconclusive otherActionDenied"),
            (denial("kms:Decrypt", "s3:GetObject"), "allowed AccessDenied inferred, behind it kms:Decrypt"),
            (s3_error(404, "NoSuchBucket", "The specified bucket does not exist"), "inconclusive resourceMissing"),
            (s3_error(400, "KMS.DisabledException", "arn:aws:kms:… is disabled."), "inconclusive kmsKey"),
            (response(200, "text/plain", ""), "inconclusive unrecognized"),
        ] {
            assert_eq!(case(Some("x"), listing(Some("x")), get).await.1, expected);
        }
    }
}
