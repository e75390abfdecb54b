//! From outcomes to rows.

use crate::answer::Reply;
use crate::denial::{Denial, Kind};
use crate::evidence;
use crate::probe::{Context, Leftover, Outcome, Probe};
use crate::probes::CONTROL;
use crate::report::{Candidate, DenialLine, ProofLine, Row, millis, verdict_name};
use crate::verdict::{Cause, Grade, Judgement, Proven, Verdict, Warning};

/// One row for each outcome, and one for each other action that AWS denied on the way.
pub fn rows(outcomes: &[Outcome], cx: &Context) -> Vec<Row> {
    let controls = Controls::of(outcomes);
    let mut rows: Vec<Row> = outcomes.iter().map(|outcome| Row::new(outcome, cx, controls)).collect();
    if controls == Controls::NoIdentity {
        return rows;
    }
    let denied = rows.iter().zip(outcomes).filter_map(|(row, outcome)| Row::met(row, outcome, cx));
    let met: Vec<_> = denied.chain(outcomes.iter().filter_map(|outcome| Row::unexplained(outcome, cx))).collect();
    for row in met {
        let same = |known: &&mut Row| known.action.eq_ignore_ascii_case(&row.action);
        // A probe of its own that was allowed, or denied, has said what there is
        // to say; one that could not tell has not.
        if rows.iter_mut().filter(same).any(|known| !known.derived && known.verdict != Verdict::Inconclusive) {
            continue;
        }
        match rows.iter_mut().filter(same).find(|known| known.derived && known.resource == row.resource) {
            Some(known) => known.met_by.extend(row.met_by),
            None => rows.push(row),
        }
    }
    rows
}

/// What the controls of a run leave to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Controls {
    /// All came out as they must.
    Sound,
    /// AWS did not say who is calling, which it tells everyone who signs: nothing is believed.
    NoIdentity,
    /// What must be denied was allowed: no "allowed" is believed.
    SaysYes,
}

impl Controls {
    fn of(outcomes: &[Outcome]) -> Self {
        let allowed = |outcome: &&Outcome| outcome.verdict() == Verdict::Allowed;
        if !outcomes.iter().filter(|outcome| outcome.probe.action == CONTROL.action).any(|outcome| allowed(&outcome)) {
            Self::NoIdentity
        } else if outcomes.iter().filter(|outcome| outcome.probe.must_be_denied()).any(|outcome| allowed(&outcome)) {
            Self::SaysYes
        } else {
            Self::Sound
        }
    }

    fn believes(self, verdict: Verdict) -> bool {
        match self {
            Self::Sound => true,
            Self::NoIdentity => false,
            Self::SaysYes => verdict == Verdict::Denied,
        }
    }
}

