//! The names and the ids of AWS's resources: what they may look like, by AWS's rules.

/// S3 User Guide, "General purpose bucket naming rules".
pub fn is_bucket(name: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let reserved_prefixes = ["xn--", "sthree-", "amzn-s3-demo-"];
    let reserved_suffixes = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
    (3..=63).contains(&name.len())
        && name.bytes().all(|b| alphanumeric(b) || b == b'.' || b == b'-')
        && name.bytes().next().is_some_and(alphanumeric)
        && name.bytes().last().is_some_and(alphanumeric)
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !reserved_prefixes.iter().any(|prefix| name.starts_with(prefix))
        && !reserved_suffixes.iter().any(|suffix| name.ends_with(suffix))
}

/// DynamoDB Developer Guide, "Naming rules".
pub fn is_table(name: &str) -> bool {
    (3..=255).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

/// S3 User Guide, "Naming Amazon S3 objects".
pub fn is_key(key: &str) -> bool {
    (1..=1024).contains(&key.len()) && !key.chars().any(char::is_control)
}

/// SageMaker API Reference, `EndpointName` and `TrainingJobName`.
pub fn is_sagemaker_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// IAM User Guide, "IAM and AWS STS quotas": names of roles.
pub fn is_role_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
}

/// SageMaker API Reference, `RoleArn`.
pub fn is_role_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [arn, partition, "iam", "", account, resource] = parts[..] else { return false };
    arn == "arn"
        && partition.starts_with("aws")
        && partition.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        && is_account(account)
        && resource.strip_prefix("role/").is_some_and(|name| {
            name.split('/').all(|part| !part.is_empty()) && is_role_name(name.rsplit('/').next().unwrap_or_default())
        })
}

/// The twelve digits of an AWS account id.
pub fn is_account(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit())
}

/// AWS General Reference, "Regional endpoints": the form of a Region's code.
pub fn is_region(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    parts.len() >= 3
        && parts[..parts.len() - 1].iter().all(|p| p.len() >= 2 && p.bytes().all(|b| b.is_ascii_lowercase()))
        && parts[parts.len() - 1].bytes().all(|b| b.is_ascii_digit())
        && !parts[parts.len() - 1].is_empty()
}

/// A key of an object as a policy names it: what IAM would take for a wildcard or a variable
/// is written as one that stands for itself, and what a policy document cannot
/// hold is left open (IAM API Reference, `PutRolePolicy`: no character beyond U+00FF).
pub fn escape_for_policy(key: &str) -> String {
    let mut escaped = String::with_capacity(key.len());
    for c in key.chars() {
        match c {
            '$' | '*' | '?' => escaped.extend(["${", c.encode_utf8(&mut [0; 4]), "}"]),
            '\u{100}'.. if escaped.ends_with('*') => {}
            '\u{100}'.. => escaped.push('*'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rule = fn(&str) -> bool;

    #[test]
    fn follows_the_naming_rules_of_aws() {
        let long = "x".repeat(64);
        let rules: &[(Rule, &[&str], &[&str])] = &[
            (
                is_bucket,
                &["abc", "my.bucket-1", "your-bucket-name", &long[..63]],
                &["ab", "Bucket", "a_b_c", "a..b", "-abc", "abc-", "192.168.5.4", "xn--abc", "abc-s3alias", &long],
            ),
            (is_table, &["ModelMetadata", "a.b_c-d", "abc"], &["ab", "a/b", "tablé"]),
            (is_sagemaker_name, &["a", "my-endpoint-1", &long[..63]], &["", "-a", "a-", "a_b", &long]),
            (is_key, &["a", "a b/c?"], &["", "a\n"]),
            (is_role_name, &["r", "a_+=,.@-", &long], &["", "a b", "a/b"]),
            (
                is_role_arn,
                &["arn:aws:iam::123456789012:role/r", "arn:aws-cn:iam::123456789012:role/service-role/r"],
                &[
                    "r",
                    "arn:aws:iam::12345:role/r",
                    "arn:aws:iam::123456789012:user/u",
                    "arn:aws:iam::123456789012:role/",
                    "arn:aws:iam::123456789012:role/a//b",
                    "arn:aws:iam:us-east-1:123456789012:role/r",
                    "arn:AWS:iam::123456789012:role/r",
                    "arx:aws:iam::123456789012:role/r",
                    "arn:x:iam::123456789012:role/r",
                ],
            ),
            (is_account, &["123456789012"], &["12345678901", "1234567890123", "12345678901x"]),
            (
                is_region,
                &["us-east-1", "ap-southeast-1", "us-gov-west-1"],
                &["us-east", "US-EAST-1", "x", "us-east-", "u-east-1"],
            ),
        ];
        for (rule, good, bad) in rules {
            assert!(good.iter().all(|name| rule(name)), "{good:?}");
            assert!(bad.iter().all(|name| !rule(name)), "{bad:?}");
        }
    }

    #[test]
    fn a_name_has_its_length_at_most() {
        let rules: &[(Rule, usize)] =
            &[(is_bucket, 63), (is_table, 255), (is_key, 1024), (is_sagemaker_name, 63), (is_role_name, 64)];
        for (rule, longest) in rules {
            assert!(rule(&"x".repeat(*longest)) && !rule(&"x".repeat(longest + 1)), "{longest}");
        }
    }

    #[test]
    fn a_key_stands_for_itself_in_a_policy() {
        for (key, expected) in
            [("a/b", "a/b"), ("x$*?.csv", "x${$}${*}${?}.csv"), ("日本/é/x", "*/é/x"), ("a日*", "a*${*}"), ("", "")]
        {
            assert_eq!(escape_for_policy(key), expected);
        }
    }
}
