//! What there is to know of a single finding beyond its verdict.

use crate::answer::Leftover;
use crate::finding::{FunctionProblem, Note};
use crate::judge::Cause;
use crate::probe::Better;
use crate::text::Text;
use crate::voice::{Setting, Voice};

/// What a verdict alone does not tell, as a sentence.
pub fn describe_note(note: &Note, voice: Voice) -> Text {
    match note {
        Note::Disbelieved { would_prove } => format!(
            "By itself, this answer would prove \"{}\"; it is not believed, because a control of this run failed.",
            would_prove.name()
        )
        .into(),
        Note::AllowedAfter(allowed, then) => {
            let settled = format!("allowed after {} s; before, it was {}", allowed.after.as_secs(), allowed.before);
            let then = then.as_ref().map(|note| format!("; {}", describe_note(note, voice).raw()));
            format!("{settled}{}", then.unwrap_or_default()).into()
        }
        Note::DeniedMeanwhile => "AWS denied this action while another action was called.".into(),
        Note::ContentWithheld { action } => format!(
            "S3 gives the role the object's headers but not its content, so an action behind {action} is denied, most likely this \
             one. The reason can be the key policy, the role's own policies, or the state of the key."
        )
        .into(),
        _ => sentence(&clause(note, voice)).into(),
    }
}

fn clause(note: &Note, voice: Voice) -> String {
    let name_of = voice.name_of;
    match note {
        Note::BucketElsewhere { bucket, sent_to } => {
            format!("the bucket is in {}, and the request was sent to {}", bucket.raw(), sent_to.raw())
        }
        Note::Ambiguous(candidates) => describe_ambiguity(candidates, voice),
        Note::LeftoverInTheWay(leftover) => describe_leftover_in_the_way(leftover.as_ref()),
        Note::Cause(cause) => cause.meaning().to_owned(),
        Note::ResourceMissing => format!("the action is allowed, but {}", Cause::ResourceMissing.meaning()),
        Note::SideEffect(Some(made)) => format!(
            "the action is allowed, but AWS carried out a request that was meant to be refused, in this run or an earlier one: look for {}{}",
            made.what,
            how_to_delete(made)
        ),
        Note::SideEffect(None) => "the action is allowed, but AWS carried out a request that was meant to be refused".to_owned(),
        Note::RoleTrust => {
            "the role may be passed, but SageMaker cannot assume it: its trust policy does not allow it, or no role has this name \
             and path"
                .to_owned()
        }
        Note::Function(problems) => problems.iter().map(describe_function_problem).collect::<Vec<_>>().join("; "),
        Note::WentOnTo { action, on_made_up_name: true } => format!(
            "the action is allowed, since AWS went on to {}, on a resource that does not exist; this says \
             nothing about the pipeline's own resource",
            action.raw()
        ),
        Note::WentOnTo { action, on_made_up_name: false } => {
            format!("the action is allowed, since AWS went on to {}, and denied that", action.raw())
        }
        Note::NoObject => format!(
            "S3 found no object to read; put one there, or set {} to one that exists, for a documented proof",
            name_of(Setting::ObjectKey)
        ),
        Note::Denied { chosen, request_had } => {
            let chosen = chosen.as_ref().map(|form| {
                let (prefix, key) = (name_of(Setting::Prefix), name_of(Setting::ObjectKey));
                format!("what was read is {}; if the pipeline reads others, set {prefix} or {key}", form.raw())
            });
            let had = request_had.as_ref().map(|(had, keyed)| {
                let such = if *keyed { " such as dynamodb:LeadingKeys" } else { "" };
                format!("the request had {had}; a policy with a condition{such} may allow the pipeline's own request")
            });
            chosen.into_iter().chain(had).collect::<Vec<_>>().join("; ")
        }
        // These are sentences of their own.
        Note::Disbelieved { .. } | Note::AllowedAfter(..) | Note::DeniedMeanwhile | Note::ContentWithheld { .. } => {
            String::new()
        }
    }
}

fn describe_function_problem(problem: &FunctionProblem) -> String {
    match problem {
        FunctionProblem::Role { found, expected } => {
            format!("the function runs under {}, and should run under the role {}", found.raw(), expected.raw())
        }
        FunctionProblem::NotReady(reason) if reason.raw().contains("KMS") => {
            format!("the function's role cannot use the AWS KMS key of its environment: Lambda says {}", reason.raw())
        }
        FunctionProblem::NotReady(reason) => format!("the function is not ready to run: Lambda says {}", reason.raw()),
        FunctionProblem::Region { variable, region } => {
            format!(
                "its variable {} names {}, which is another Region than the function's own",
                variable.raw(),
                region.raw()
            )
        }
    }
}

/// How to get a documented proof.
pub fn describe_better(better: Better, voice: Voice) -> String {
    match better {
        Better::NoneKnown => "No harmless request is known that proves it better.".to_owned(),
        Better::Name { setting, to, else_, within } => {
            let set = else_.map_or("Set".to_owned(), |other| format!("{other}, or set"));
            let within = within.map(|setting| format!(", under {} where that is set", (voice.name_of)(setting)));
            format!("{set} {} to {to}{}.", (voice.name_of)(setting), within.unwrap_or_default())
        }
    }
}

/// Which actions a denial that names none can be about, and how to tell them apart.
fn describe_ambiguity(candidates: &[&str], voice: Voice) -> String {
    match candidates {
        [_, "s3:ListBucket"] => format!(
            "S3 answers the same whether s3:GetObject or s3:ListBucket is denied; set {} to an object that exists and that the \
             role may list to tell them apart",
            (voice.name_of)(Setting::ObjectKey)
        ),
        [first, second] => format!(
            "S3 answers the same whether {first} is denied or {second}, which AWS KMS looks at where the bucket is encrypted with a key"
        ),
        [key] => format!(
            "AWS KMS answered for the key behind the resource: it does not exist, or not in this Region, or {key} is denied"
        ),
        _ => Cause::Ambiguous.meaning().to_owned(),
    }
}

pub(super) fn describe_leftover_in_the_way(leftover: Option<&Leftover>) -> String {
    format!("{}{}", Cause::Leftover.meaning(), leftover.map(how_to_delete).unwrap_or_default())
}

fn how_to_delete(made: &Leftover) -> String {
    made.command.as_ref().map(|command| format!("; this deletes it: {command}")).unwrap_or_default()
}

/// A clause as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).chain(['.']).collect())
}
