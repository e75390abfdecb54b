//! What is known of each answer that proves "allowed": by whom it was seen, and where.
//!
//! A proof's grade is not written by hand. It follows from these records, by
//! one rule ([`grade`]), so that a new recording is one more line of `records`.

mod form_records;
mod records;

use crate::iam::actions::PASS_ROLE;
use crate::proof::{Grade, Proof};

pub use form_records::FORM_RECORDS;
pub use records::RECORDS;

/// One thing that was seen of one answer to one action's request.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// The actions whose requests were answered so, as IAM writes them.
    pub actions: &'static [&'static str],
    /// The code of the error, or the name of the success, as in [`Proof`].
    pub code: &'static str,
    /// The text of the error, as in [`Proof`].
    pub text: &'static str,
    pub seen: Seen,
    /// The page's title, or the thread: `owner/repository#number`.
    pub source: &'static str,
    /// When it was written, as far as that is known, else when it was read: year and month.
    pub date: &'static str,
}

/// What a source shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A page of AWS says that the operation gives this answer once it is authorized.
    Page,
    /// AWS gave this answer to this operation, in a recording.
    Text,
    /// In a recording, AWS denied a principal without the action in the same
    /// circumstances, or in circumstances that AWS looks at earlier still.
    Order,
    /// One recording shows both.
    Both,
    /// The order is taken from another operation, or from parts of two recordings.
    Sibling,
    /// A recording of a sibling speaks against the order.
    Against,
}

/// The rule. Documented: a page says it. Observed: the text was recorded for this
/// operation, and a principal without the action was denied in the same
/// circumstances. Inferred: all else.
pub fn grade(seen: impl Iterator<Item = Seen>) -> Grade {
    let (mut text, mut order, mut page, mut against) = (false, false, false, false);
    for seen in seen {
        text |= matches!(seen, Seen::Text | Seen::Both);
        order |= matches!(seen, Seen::Order | Seen::Both);
        page |= seen == Seen::Page;
        against |= seen == Seen::Against;
    }
    match () {
        () if against => Grade::Inferred,
        () if page => Grade::Documented,
        () if text && order => Grade::Observed,
        () => Grade::Inferred,
    }
}

/// The records of one proof of one action. Those of a probe with code of its own are looked at first, and alone where there
/// are some: the others are many.
pub fn records_of(action: &str, code: &str, text: &str) -> impl Iterator<Item = &'static Record> {
    let find = |records: &'static [Record]| -> Vec<&'static Record> {
        let is = |record: &&Record| record.code == code && record.text == text && record.actions.contains(&action);
        records.iter().filter(is).collect()
    };
    let own = find(RECORDS);
    if own.is_empty() { find(FORM_RECORDS) } else { own }.into_iter()
}

/// How sure a proof is, and what that rests on, in a sentence.
pub fn basis(action: &str, proof: &Proof) -> (Grade, String) {
    let (code, text) = proof.answer.key();
    describe(records_of(action, code, text))
}

/// The same of a denial that names an action which AWS looks at only after this one.
pub fn dependent_basis(action: &str, denied: &str) -> (Grade, String) {
    // Actions are compared without case, and only one has records of its own.
    let denied = if denied.eq_ignore_ascii_case(PASS_ROLE) { PASS_ROLE } else { denied };
    let (grade, said) = describe(records_of(action, DEPENDENT, denied));
    let general = format!("AWS denied {denied}, an action that it looks at only after this one");
    // No page says so of any of them.
    let grade = grade.max(Grade::Inferred);
    (grade, if said.is_empty() { general } else { format!("{general}; {said}") })
}

/// The code under which the records of a denial of a dependent action stand; their text is that action.
pub const DEPENDENT: &str = "AccessDeniedException";

