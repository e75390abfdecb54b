//! Amazon S3. It denies with a bare `Access Denied` where the caller belongs to
//! another account than the bucket, so its probes say what a bare one means.

pub(super) mod get_object;
pub(super) mod list_all_my_buckets;
pub(super) mod list_bucket;
pub(super) mod put_object;

use crate::answer::Answer;
use crate::probe::Context;

/// What a list of the bucket gave.
#[derive(PartialEq, Eq)]
enum Listed {
    /// A first object.
    Key(String),
    /// No object.
    Nothing,
    /// No answer that lists.
    Refused,
}

/// Lists at most one object under a prefix.
async fn list(cx: &Context, prefix: &str) -> (Answer, Listed) {
    let request = cx.clients.s3.list_objects_v2().bucket(&cx.config.bucket).max_keys(1);
    let prefix = Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty());
    let result = request.set_prefix(prefix).send().await;
    // An answer that does not name the bucket is not a list of it.
    let ours = result.as_ref().is_ok_and(|output| output.name() == Some(&cx.config.bucket));
    let listed = match &result {
        Ok(output) if ours => output
            .contents()
            .first()
            .and_then(|object| object.key())
            .map_or(Listed::Nothing, |k| Listed::Key(k.to_owned())),
        _ => Listed::Refused,
    };
    (Answer::read(result, |_| if ours { "200 ListBucketResult" } else { "200 without a list" }), listed)
}
