//! Amazon S3. It denies with a bare `Access Denied` where the caller belongs to
//! another account than the bucket, and AWS KMS behind it with the same words,
//! so its probes say what a bare one means.

pub(super) mod get_object;
pub(super) mod list_all_my_buckets;
pub(super) mod list_bucket;
pub(super) mod put_object;

use permissions_core::answer::Answer;
use permissions_core::specification::Bucket;

use crate::answer::read;
use crate::session::Session;

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
async fn list(session: &Session, bucket: &Bucket, prefix: &str) -> (Answer, Listed) {
    let (answer, listed) = list_after(session, bucket, prefix, None, 1).await;
    let listed = listed.map(|keys| keys.into_iter().next().map_or(Listed::Nothing, Listed::Key));
    (answer, listed.unwrap_or(Listed::Refused))
}

/// Lists so many objects under a prefix, after another one; `None` where AWS does not list.
async fn list_after(
    session: &Session,
    bucket: &Bucket,
    prefix: &str,
    after: Option<&str>,
    max_keys: i32,
) -> (Answer, Option<Vec<String>>) {
    let request = session.clients.s3.list_objects_v2().bucket(&bucket.name).max_keys(max_keys);
    let prefix = Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty());
    let result = request.set_prefix(prefix).set_start_after(after.map(str::to_owned)).send().await;
    // An answer that does not name the bucket is not a list of it.
    let ours = result.as_ref().is_ok_and(|output| output.name() == Some(&bucket.name));
    let listed = result.as_ref().ok().filter(|_| ours);
    let keys =
        listed.map(|output| output.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect());
    (read(result, |_| if ours { "200 ListBucketResult" } else { "200 without a list" }), keys)
}
