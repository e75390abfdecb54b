//! `s3:GetObject`: one byte of an object.
//!
//! Of an object that exists, the answer is about `s3:GetObject` alone, and
//! about `kms:Decrypt` where the object is encrypted. Of one that does not
//! exist, S3 answers 404 to those who may list the bucket and 403 to those who
//! may not (S3 API Reference, `GetObject`), so that 403 can mean either action.

use crate::answer::{Answer, Bare};
use crate::denial;
use crate::probe::{Context, Probe, When};
use crate::probes::s3::{Listed, list};
use crate::verdict::{Grade, Proof};

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "s3:GetObject",
    resources: |cx| vec![cx.objects_arn()],
    request: "GetObject, `Range: bytes=0-0`, of `PROBE_OBJECT_KEY`, else of the first object listed, else of an absent one",
    harmless: "it reads one byte, which is thrown away",
    side_effect: "none; $0.40 a million, and $5 where it lists first",
    proofs: &[
        Proof::success("200", Grade::Documented, "S3 API Reference, GetObject"),
        Proof::error("InvalidRange", &[], Grade::Documented, "S3 API Reference, Error responses: the object is empty"),
        Proof::error(
            "InvalidObjectState",
            &[],
            Grade::Documented,
            "S3 API Reference, GetObject: the object is archived",
        ),
        Proof::error(
            "NoSuchKey",
            &[],
            Grade::Inferred,
            "S3 API Reference, GetObject: 404 is for those who may also list",
        )
        .missing(),
    ],
    behind: &["kms:*"],
    when: When::Always,
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    if let Some(key) = &cx.config.object_key {
        let answer = get(cx, key).await.form("the configured object").configured();
        let bare = answer.code() == Some("AccessDenied") && answer.message().and_then(denial::parse).is_none();
        return match bare {
            // Of an object that is there, S3 can deny nothing but this action.
            true if list(cx, key).await.1 == Listed::Key(key.clone()) => answer.bare(Bare::Denied),
            true => answer.bare(Bare::Ambiguous),
            false => answer,
        };
    }
    let absent = format!("{}{}", cx.config.prefix, cx.absent_name());
    match list(cx, &cx.config.prefix).await.1 {
        Listed::Key(key) => get(cx, &key).await.form("the first object listed").bare(Bare::Denied),
        // A policy can allow to list under a prefix only, and then S3 answers 403
        // even to those who could list: the list alone settles nothing.
        Listed::Nothing => get(cx, &absent).await.form("an object that does not exist").bare(Bare::Ambiguous),
        Listed::Refused => get(cx, &absent)
            .await
            .form("an object that does not exist, since none could be listed")
            .bare(Bare::Ambiguous),
    }
}

async fn get(cx: &Context, key: &str) -> Answer {
    let request = cx.clients.s3.get_object().bucket(&cx.config.bucket).key(key).range("bytes=0-0");
    let mut result = request.send().await;
    if let Ok(object) = &mut result {
        // The byte is read beside the run, which it need not wait for, so that the connection can be used again.
        tokio::spawn(std::mem::take(&mut object.body).collect());
    }
    // S3 dates every object; an empty success of something else is no object.
    Answer::read(result, |object| if object.last_modified().is_some() { "200" } else { "200 without an object" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::{Request, config, config_with, denial, response, s3_error, summary, try_probe, with_headers};

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
    async fn case(key: Option<&str>, list: Vec<u8>, get: Vec<u8>) -> (Vec<String>, String, &'static str) {
        let config = key.map_or_else(config, |key| config_with(&[("PROBE_OBJECT_KEY", key)]));
        let answer =
            move |request: &Request| if request.path.contains("list-type") { list.clone() } else { get.clone() };
        let (requests, outcome, _) = try_probe(&PROBE, config, answer).await;
        let gets = requests.iter().filter(|r| !r.path.contains("list-type"));
        assert!(gets.clone().all(|r| r.header("range") == Some("bytes=0-0") && r.method == "GET"));
        (requests.iter().map(|r| r.path.clone()).collect(), summary(&outcome), outcome.answer.form.unwrap())
    }

    #[tokio::test]
    async fn gets_the_configured_object_first() {
        let (paths, summary, form) = case(Some("a b/c.csv"), listing(None), object()).await;
        assert_eq!(paths, ["/your-bucket-name/a%20b/c.csv?x-id=GetObject"]);
        assert_eq!((summary.as_str(), form), ("allowed 200 documented", "the configured object"));
    }

    #[tokio::test]
    async fn then_the_first_object_that_it_can_list() {
        let (paths, summary, form) = case(None, listing(Some("data/x")), object()).await;
        assert_eq!(paths[1], "/your-bucket-name/data/x?x-id=GetObject");
        assert_eq!((summary.as_str(), form), ("allowed 200 documented", "the first object listed"));
    }

    #[tokio::test]
    async fn then_one_that_does_not_exist() {
        let missing = s3_error(404, "NoSuchKey", "The specified key does not exist.");
        let (paths, summary, form) = case(None, listing(None), missing).await;
        assert_eq!(paths[1], "/your-bucket-name/permissions-probe-0123456789abcdef?x-id=GetObject");
        assert_eq!((summary.as_str(), form), ("allowed NoSuchKey inferred", "an object that does not exist"));
    }

    #[tokio::test]
    async fn a_bare_denial_depends_on_the_right_to_list() {
        let bare = || s3_error(403, "AccessDenied", BARE);
        for (key, list, expected) in [
            (None, listing(Some("x")), "denied"),
            (None, listing(None), "inconclusive ambiguous"),
            (None, bare(), "inconclusive ambiguous"),
            (Some("x"), listing(Some("x")), "denied"),
            (Some("x"), listing(None), "inconclusive ambiguous"),
            (Some("x"), listing(Some("xy")), "inconclusive ambiguous"),
            (Some("x"), bare(), "inconclusive ambiguous"),
            (Some("x"), response(200, "text/html", "<html></html>"), "inconclusive ambiguous"),
        ] {
            assert_eq!(case(key, list, bare()).await.1, expected, "{key:?}");
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
            (denial("s3:GetObject", "s3:GetObject"), "denied Implicit Some(IdentityBased)"),
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
