//! Where a run takes place: the Region, the account, and the names that the run makes up.

use crate::iam::names::escape_for_policy;
use crate::iam::partition::{Partition, partition_of};
use crate::specification::{Bucket, LogStream, Table};

/// The start of every name that a probe sends and that must not exist.
pub const NAME_PREFIX: &str = "permissions-probe-";

/// An attribute that no table has as a key.
pub const ABSENT_ATTRIBUTE: &str = "permissions_probe_absent";

/// Where a run takes place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub region: String,
    /// The account that AWS says is calling, else the expected one; `None` while neither is known.
    pub account: Option<String>,
    pub names: Names,
}

/// The names of what does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// What makes the names of this run its own.
    nonce: u64,
    /// What makes the names of this function its own, in this run and in all others.
    own: u64,
}

impl Names {
    /// `owner` is the ARN of the function, or whatever else tells one caller from another.
    pub fn new(nonce: u64, owner: &str) -> Self {
        Self { nonce, own: hash(&without_account(owner)) }
    }

    /// A name that nothing in the account has.
    pub fn absent_name(&self) -> String {
        format!("{NAME_PREFIX}{:016x}", self.nonce)
    }

    /// A shorter name that does not exist either, for a request that puts a prefix of its own before it.
    pub fn short_absent_name(&self) -> String {
        format!("probe-{:016x}", self.nonce)
    }

    /// The name of whatever a request would make, should AWS carry it out. It
    /// follows from the owner, so that there is never more than one.
    pub fn record_name(&self) -> String {
        format!("{NAME_PREFIX}{:016x}", self.own)
    }

    /// The same in fewer characters.
    pub fn short_record_name(&self) -> String {
        format!("probe-{:016x}", self.own)
    }

    /// The same as a number, which no item of a table is likely to have as its key.
    pub fn record_number(&self) -> String {
        format!("-{}", self.own)
    }

    /// Whether a resource is one whose name is made up.
    pub fn is_made_up(&self, resource: &str) -> bool {
        self.all().iter().any(|name| resource.contains(name.as_str()))
    }

    /// An ARN in which the made-up names are left open.
    pub fn generalize(&self, resource: &str) -> String {
        self.all().iter().fold(resource.to_owned(), |resource, name| resource.replace(name.as_str(), "*"))
    }

    fn all(&self) -> [String; 4] {
        [self.absent_name(), self.short_absent_name(), self.record_name(), self.short_record_name()]
    }
}

impl Place {
    /// The partition that the Region belongs to.
    pub fn partition(&self) -> &'static Partition {
        partition_of(&self.region)
    }

    /// The ARN of something in this Region and account. The account is `*` while it is not known, as IAM writes it.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        let account = self.account.as_deref().unwrap_or("*");
        format!("arn:{}:{service}:{}:{account}:{resource}", self.partition().name, self.region)
    }

    pub fn bucket_arn(&self, bucket: &Bucket) -> String {
        format!("arn:{}:s3:::{}", self.partition().name, bucket.name)
    }

    /// The objects that the pipeline works on.
    pub fn objects_arn(&self, bucket: &Bucket) -> String {
        let open = if bucket.one_object { "" } else { "*" };
        let (prefix, suffix) = (escape_for_policy(&bucket.prefix), escape_for_policy(&bucket.suffix));
        format!("{}/{prefix}{open}{suffix}", self.bucket_arn(bucket))
    }

    /// The objects that are read: the named one, too, where the pipeline's prefix does not take it in.
    pub fn read_objects_arns(&self, bucket: &Bucket) -> Vec<String> {
        let outside = bucket.object_key.as_ref().filter(|key| !key.starts_with(&bucket.prefix));
        let outside = outside.map(|key| format!("{}/{}", self.bucket_arn(bucket), escape_for_policy(key)));
        std::iter::once(self.objects_arn(bucket)).chain(outside).collect()
    }

    pub fn table_arn(&self, table: &Table) -> String {
        self.arn("dynamodb", &format!("table/{}", table.name))
    }

    /// What a request to a table is about: the index, where one is asked.
    pub fn queried_arn(&self, table: &Table) -> String {
        let table_arn = self.table_arn(table);
        table.index.as_ref().map_or_else(|| table_arn.clone(), |index| format!("{table_arn}/index/{index}"))
    }

    /// A log group and what is in it.
    pub fn log_group_contents_arn(&self, log: &LogStream) -> String {
        format!("{}:*", self.log_group_arn(log))
    }

    /// A log group, without what is in it.
    pub fn log_group_arn(&self, log: &LogStream) -> String {
        self.arn("logs", &format!("log-group:{}", log.group.as_deref().unwrap_or("*")))
    }

    /// The ARN of a role of this account that does not exist.
    pub fn absent_role_arn(&self, account: &str) -> String {
        format!("arn:{}:iam::{account}:role/{}", self.partition().name, self.names.absent_name())
    }

    /// An image in this account's registry that does not exist.
    pub fn absent_image(&self, account: &str) -> String {
        let suffix = self.partition().dns_suffix;
        format!("{account}.dkr.ecr.{}.{suffix}/{}:absent", self.region, self.names.absent_name())
    }
}

