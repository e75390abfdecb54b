//! IAM's wildcards, as they stand in the `Action` element of a policy.

/// Whether `text` matches `pattern`, in which `*` stands for any run of
/// characters, an empty one too, and `?` for exactly one.
///
/// Letters are compared without case, as IAM compares the names of actions
/// (IAM User Guide, "IAM JSON policy elements: Action").
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where the latest `*` stands, and how much of the text it has swallowed:
    // going back to the latest one alone keeps the worst case quadratic.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c.eq_ignore_ascii_case(&text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, swallowed)) => {
                    star = Some((at, swallowed + 1));
                    p = at + 1;
                    t = swallowed + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn follows_iam() {
        for (pattern, action, expected) in [
            ("*", "s3:GetObject", true),
            ("s3:*", "s3:GetObject", true),
            ("s3:*", "dynamodb:GetItem", false),
            ("S3:getobject", "s3:GetObject", true),
            ("s3:Get*", "s3:GetObject", true),
            ("s3:*Object", "s3:GetObject", true),
            ("s3:*Obj", "s3:GetObject", false),
            ("*:?etItem", "dynamodb:GetItem", true),
            ("dynamodb:?etItem", "dynamodb:tItem", false),
            ("s3:GetObject", "s3:GetObjectAcl", false),
            ("s3:GetObject**", "s3:GetObject", true),
            ("", "s3:GetObject", false),
        ] {
            assert_eq!(matches(pattern, action), expected, "{pattern} {action}");
        }
    }
}
