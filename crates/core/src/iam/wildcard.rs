//! IAM's wildcards, as they stand in the `Action` element of a policy.

/// Whether `text` matches `pattern`, in which `*` stands for any run of
/// characters, an empty one too, and `?` for exactly one.
///
/// Letters are compared without case, as IAM compares the names of actions
/// (IAM User Guide, "IAM JSON policy elements: Action").
pub fn matches(pattern: &str, text: &str) -> bool {
    matches_by(pattern, text, |a, b| a.eq_ignore_ascii_case(&b))
}

/// The same, for characters that are compared in another way.
pub(super) fn matches_by(pattern: &str, text: &str, same: impl Fn(u8, u8) -> bool) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // What stands behind the latest `*`, and how much of the text that has taken:
    // going back to the latest one alone keeps the worst case quadratic.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                star = Some((p, t));
            }
            Some(&c) if c == b'?' || same(c, text[t]) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((behind, taken)) = &mut star else { return false };
                *taken += 1;
                (p, t) = (*behind, *taken);
            }
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
            ("s3:*t*Obj?ct", "s3:GetTheObjObject", true),
            ("s3:*t*Obj?ct", "s3:GetTheObjObjects", false),
            ("*aab", "s3:aaab", true),
        ] {
            assert_eq!(matches(pattern, action), expected, "{pattern} {action}");
        }
    }
}
