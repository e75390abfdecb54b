//! Who is calling.

use crate::iam::names::is_role_name;

/// Who AWS says is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub arn: String,
    pub account: String,
}

impl Principal {
    /// The name of the role, where the principal is a session of one.
    pub fn role(&self) -> Option<&str> {
        let (_, session) = self.arn.split_once(":assumed-role/")?;
        session.split('/').next().filter(|role| is_role_name(role))
    }

    /// The partition that the principal belongs to.
    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_session_of_a_role_has_a_role() {
        for (arn, role) in [
            ("arn:aws:sts::123456789012:assumed-role/r/s", Some("r")),
            ("arn:aws-cn:sts::123456789012:assumed-role/r", Some("r")),
            ("arn:aws:sts::123456789012:assumed-role//s", None),
            ("arn:aws:iam::123456789012:user/u", None),
        ] {
            let principal = Principal { arn: arn.to_owned(), account: "123456789012".to_owned() };
            assert_eq!(principal.role(), role, "{arn}");
            assert_eq!(principal.partition(), arn.split(':').nth(1).unwrap());
        }
    }
}