impl Row {
    fn new(outcome: &Outcome, cx: &Context, controls: Controls) -> Self {
        let Outcome { probe, answer, duration, settled } = outcome;
        let resources = (probe.resources)(cx);
        let proof = |code: &str, (grade, source): (Grade, String)| {
            let better = (probe.better)(&cx.config).filter(|_| grade != Grade::Documented);
            Some(ProofLine { code: code.to_owned(), grade, source, request: answer.form.clone(), better })
        };
        let judgement = outcome.judge();
        let proven = judgement.verdict();
        // A control is what the others are believed by.
        let itself = probe.action == CONTROL.action || (probe.must_be_denied() && controls == Controls::SaysYes);
        let disbelieved = !itself && proven != Verdict::Inconclusive && !controls.believes(proven);
        let verdict = if disbelieved { Verdict::Inconclusive } else { proven };
        let mut candidates = &[][..];
        let (proof, denial, cause, warning) = match judgement {
            Judgement::Allowed { code, proven, warning } => {
                let basis = match &proven {
                    Proven::Answer(by) => evidence::basis(probe.action, by),
                    Proven::Dependent(denial) => evidence::dependent_basis(probe.action, denial.action),
                    Proven::Unexplained(_) => (Grade::Inferred, READABLE.to_owned()),
                };
                let denial = if let Proven::Dependent(denial) = &proven { Some(DenialLine::new(denial)) } else { None };
                (proof(code, basis), denial, None, warning)
            }
            Judgement::Denied { source, denial } => {
                let line = denial.as_ref().map_or_else(DenialLine::bare, DenialLine::new);
                let basis = (Grade::Documented, source.to_owned());
                (proof(answer.code().unwrap_or_default(), basis), Some(line), None, None)
            }
            Judgement::Inconclusive { cause, denial, candidates: actions } => {
                candidates = actions;
                (None, denial.as_ref().map(DenialLine::new), Some(cause), None)
            }
        };
        let (proof, cause) = if disbelieved { (None, Some(Cause::ControlFailed)) } else { (proof, cause) };
        let note = if disbelieved {
            Some(format!(
                "By itself, this answer would prove \"{}\"; it is not believed, because a control of this run did not come out \
                 as it must.",
                verdict_name(proven)
            ))
        } else {
            let note = note(outcome, verdict, cause, warning, denial.as_ref(), candidates, cx);
            let settled = settled.map(|settled| {
                format!("allowed after {} s; before, it was {}", settled.after.as_secs(), settled.before)
            });
            settled.map(|settled| note.iter().fold(settled, |all, note| format!("{all}; {note}"))).or(note)
        };
        let message = match &answer.reply {
            Reply::Nothing { detail, .. } => Some(detail.clone()),
            Reply::Error { code: None, status, .. } => Some(format!("HTTP status {status} without an error code")),
            _ => answer.message().map(str::to_owned),
        };
        Self {
            action: probe.action.to_owned(),
            resource: resources.first().cloned(),
            verdict,
            proof,
            code: answer.code().map(str::to_owned),
            message,
            absent: denial.as_ref().is_some_and(|denial| is_absent(denial, cx)),
            derived: false,
            must_be_denied: probe.must_be_denied(),
            note,
            denial,
            cause,
            warning,
            met_by: Vec::new(),
            aws_request_id: answer.request_id.clone(),
            duration_ms: millis(*duration),
            resources,
            bucket_region: answer.bucket_region.clone(),
            candidates: candidates.iter().map(|action| Candidate::new(action, cx)).collect(),
            shape: if verdict == Verdict::Denied { (probe.shape)(cx) } else { String::new() },
            leftover: outcome.leftover(cx).filter(|_| warning == Some(Warning::SideEffect)),
        }
    }

    /// The row of an action behind the one that was called, where a denial that names no action can only be its.
    fn unexplained(outcome: &Outcome, cx: &Context) -> Option<Self> {
        let Judgement::Allowed { proven: Proven::Unexplained(action), .. } = outcome.judge() else { return None };
        let candidates = vec![Candidate::new(action, cx)];
        let row = Self {
            action: action.to_owned(),
            cause: Some(Cause::Ambiguous),
            code: outcome.answer.code().map(str::to_owned),
            message: outcome.answer.message().map(str::to_owned),
            note: Some(format!(
                "S3 gives the role the object's headers and not its content, so an action behind {} is denied, most likely this \
                 one; the key's policy, the role's own policies or the state of the key can be the reason.",
                outcome.probe.action
            )),
            met_by: vec![outcome.probe.action],
            aws_request_id: outcome.answer.request_id.clone(),
            duration_ms: millis(outcome.duration),
            derived: true,
            candidates,
            ..Self::not_run(outcome.probe)
        };
        Some(row)
    }

    /// The row of another action that AWS denied while this one was called.
    fn met(row: &Self, outcome: &Outcome, cx: &Context) -> Option<Self> {
        let denial = row.denial.as_ref()?;
        let action = denial.action.as_deref().filter(|action| !action.eq_ignore_ascii_case(&row.action))?;
        // That a role which does not exist may not be passed says nothing of one that does.
        if row.absent && action.eq_ignore_ascii_case("iam:PassRole") {
            return None;
        }
        Some(Self {
            action: action.to_owned(),
            resource: denial.resource.as_deref().map(|resource| cx.opened(resource)),
            verdict: Verdict::Denied,
            proof: Some(ProofLine {
                code: row.code.clone().unwrap_or_default(),
                grade: Grade::Documented,
                source: "IAM User Guide, \"Troubleshoot access denied error messages\"".to_owned(),
                request: None,
                better: None,
            }),
            code: row.code.clone(),
            message: row.message.clone(),
            denial: row.denial.clone(),
            cause: None,
            warning: None,
            note: Some("AWS denied this action while another one was called".to_owned()),
            met_by: vec![outcome.probe.action],
            aws_request_id: row.aws_request_id.clone(),
            duration_ms: row.duration_ms,
            resources: denial.resource.iter().map(|resource| cx.opened(resource)).collect(),
            bucket_region: None,
            absent: false,
            derived: true,
            must_be_denied: false,
            candidates: Vec::new(),
            shape: row.shape.clone(),
            leftover: None,
        })
    }