/// The function's ARN without the version or the alias that was invoked, and
/// without the account, which a redacted report must not be able to give away.
fn without_account(function_arn: &str) -> String {
    function_arn
        .split(':')
        .take(7)
        .enumerate()
        .filter(|(place, _)| *place != 4)
        .flat_map(|(_, part)| [part, ":"])
        .collect()
}

/// The hash function FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:permissions-probe";

    pub fn place() -> Place {
        Place {
            region: "us-east-1".to_owned(),
            account: Some("123456789012".to_owned()),
            names: Names::new(0x0123_4567_89ab_cdef, FUNCTION_ARN),
        }
    }

    #[test]
    fn names_are_the_runs_or_the_functions_own() {
        let names = place().names;
        assert_eq!(names.absent_name(), "permissions-probe-0123456789abcdef");
        assert_eq!(names.record_name(), "permissions-probe-c1a60834e43733f9");
        assert_eq!(names.record_number(), "-13953849518714205177");
        let of_alias = Names::new(7, &format!("{}:live", FUNCTION_ARN.replace("123456789012", "210987654321")));
        assert_eq!(of_alias.record_name(), names.record_name(), "neither the alias nor the account counts");
        assert_ne!(
            Names::new(7, "arn:aws:lambda:us-east-1:123456789012:function:other").record_name(),
            names.record_name()
        );
    }

    #[test]
    fn a_made_up_name_is_known_and_left_open() {
        let names = place().names;
        for name in [names.absent_name(), names.record_name()] {
            let arn = format!("arn:aws:iam::1:role/{name}");
            assert!(names.is_made_up(&arn));
            assert_eq!(names.generalize(&arn), "arn:aws:iam::1:role/*");
        }
        assert!(!names.is_made_up("arn:aws:s3:::permissions-probe-data"));
    }

    #[test]
    fn arns_are_of_the_place() {
        let place = place();
        let bucket = Bucket {
            name: "b".to_owned(),
            prefix: "in/".to_owned(),
            object_key: Some("out/x".to_owned()),
            ..Bucket::default()
        };
        assert_eq!(place.bucket_arn(&bucket), "arn:aws:s3:::b");
        assert_eq!(place.read_objects_arns(&bucket), ["arn:aws:s3:::b/in/*", "arn:aws:s3:::b/out/x"]);
        let inside = Bucket { object_key: Some("in/x".to_owned()), ..bucket };
        assert_eq!(place.read_objects_arns(&inside), ["arn:aws:s3:::b/in/*"]);
        let table = Table { name: "t".to_owned(), ..Table::default() };
        assert_eq!(place.table_arn(&table), "arn:aws:dynamodb:us-east-1:123456789012:table/t");
        let log = LogStream { group: Some("/g".to_owned()), stream: None };
        assert_eq!(place.log_group_arn(&log), "arn:aws:logs:us-east-1:123456789012:log-group:/g");
        assert_eq!(place.log_group_contents_arn(&log), "arn:aws:logs:us-east-1:123456789012:log-group:/g:*");
        let nowhere = Place { account: None, region: "cn-north-1".to_owned(), ..place.clone() };
        assert_eq!(nowhere.log_group_arn(&LogStream::default()), "arn:aws-cn:logs:cn-north-1:*:log-group:*");
        assert_eq!(
            nowhere.absent_image("1"),
            "1.dkr.ecr.cn-north-1.amazonaws.com.cn/permissions-probe-0123456789abcdef:absent"
        );
        assert_eq!(place.absent_role_arn("1"), "arn:aws:iam::1:role/permissions-probe-0123456789abcdef");
    }
}