/// The grade, and what it rests on.
fn describe(records: impl Iterator<Item = &'static Record>) -> (Grade, String) {
    // The first record of each kind speaks for it, in the order of `Seen`.
    let mut first = [None; 6];
    for record in records {
        first[record.seen as usize].get_or_insert(record.source);
    }
    let source_of = |seen: Seen| first[seen as usize];
    let kinds = [Seen::Page, Seen::Text, Seen::Order, Seen::Both, Seen::Sibling, Seen::Against];
    let grade = grade(kinds.into_iter().filter(|seen| source_of(*seen).is_some()));
    let said = match grade {
        Grade::Documented => source_of(Seen::Page).unwrap_or_default().to_owned(),
        Grade::Observed => match source_of(Seen::Both) {
            Some(both) => format!("{both} shows the text, and a denial in the same circumstances"),
            None => format!(
                "{} shows the text; {} a denial in the same circumstances",
                source_of(Seen::Text).unwrap_or_default(),
                source_of(Seen::Order).unwrap_or_default()
            ),
        },
        Grade::Inferred => {
            let mut parts = Vec::new();
            parts.extend(
                source_of(Seen::Text).or(source_of(Seen::Page)).map(|source| format!("{source} shows the text")),
            );
            parts.extend(
                source_of(Seen::Order).or(source_of(Seen::Sibling)).map(|source| format!("for the order: {source}")),
            );
            parts.extend(source_of(Seen::Against).map(|source| format!("against the order: {source}")));
            if !parts.is_empty() {
                parts.push("that AWS authorizes first is inferred".to_owned());
            }
            parts.join("; ")
        }
    };
    (grade, said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grade_follows_from_what_was_seen() {
        use Seen::{Against, Both, Order, Page, Sibling, Text};
        for (seen, expected) in [
            (&[][..], Grade::Inferred),
            (&[Page], Grade::Documented),
            (&[Text], Grade::Inferred),
            (&[Order], Grade::Inferred),
            (&[Text, Order], Grade::Observed),
            (&[Both], Grade::Observed),
            (&[Text, Sibling], Grade::Inferred),
            (&[Page, Both], Grade::Documented),
            (&[Both, Against], Grade::Inferred),
            (&[Page, Against], Grade::Inferred),
        ] {
            assert_eq!(grade(seen.iter().copied()), expected, "{seen:?}");
        }
    }

    #[test]
    fn a_denial_of_a_dependent_action_says_what_it_rests_on() {
        let (grade, said) = dependent_basis("sagemaker:CreateTrainingJob", "IAM:PassRole");
        assert_eq!(grade, Grade::Inferred);
        assert!(
            said.contains("for the order: aws/sagemaker-spark#27") && said.contains("against the order: ministry"),
            "{said}"
        );
        assert_eq!(dependent_basis("s3:GetObject", "kms:Decrypt").0, Grade::Inferred);
    }

    #[test]
    fn a_proof_rests_on_the_records_of_its_own_action_code_and_text() {
        let page = |title: &str| (Grade::Documented, title.to_owned());
        assert_eq!(basis("s3:GetObject", &Proof::success("200")), page("S3 API Reference, GetObject"));
        assert_eq!(basis("dynamodb:Scan", &Proof::success("200")), page("DynamoDB API Reference, Scan"));
        assert_eq!(
            basis("dynamodb:PutItem", &Proof::error("ValidationException", "missing the key")),
            (
                Grade::Observed,
                "timofeysie/acapana, README.md shows the text, and a denial in the same circumstances".to_owned()
            )
        );
        assert_eq!(
            basis("dynamodb:GetItem", &Proof::error("ValidationException", "the provided key element does not match the schema")),
            (
                Grade::Observed,
                "mohankishore/python_dynamodb_lock#2291 shows the text; baseprime/dynamodb#6, on a table that does not exist, \
                 which is looked at before its key, a denial in the same circumstances"
                    .to_owned()
            )
        );
        assert_eq!(
            basis("s3:PutObject", &Proof::error("BadDigest", "")),
            (
                Grade::Inferred,
                "JuliaCloud/AWS.jl#7, dandi/dandi-cli#1257 shows the text; for the order: CreateBucket, which authorizes before \
                 it looks at the name; that AWS authorizes first is inferred"
                    .to_owned()
            )
        );
        let inferred =
            |source: &str| (Grade::Inferred, format!("{source} shows the text; that AWS authorizes first is inferred"));
        assert_eq!(
            basis("sagemaker:CreateModel", &Proof::error("ValidationException", "requested image … not found")),
            inferred("aws-samples/easy-amazon-sagemaker-deployments#4")
        );
        assert_eq!(
            basis("sagemaker:InvokeEndpoint", &Proof::error("ValidationError", "not a multi-model endpoint")),
            inferred("aws/amazon-sagemaker-examples#1216")
        );
        assert_eq!(basis("s3:GetObject", &Proof::error("Teapot", "")), (Grade::Inferred, String::new()));
    }

    #[test]
    fn a_denial_of_an_action_without_records_says_what_is_general() {
        let general = "AWS denied kms:Decrypt, an action that it looks at only after this one";
        assert_eq!(dependent_basis("s3:GetObject", "kms:Decrypt"), (Grade::Inferred, general.to_owned()));
    }

    #[test]
    fn a_record_is_of_one_action_at_least_and_says_where_and_when() {
        for record in RECORDS {
            assert!(!record.actions.is_empty() && !record.source.is_empty(), "{record:?}");
            assert!(record.date.starts_with("20"), "{record:?}");
        }
    }
}