    pub(super) fn not_run(probe: &Probe) -> Self {
        Self {
            action: probe.action.to_owned(),
            must_be_denied: probe.must_be_denied(),
            resource: None,
            verdict: Verdict::Inconclusive,
            proof: None,
            code: None,
            message: None,
            denial: None,
            cause: Some(Cause::NotRun),
            warning: None,
            note: Some(sentence(Cause::NotRun.meaning())),
            met_by: Vec::new(),
            aws_request_id: None,
            duration_ms: 0,
            resources: Vec::new(),
            bucket_region: None,
            absent: false,
            derived: false,
            candidates: Vec::new(),
            shape: String::new(),
            leftover: None,
        }
    }
}

/// Why a bare denial of `GetObject` is not about `s3:GetObject`.
const READABLE: &str = "HeadObject of the same object succeeded, and it needs s3:GetObject and nothing of AWS KMS (S3 API Reference, \
                        HeadObject); that the bare denial is about an action behind it is inferred";

impl DenialLine {
    pub fn new(denial: &Denial<'_>) -> Self {
        Self {
            kind: denial.kind,
            policy_type: denial.policy_type,
            setting: denial.setting,
            policy_arn: denial.policy_arn.map(str::to_owned),
            action: Some(denial.action.to_owned()),
            resource: denial.resource.as_deref().map(str::to_owned),
            authorization_id: denial.authorization_id.map(str::to_owned),
            details_link: denial.details_link.map(str::to_owned),
            details: None,
        }
    }

    /// S3's `Access Denied`, which says nothing.
    fn bare() -> Self {
        Self {
            kind: Kind::Unstated,
            policy_type: None,
            setting: None,
            policy_arn: None,
            action: None,
            resource: None,
            authorization_id: None,
            details_link: None,
            details: None,
        }
    }
}

/// What a row's verdict alone does not tell.
fn note(
    outcome: &Outcome,
    verdict: Verdict,
    cause: Option<Cause>,
    warning: Option<Warning>,
    denial: Option<&DenialLine>,
    candidates: &[&str],
    cx: &Context,
) -> Option<String> {
    let Outcome { probe, answer, .. } = outcome;
    let action = probe.action;
    let text = match (cause, warning) {
        (Some(Cause::WrongRegion), _) => match &answer.bucket_region {
            Some(region) => format!("the bucket is in {region}, and the request was sent to {}", cx.region),
            None => Cause::WrongRegion.meaning().to_owned(),
        },
        (Some(Cause::Ambiguous), _) => ambiguity(candidates),
        (Some(Cause::Leftover), _) => {
            let command = outcome.leftover(cx).map(|made| how_to_delete(&made)).unwrap_or_default();
            format!("{}{command}", Cause::Leftover.meaning())
        }
        (Some(cause), _) => cause.meaning().to_owned(),
        (None, Some(Warning::ResourceMissing)) => {
            format!("the action is allowed, but {}", Cause::ResourceMissing.meaning())
        }
        (None, Some(Warning::SideEffect)) => match outcome.leftover(cx) {
            Some(made) => format!(
                "the action is allowed, and AWS carried out what was made to be refused, now or in an earlier run: look for {}{}",
                made.what,
                how_to_delete(&made)
            ),
            None => "the action is allowed, and AWS carried out what was made to be refused".to_owned(),
        },
        (None, Some(Warning::RoleTrust)) => {
            "the role may be passed, but SageMaker cannot assume it: its trust policy does not let SageMaker, or there is no role \
             of this name and path"
                .to_owned()
        }
        (None, None) => {
            // A denial of another action on an allowed row is what AWS came to next.
            let next = denial.and_then(|denial| denial.action.as_deref());
            match next.filter(|next| !next.eq_ignore_ascii_case(action)) {
                Some(next) if is_absent(denial?, cx) => format!(
                    "the action is allowed, since AWS went on to {next}, on a resource that does not exist; of the \
                     pipeline's own resource nothing is known"
                ),
                Some(next) => format!("the action is allowed, since AWS went on to {next}, and denied that"),
                None if verdict == Verdict::Denied => return denied_note(outcome, denial?, cx),
                None if answer.code() == Some("NoSuchKey") => {
                    "S3 found no object to read; put one there, or set PROBE_OBJECT_KEY to one that exists, for a documented proof"
                        .to_owned()
                }
                None => return None,
            }
        }
    };
    Some(sentence(&text))
}

/// What of the request the denial can hang on: the object that this program
/// chose, and what the condition of a deny can look at.
fn denied_note(outcome: &Outcome, denial: &DenialLine, cx: &Context) -> Option<String> {
    let mut notes = Vec::new();
    if let Some(form) = outcome.answer.form.as_deref().filter(|form| form.starts_with("the first object listed")) {
        notes.push(format!(
            "what was read is {form}; if the pipeline reads others, set PROBE_PREFIX or PROBE_OBJECT_KEY"
        ));
    }
    let keyed = ["PutItem", "UpdateItem", "GetItem", "Query"];
    let keyed = outcome.probe.action.strip_prefix("dynamodb:").is_some_and(|action| keyed.contains(&action));
    let keyed = keyed && denial.is_missing_statement();
    if keyed || (denial.kind == Kind::Explicit && denial.setting.is_none()) {
        let such = if keyed { " such as dynamodb:LeadingKeys" } else { "" };
        notes.push(format!(
            "the request had {}; a policy with a condition{such} may allow the pipeline's own request",
            (outcome.probe.shape)(cx)
        ));
    }
    (!notes.is_empty()).then(|| sentence(&notes.join("; ")))
}

/// Which actions a denial that names none can be about, and how to tell them apart.
fn ambiguity(candidates: &[&str]) -> String {
    match candidates {
        [_, "s3:ListBucket"] => {
            "S3 answers the same whether s3:GetObject or s3:ListBucket is denied; set PROBE_OBJECT_KEY to an \
                                 object that exists and that the function may list to tell them apart"
                .to_owned()
        }
        [first, second] => format!(
            "S3 answers the same whether {first} is denied or {second}, which AWS KMS looks at where the bucket is encrypted with a key"
        ),
        [key] => format!(
            "AWS KMS answered for the key behind the resource: it does not exist, or not in this Region, or {key} is denied"
        ),
        _ => Cause::Ambiguous.meaning().to_owned(),
    }
}

/// Whether the denied resource is one whose name this run made up.
fn is_absent(denial: &DenialLine, cx: &Context) -> bool {
    denial.resource.as_deref().is_some_and(|resource| cx.is_made_up(resource))
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).chain(['.']).collect())
}

fn how_to_delete(made: &Leftover) -> String {
    made.command.as_ref().map(|command| format!("; this deletes it: {command}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::answer::{Answer, Means, Silence};
    use crate::probe::Principal;
    use crate::probes::ALL;
    use crate::report::{Report, Response};
    use crate::stub::{config, context, sdk};

    fn outcome(action: &str, code: &str, message: &str) -> Outcome {
        let reply = Reply::Error { status: 400, code: Some(code.to_owned()), message: Some(message.to_owned()) };
        let answer = Answer { reply, request_id: Some("id".to_owned()), ..Answer::nothing(Silence::Broken, "") };
        let probe = ALL.iter().find(|probe| probe.action == action).unwrap();
        Outcome {
            probe,
            answer: answer.unexplained(Means::ThisAction),
            duration: Duration::from_millis(7),
            settled: None,
        }
    }

    /// AWS's answer to the control.
    fn identity() -> Outcome {
        let answer = Answer {
            reply: Reply::Success("200"),
            request_id: Some("id".to_owned()),
            ..Answer::nothing(Silence::Broken, "")
        };
        Outcome { probe: CONTROL, answer, duration: Duration::ZERO, settled: None }
    }

    /// The rows of a run whose control succeeded, without the control's.
    fn rows_of(outcomes: Vec<Outcome>) -> Vec<Row> {
        rows_under(&std::iter::once(identity()).chain(outcomes).collect::<Vec<_>>()).split_off(1)
    }

    #[test]
    fn a_resource_is_in_the_account_that_aws_says_is_calling() {
        let cx = context(&sdk("http://127.0.0.1:1"), config());
        let resource = || rows(&[identity(), outcome("dynamodb:Scan", "X", "")], &cx)[1].resource.clone().unwrap();
        assert_eq!(
            resource(),
            "arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata",
            "as the function's ARN says"
        );
        let arn = "arn:aws:sts::210987654321:assumed-role/r/s".to_owned();
        cx.keep_identity(Some(Principal { arn, account: "210987654321".to_owned() }));
        assert_eq!(resource(), "arn:aws:dynamodb:us-east-1:210987654321:table/ModelMetadata");
    }

    fn rows_under(outcomes: &[Outcome]) -> Vec<Row> {
        rows(outcomes, &context(&sdk("http://127.0.0.1:1"), config()))
    }

    fn status_of(rows: Vec<Row>) -> u16 {
        Response::new(Report::new(rows, String::new(), Duration::ZERO), None, false).status_code
    }

    fn denial(action: &str, resource: &str) -> String {
        format!(
            "User: u is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
        )
    }

    #[test]
    fn a_denied_key_is_a_row_of_its_own() {
        let key = "arn:aws:kms:us-east-1:123456789012:key/k";
        let rows = rows_of(vec![
            outcome("s3:GetObject", "AccessDenied", &denial("kms:Decrypt", key)),
            outcome("dynamodb:GetItem", "AccessDeniedException", &denial("kms:Decrypt", key)),
        ]);
        assert_eq!(rows.len(), 3);
        assert_eq!((rows[0].verdict, rows[1].verdict), (Verdict::Allowed, Verdict::Allowed));
        assert_eq!(rows[0].proof.as_ref().unwrap().grade, Grade::Inferred);
        assert_eq!((rows[2].action.as_str(), rows[2].verdict), ("kms:Decrypt", Verdict::Denied));
        assert_eq!(rows[2].resource.as_deref(), Some(key));
        assert_eq!(rows[2].met_by, ["s3:GetObject", "dynamodb:GetItem"]);
        assert_eq!(status_of(rows), 403, "a pipeline that may not use the key cannot do its work");
    }

    #[test]
    fn without_an_identity_nothing_is_believed() {
        let table = "arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata";
        let answers = || {
            vec![
                outcome("dynamodb:GetItem", "AccessDeniedException", &denial("dynamodb:GetItem", table)),
                outcome("dynamodb:Scan", "ResourceNotFoundException", "Requested resource not found"),
                outcome("dynamodb:Query", "ThrottlingException", "Rate exceeded"),
                outcome("s3:GetObject", "AccessDenied", &denial("kms:Decrypt", "arn:aws:kms:us-east-1:1:key/k")),
            ]
        };
        let silent = Outcome { answer: Answer::nothing(Silence::TimedOut, "no answer"), ..identity() };
        for control in [vec![silent], Vec::new()] {
            let rows = rows_under(&control.into_iter().chain(answers()).collect::<Vec<_>>());
            let rows = &rows[rows.len() - 4..];
            assert!(rows.iter().all(|row| row.verdict == Verdict::Inconclusive && row.proof.is_none()), "{rows:?}");
            let causes: Vec<_> = rows.iter().map(|row| row.cause.unwrap().name()).collect();
            assert_eq!(causes, ["controlFailed", "controlFailed", "throttled", "controlFailed"]);
            assert!(rows[0].note.as_ref().unwrap().contains("would prove \"denied\""), "{:?}", rows[0]);
            assert!(rows[0].denial.is_some() && rows[0].message.is_some(), "what AWS said is still told");
        }
    }

    #[test]
    fn what_must_be_denied_and_is_allowed_takes_the_belief_from_every_allowed() {
        let table = "arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata";
        let answers = |control: Outcome| {
            vec![
                outcome("dynamodb:GetItem", "AccessDeniedException", &denial("dynamodb:GetItem", table)),
                outcome("dynamodb:Scan", "ResourceNotFoundException", "Requested resource not found"),
                control,
            ]
        };
        let probe = *ALL.iter().find(|probe| probe.action == "dynamodb:ListTables").unwrap();
        let rows = rows_of(answers(Outcome { probe, ..identity() }));
        let verdicts: Vec<_> = rows.iter().map(|row| row.verdict).collect();
        assert_eq!(verdicts, [Verdict::Denied, Verdict::Inconclusive, Verdict::Allowed]);
        assert!(!rows[2].is_clean());

        let refused = outcome("dynamodb:ListTables", "AccessDeniedException", &denial("dynamodb:ListTables", "*"));
        let rows = rows_of(answers(refused));
        assert_eq!((rows[1].verdict, rows[2].verdict), (Verdict::Allowed, Verdict::Denied));
        assert!(rows[2].is_clean());
        assert_eq!(
            status_of(rows_of(vec![outcome(
                "dynamodb:ListTables",
                "AccessDeniedException",
                &denial("dynamodb:ListTables", "*")
            )])),
            200
        );
    }

    #[test]
    fn two_keys_are_two_rows() {
        let key = |key: &str| denial("kms:Decrypt", &format!("arn:aws:kms:us-east-1:123456789012:key/{key}"));
        let mut outcomes = vec![outcome("s3:GetObject", "AccessDenied", &key("1"))];
        for action in ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan"] {
            outcomes.push(outcome(action, "AccessDeniedException", &key("2")));
        }
        let rows = rows_of(outcomes);
        assert_eq!(rows.len(), 6);
        assert_eq!(rows[5].met_by, ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan"]);
    }

    #[test]
    fn a_resource_of_the_pipeline_with_a_name_like_ours_is_not_ours() {
        let bucket = "arn:aws:s3:::permissions-probe-data";
        let rows = rows_of(vec![outcome("s3:GetObject", "AccessDenied", &denial("s3:ListBucket", bucket))]);
        assert_eq!((rows[1].action.as_str(), rows[1].verdict), ("s3:ListBucket", Verdict::Denied));
    }

    #[test]
    fn passing_a_role_that_does_not_exist_is_no_row() {
        let role = "arn:aws:iam::123456789012:role/permissions-probe-0123456789abcdef";
        let rows =
            rows_of(vec![outcome("sagemaker:CreateModel", "AccessDeniedException", &denial("iam:PassRole", role))]);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].verdict, Verdict::Allowed);
        assert!(rows[0].note.as_ref().unwrap().contains("of the pipeline's own resource nothing is known"));
        assert_eq!(status_of(rows), 200);
    }

    #[test]
    fn a_denied_list_speaks_in_its_own_row() {
        let bucket = "arn:aws:s3:::your-bucket-name";
        let get = || outcome("s3:GetObject", "AccessDenied", &denial("s3:ListBucket", bucket));
        let rows = rows_of(vec![get(), outcome("s3:ListBucket", "AccessDenied", &denial("s3:ListBucket", bucket))]);
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].verdict, rows[0].cause), (Verdict::Inconclusive, Some(Cause::OtherActionDenied)));
        assert!(rows[1].met_by.is_empty());
        // Where its own probe could not tell, what AWS said of it counts.
        let rows = rows_of(vec![get(), outcome("s3:ListBucket", "SlowDown", "Please reduce your request rate.")]);
        assert_eq!((rows.len(), rows[2].verdict), (3, Verdict::Denied));
        // Where it was not tried for itself, the denial still is not lost.
        let rows = rows_of(vec![get()]);
        assert_eq!((rows[1].action.as_str(), rows[1].verdict), ("s3:ListBucket", Verdict::Denied));
    }

    #[test]
    fn a_warning_keeps_a_run_from_being_clean() {
        let rows = rows_of(vec![outcome("dynamodb:Scan", "ResourceNotFoundException", "Requested resource not found")]);
        assert_eq!((rows[0].verdict, rows[0].warning), (Verdict::Allowed, Some(Warning::ResourceMissing)));
        assert_eq!(status_of(rows), 503);
    }

    #[test]
    fn a_bucket_elsewhere_is_named_with_both_regions() {
        let mut outcome = outcome("s3:ListBucket", "PermanentRedirect", "The bucket you are attempting to access …");
        outcome.answer.bucket_region = Some("eu-west-1".to_owned());
        let rows = rows_of(vec![outcome]);
        assert_eq!(rows[0].note.as_deref(), Some("The bucket is in eu-west-1, and the request was sent to us-east-1."));
    }

    #[test]
    fn the_wire_format_is_the_contract() {
        let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata";
        let rows = rows_of(vec![outcome("dynamodb:Scan", "AccessDeniedException", &denial("dynamodb:Scan", arn))]);
        assert_eq!(
            serde_json::to_value(&rows[0]).unwrap(),
            serde_json::json!({
                "action": "dynamodb:Scan",
                "resource": arn,
                "verdict": "denied",
                "proof": {
                    "code": "AccessDeniedException",
                    "grade": "documented",
                    "source": "IAM User Guide, \"Troubleshoot access denied error messages\""
                },
                "code": "AccessDeniedException",
                "message": denial("dynamodb:Scan", arn),
                "denial": {
                    "kind": "implicitDeny",
                    "policyType": "identity-based",
                    "policyArn": null,
                    "action": "dynamodb:Scan",
                    "resource": arn
                },
                "cause": null,
                "awsRequestId": "id",
                "durationMs": 7
            })
        );
        let bare = rows_of(vec![outcome("s3:ListBucket", "AccessDenied", "Access Denied")]);
        assert_eq!(
            serde_json::to_value(&bare[0]).unwrap()["denial"],
            serde_json::json!({"kind": "unstated", "policyType": null, "policyArn": null, "action": null, "resource": null})
        );
    }
}
