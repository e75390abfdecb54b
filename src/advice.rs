//! From the rows to what to do about them.

use crate::denial::{Kind, PolicyType};
use crate::headline::{self, Findings};
use crate::pattern;
use crate::probe::{Leftover, Principal, Probe, quoted};
use crate::probes::{ALL, ASSUME_ROLE};
use crate::redact;
use crate::report::{Advice, DenialLine, PolicyDocument, Row, Statement, Trusted};
use crate::verdict::{Cause, Verdict, Warning};

/// The start of the name of the inline policy that the advice makes.
const POLICY_NAME: &str = "permissions-probe";

/// What to do, the most likely cause first. Nothing, where nothing is wrong.
///
/// A role or a Region that is not the expected one is named even where
/// everything is allowed: then it is the expectation that is wrong, or the role
/// that was meant is not the one that was checked.
pub fn advise(findings: &Findings<'_>) -> Vec<Advice> {
    let mut advice: Vec<Advice> = wrong_role(findings).into_iter().chain(wrong_region(findings)).collect();
    let rows = findings.rows;
    let denied: Vec<(&Row, &DenialLine)> = rows
        .iter()
        .filter(|row| row.verdict == Verdict::Denied && !row.is_clean())
        .filter_map(|row| Some((row, row.denial.as_ref()?)))
        .collect();
    let of = |kind: fn(&DenialLine) -> bool| -> Vec<&Row> {
        denied.iter().filter(|(_, denial)| kind(denial)).map(|(row, _)| *row).collect()
    };

    let missing = of(DenialLine::is_missing_statement);
    let (offered, others): (Vec<&Row>, Vec<&Row>) = missing.iter().partition(|row| is_offered(row));
    let role = findings.principal.and_then(Principal::role);
    let whose = role.map_or("the function's role".to_owned(), |role| format!("the role {role}"));
    let none = format!("No identity-based policy of {whose} allows these actions.");
    if !others.is_empty() {
        let why = "AWS does not name a resource for which a statement could be offered.";
        advice.push(plain(format!("{none} {why}{}", key_places(&others)), names(&others)));
    }
    if let Some(policy) = policy(&offered) {
        advice.push(if wrong_role(findings).is_some() {
            // Do not offer a policy for a role that is not the expected one.
            plain(
                format!("{none} No statement is offered, since it is not the role that is expected."),
                names(&offered),
            )
        } else {
            Advice {
                text: format!("{none}{} This policy, added to it, does:", key_places(&offered)),
                actions: names(&offered),
                command: role.map(|role| command(role, &policy)),
                policy: Some(policy),
                trust_policy: None,
            }
        });
    }
    let unstated = of(|denial| denial.kind == Kind::Unstated && denial.policy_type.is_none());
    if !unstated.is_empty() {
        let bare = unstated.iter().any(|row| row.denial.as_ref().is_some_and(|denial| denial.action.is_none()));
        let other_account = if bare {
            " S3 says no more where the bucket belongs to another account or organization: then the bucket's own policy has to \
             allow them, too."
        } else {
            ""
        };
        let policy = policy(&unstated).filter(|_| wrong_role(findings).is_none());
        let first = if policy.is_some() { " If it is the first, this policy allows them:" } else { "" };
        let keys = key_places(&unstated);
        let text = format!(
            "AWS does not say which policy denied these actions. One possibility is that no identity-based policy \
             allows them; another is a policy that denies them, which no Allow overrides.{other_account}{keys}{first}"
        );
        advice.push(Advice { policy, ..plain(text, names(&unstated)) });
    }
    advice.extend(ambiguous(findings));
    // AWS KMS names three possibilities at once, and none of them is the role's own policy.
    let one_of_three = of(|denial| denial.kind == Kind::Unstated && denial.policy_type.is_some());
    if !one_of_three.is_empty() {
        advice.push(plain(
            "AWS says that the resource does not exist in this Region, or that no resource-based policy allows these actions, \
             or that one denies them. Look whether it exists, and then at its own policy."
                .to_owned(),
            names(&one_of_three),
        ));
    }
    advice.extend(trust(findings));
    let others = of(|denial| denial.kind != Kind::Unstated && !denial.is_missing_statement());
    // The same words for the same policy are said once, for all its actions.
    let mut refused: Vec<(String, Vec<&Row>)> = Vec::new();
    for row in others.into_iter().filter(|row| !is_about_trust(row)) {
        let text = row.denial.as_ref().map(no_use).unwrap_or_default();
        match refused.iter_mut().find(|(known, _)| *known == text) {
            Some((_, rows)) => rows.push(row),
            None => refused.push((text, vec![row])),
        }
    }
    for (text, rows) in refused {
        advice.push(plain(format!("{text}{}", shapes(&rows)), names(&rows)));
    }
    advice.extend(unanswered(findings));
    advice.extend(warnings(findings));
    advice
}

/// Where AWS KMS looks, for the keys among these rows.
fn key_places(rows: &[&Row]) -> String {
    let mut keys: Vec<String> = Vec::new();
    for row in rows.iter().filter(|row| row.action.starts_with("kms:")) {
        let key =
            row.resource.as_deref().unwrap_or("the key that the resource is encrypted with, which AWS does not name,");
        let text = format!(
            " AWS KMS looks in two places: the key policy of {key} has to allow {}, or to leave it to IAM, and then an \
             identity-based policy of the role has to allow it.",
            row.action
        );
        if !keys.contains(&text) {
            keys.push(text);
        }
    }
    keys.concat()
}

/// What to do about the rows that tell neither, by their causes.
fn unanswered(findings: &Findings<'_>) -> Vec<Advice> {
    let mut causes: Vec<(Cause, Vec<&Row>)> = Vec::new();
    for row in findings.rows.iter().filter(|row| row.candidates.is_empty()) {
        // The control that failed, and the role that was not assumed, are what the headline is for.
        let Some(cause) = row.cause.filter(|cause| !matches!(cause, Cause::NotRun)) else { continue };
        match causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, rows)) => rows.push(row),
            None => causes.push((cause, vec![row])),
        }
    }
    // What follows from another cause comes after it.
    causes
        .sort_by_key(|(cause, _)| matches!(cause, Cause::NotAssumed | Cause::ControlFailed | Cause::OtherActionDenied));
    // What is the same to do is told once.
    let mut told: Vec<(String, Vec<&Row>)> = Vec::new();
    for (cause, row) in causes.into_iter().flat_map(|(cause, rows)| rows.into_iter().map(move |row| (cause, row))) {
        let text = remedy(cause, row, findings);
        match told.iter_mut().find(|(known, _)| *known == text) {
            Some((_, rows)) => rows.push(row),
            None => told.push((text, vec![row])),
        }
    }
    told.into_iter().map(|(text, rows)| plain(text, names(&rows))).collect()
}

/// What to do about a cause, in a sentence or two.
fn remedy(cause: Cause, first: &Row, findings: &Findings<'_>) -> String {
    let silent = || headline::silent_services(findings).filter(|_| headline::is_of_silent_service(first, findings));
    let said = first.message.as_deref().unwrap_or_default();
    match cause {
        Cause::Credentials => format!("AWS did not accept the credentials of these requests. {}", headline::RENEW),
        Cause::ClockSkew => {
            "The clock of the machine that the function runs on is off: set it, and run the check again.".to_owned()
        }
        Cause::Throttled => "AWS limited the rate of these requests. Run the check again; if it stays so, ask for a higher quota, \
                             or run the check less often."
            .to_owned(),
        Cause::Network | Cause::TimedOut => silent().unwrap_or_else(|| {
            "These requests were not answered, and others of the same service were: run the check again, and if it stays so, raise \
             PROBE_TIMEOUT_MS and the function's timeout."
                .to_owned()
        }),
        Cause::WrongRegion => headline::bucket_region(findings).unwrap_or_else(|| {
            format!("The bucket {} is in another Region, which S3 does not name.", findings.config.bucket)
        }),
        Cause::ResourceMissing if first.action.starts_with("s3:") => headline::no_bucket(findings.config),
        Cause::ResourceMissing => "What these requests ask for does not exist: create it, or correct the function's configuration.".to_owned(),
        Cause::NotSent => format!("These requests could not be made: look at the function's Region and endpoints ({said})."),
        Cause::ServiceFault => "The service failed on its side: run the check again.".to_owned(),
        Cause::AccountNotReady => {
            "The account is not subscribed to the service, or is suspended: its owner has to look at it.".to_owned()
        }
        Cause::KmsKey => format!("The AWS KMS key behind the resource is missing or disabled: enable it, or name another one ({said})."),
        Cause::NotConfigured => format!("These actions were not tried: {said}."),
        Cause::OtherAccount => "SageMaker takes only roles of the caller's own account: correct PROBE_SAGEMAKER_ROLE_ARN.".to_owned(),
        Cause::Leftover => first.note.clone().unwrap_or_else(|| Cause::Leftover.meaning().to_owned()),
        Cause::Setting => format!("A setting of the bucket refuses these requests, and no policy changes that: ask its owner ({said})."),
        Cause::OtherActionDenied => {
            let denial = first.denial.as_ref();
            let other = denial.and_then(|denial| denial.action.as_deref()).unwrap_or("another action");
            if denial.is_some_and(DenialLine::is_missing_statement) {
                format!("AWS denied {other} first: allow that, and run the check again.")
            } else {
                format!("AWS denied {other} first: mend that, as the advice on it says, and run the check again.")
            }
        }
        Cause::NotFromAws => "The answers to these requests did not come from AWS: look for a proxy or a firewall between the function \
                              and AWS."
            .to_owned(),
        Cause::ControlFailed => "A control of this run did not come out as it must, so these answers are not believed: mend what the \
                                 control's row says first."
            .to_owned(),
        Cause::NotAssumed => "These actions were not tried, since the role to check was not assumed: mend that first.".to_owned(),
        Cause::RequestRefused | Cause::Unrecognized | Cause::Ambiguous => {
            "AWS's answers to these requests are none that are known to prove anything; the rows have them. If the pipeline works, please \
             report them, so that they are known."
                .to_owned()
        }
        Cause::ProbeBroken => "The probe broke: a defect of this program, please report it.".to_owned(),
        Cause::NotRun => Cause::NotRun.meaning().to_owned(),
    }
}

/// Whether a statement for the action can be offered: it is one that a probe
/// needs, or that AWS looks at behind it, on a resource that is named.
fn is_offered(row: &Row) -> bool {
    let asked = |action: &str| ALL.iter().any(|probe| probe.action.eq_ignore_ascii_case(action));
    let behind = |action: &str| {
        let met = |probe: &&&Probe| row.met_by.contains(&probe.action);
        ALL.iter().filter(met).any(|probe| probe.behind.iter().any(|pattern| pattern::matches(pattern, action)))
    };
    let known = !row.derived || asked(&row.action) || behind(&row.action);
    known && !row.resources.is_empty() && row.resources.iter().all(|resource| resource != "*")
}

/// What of the requests the condition of a deny can look at.
fn shapes(rows: &[&Row]) -> String {
    let explicit = |row: &&&Row| {
        row.denial.as_ref().is_some_and(|denial| denial.kind == Kind::Explicit && denial.setting.is_none())
            && !row.derived
    };
    let denied: Vec<&Row> = rows.iter().filter(explicit).copied().collect();
    let requests: Vec<String> = denied.iter().map(|row| format!("{} with {}", row.action, row.shape)).collect();
    match requests.len() {
        0 => String::new(),
        1..=4 => format!(
            " What was denied is: {}. If the policy has conditions, it may allow the pipeline's own requests, where they differ.",
            requests.join("; ")
        ),
        _ => " The note of each row says what its request had. If the policy has conditions, it may allow the pipeline's own \
              requests, where they differ."
            .to_owned(),
    }
}

/// What to do where AWS does not say which action it denied.
fn ambiguous(findings: &Findings<'_>) -> Vec<Advice> {
    let mut advice: Vec<Advice> = Vec::new();
    for row in findings.rows.iter().filter(|row| !row.candidates.is_empty()) {
        let actions: Vec<String> = row.candidates.iter().map(|candidate| candidate.action.clone()).collect();
        if advice.iter().any(|known| known.actions == [row.action.clone()]) {
            continue;
        }
        let statement = row.candidates.iter().map(|candidate| Statement {
            effect: "Allow",
            principal: None,
            action: vec![candidate.action.clone()],
            resource: candidate.resources.clone(),
            condition: candidate.condition.clone(),
        });
        let policy = PolicyDocument { version: "2012-10-17", statement: statement.collect() };
        let which = if actions.len() == 1 {
            format!(
                "AWS points at {}, and does not say whether a policy denies it or the key is missing or disabled.",
                actions[0]
            )
        } else {
            format!("AWS does not say which of {} it denied.", actions.join(" and "))
        };
        let key = if actions.iter().any(|action| action.starts_with("kms:")) {
            " The policy of the AWS KMS key has to allow it as well, or to leave it to IAM; the statement is for the keys of this \
             bucket only."
        } else {
            ""
        };
        let policy = Some(policy).filter(|_| wrong_role(findings).is_none());
        let text = format!(
            "{which} If the role's own policies lack it, this policy allows it; a bucket of another account needs it in its bucket \
             policy, too.{key}"
        );
        advice.push(Advice { policy, ..plain(text, vec![row.action.clone()]) });
    }
    advice
}

/// What the trust policy of the role for SageMaker lacks.
fn role_trust(findings: &Findings<'_>) -> Option<Advice> {
    let row = findings.rows.iter().find(|row| row.warning == Some(Warning::RoleTrust))?;
    let role = findings.config.sagemaker_role_arn.as_deref()?;
    let name = role.rsplit('/').next()?;
    let statement = Statement {
        effect: "Allow",
        principal: Some(Trusted::Service("sagemaker.amazonaws.com")),
        action: vec!["sts:AssumeRole".to_owned()],
        resource: Vec::new(),
        condition: None,
    };
    let trust_policy = PolicyDocument { version: "2012-10-17", statement: vec![statement] };
    let document = serde_json::to_string(&trust_policy).unwrap_or_default();
    Some(Advice {
        command: Some(format!(
            "aws iam update-assume-role-policy --role-name={name} --policy-document {}",
            quoted(&document)
        )),
        trust_policy: Some(trust_policy),
        ..plain(
            format!(
                "SageMaker cannot assume {role}. Look first whether that is the ARN of a role, its path included, such as \
                 role/service-role/{name}: aws iam get-role --role-name={name} --query Role.Arn. If it is, its trust policy does \
                 not let SageMaker assume it. This trust policy does; the command replaces the one that the role has, so add to it \
                 what else has to stay."
            ),
            names(&[row]),
        )
    })
}

/// What is wrong although the action is allowed.
fn warnings(findings: &Findings<'_>) -> Vec<Advice> {
    let mut advice = Vec::new();
    let warned = |warning| findings.rows.iter().filter(move |row| row.warning == Some(warning)).collect::<Vec<_>>();
    let config = findings.config;
    for (service, what) in [
        ("s3:", format!("object {} in the bucket {}", config.object_key.as_deref().unwrap_or_default(), config.bucket)),
        (
            "sagemaker:InvokeEndpoint",
            format!("endpoint {} in {}", config.endpoint_name.as_deref().unwrap_or_default(), findings.region),
        ),
        (
            "sagemaker:DescribeTrainingJob",
            format!("training job {} in {}", config.training_job_name.as_deref().unwrap_or_default(), findings.region),
        ),
    ] {
        let missing: Vec<&Row> =
            warned(Warning::ResourceMissing).into_iter().filter(|row| row.action.starts_with(service)).collect();
        if !missing.is_empty() {
            advice.push(plain(
                format!("There is no {what}. Create it, or correct the function's configuration or Region."),
                names(&missing),
            ));
        }
    }
    let tables: Vec<&Row> =
        warned(Warning::ResourceMissing).into_iter().filter(|row| row.action.starts_with("dynamodb:")).collect();
    if !tables.is_empty() {
        advice.push(plain(headline::no_table(findings), names(&tables)));
    }
    let changed = warned(Warning::SideEffect);
    if !changed.is_empty() {
        let mut made: Vec<&Leftover> = Vec::new();
        for leftover in changed.iter().filter_map(|row| row.leftover.as_ref()) {
            if !made.contains(&leftover) {
                made.push(leftover);
            }
        }
        let what = made.iter().map(|leftover| leftover.what.as_str()).collect::<Vec<_>>().join(", ");
        let command = made.iter().filter_map(|leftover| leftover.command.as_deref()).collect::<Vec<_>>().join(" && ");
        let what = match (what.is_empty(), command.is_empty()) {
            (true, _) => String::new(),
            (false, true) => format!(" Look for {what}."),
            (false, false) => format!(" Look for {what}, and delete it with this command."),
        };
        advice.push(Advice {
            command: Some(command).filter(|command| !command.is_empty()),
            ..plain(
                format!(
                    "These requests were made to be refused after authorization, and AWS carried them out, now or in an earlier \
                     run.{what}"
                ),
                names(&changed),
            )
        });
    }
    advice.extend(role_trust(findings));
    advice
}

/// What the guide's policy leaves out, where this run shows that it will be
/// needed. It changes no verdict.
pub fn advisories(findings: &Findings<'_>) -> Vec<Advice> {
    let mut advisories = Vec::new();
    // AWS went on to iam:PassRole and denied it, on a role that does not exist.
    let passing = |row: &&Row| {
        let denied = row.denial.as_ref().and_then(|denial| denial.action.as_deref());
        row.absent && row.verdict == Verdict::Allowed && denied == Some("iam:PassRole")
    };
    let passing: Vec<&Row> = findings.rows.iter().filter(passing).collect();
    if !passing.is_empty() && findings.config.sagemaker_role_arn.is_none() {
        advisories.push(plain(
            "The guide's policy leaves out iam:PassRole, and AWS denied it for a role that does not exist. A real training job \
             or model needs it on the role that is handed to SageMaker, with the condition iam:PassedToService = \
             sagemaker.amazonaws.com. Set PROBE_SAGEMAKER_ROLE_ARN to that role to have it tried."
                .to_owned(),
            names(&passing),
        ));
    }
    if findings.elsewhere {
        advisories.push(plain(
            "The role to check belongs to another account than the function. The three logs actions were left out: the function's log \
             group is not there, and these requests would make one."
                .to_owned(),
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"].map(str::to_owned).to_vec(),
        ));
    }
    if let Some(endpoint) = &findings.config.endpoint_name {
        advisories.push(plain(
            format!(
                "The guide's policy leaves out sagemaker:CreateEndpointConfig and sagemaker:DescribeEndpoint, which deploying \
                 an endpoint such as {endpoint} needs. They were not tried."
            ),
            vec!["sagemaker:CreateEndpointConfig".to_owned(), "sagemaker:DescribeEndpoint".to_owned()],
        ));
    }
    advisories
}

fn plain(text: String, actions: Vec<String>) -> Advice {
    Advice { text, actions, command: None, policy: None, trust_policy: None }
}

fn wrong_role(findings: &Findings<'_>) -> Option<Advice> {
    let (principal, expected) = (findings.unexpected()?, findings.expected_name());
    Some(plain(
        format!(
            "The function does not run under the role {expected} but as {}. Set its execution role, or \
             PROBE_EXPECTED_ROLE if this is the role to check.",
            principal.arn
        ),
        Vec::new(),
    ))
}

/// What the trust policy of the role to check lacks, where AWS's denial leaves
/// that open or says so.
fn trust(findings: &Findings<'_>) -> Option<Advice> {
    let row = findings.not_assumed().filter(|row| is_about_trust(row))?;
    let target = findings.config.assume_role_arn.as_deref()?;
    let (principal, role) = (findings.principal?, findings.principal?.role()?);
    let partition = principal.arn.split(':').nth(1).unwrap_or("aws");
    let aws = format!("arn:{partition}:iam::{}:role/{role}", principal.account);
    let text = format!(
        "The trust policy of {target} has to let the function's role assume it. This statement does, added to those that the \
         trust policy has; it is replaced as a whole. If the function's role has a path, the path belongs into its ARN."
    );
    // Whoever trusts the wrong role makes two mistakes of one.
    if wrong_role(findings).is_some() {
        return Some(plain(
            format!(
                "The trust policy of {target} has to let the function's role assume it. No statement is offered, since the function does not run under the role that is expected."
            ),
            names(&[row]),
        ));
    }
    let statement = Statement {
        effect: "Allow",
        principal: Some(Trusted::Aws(aws)),
        action: vec![row.action.clone()],
        resource: Vec::new(),
        condition: None,
    };
    let trust_policy = Some(PolicyDocument { version: "2012-10-17", statement: vec![statement] });
    Some(Advice { trust_policy, ..plain(text, names(&[row])) })
}

/// Whether a denial of `sts:AssumeRole` can be for want of trust. AWS looks into
/// the trust policy as well as into the caller's own, and most often does not
/// say which of them it was.
fn is_about_trust(row: &Row) -> bool {
    let denial = row.denial.as_ref().filter(|_| row.verdict == Verdict::Denied && row.action == ASSUME_ROLE.action);
    denial.is_some_and(|denial| match denial.kind {
        Kind::Explicit => false,
        Kind::Implicit | Kind::Unstated => matches!(
            denial.policy_type,
            None | Some(PolicyType::RoleTrust | PolicyType::ResourceBased | PolicyType::IdentityBased)
        ),
    })
}

fn wrong_region(findings: &Findings<'_>) -> Option<Advice> {
    let region = findings.region;
    let expected = findings.config.expected_region.as_deref().filter(|expected| *expected != region)?;
    Some(plain(
        format!(
            "The function runs in {region}, and the policy's ARNs are expected to name {expected}. Deploy it there, or name \
             {region} in the policy."
        ),
        Vec::new(),
    ))
}

fn names(rows: &[&Row]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for row in rows {
        if !names.contains(&row.action) {
            names.push(row.action.clone());
        }
    }
    names
}

/// One statement for each set of resources, with all the actions on it; `None`
/// where AWS names no resource, since a statement must not be for all of them.
fn policy(rows: &[&Row]) -> Option<PolicyDocument> {
    let mut statement: Vec<Statement> = Vec::new();
    for row in rows.iter().filter(|row| is_offered(row)) {
        let pass_role = row.action.eq_ignore_ascii_case("iam:PassRole");
        let resource = row.resources.clone();
        match statement.iter_mut().find(|known| known.resource == resource && known.condition.is_none() && !pass_role) {
            Some(known) => known.action.push(row.action.clone()),
            None => statement.push(Statement {
                effect: "Allow",
                principal: None,
                action: vec![row.action.clone()],
                resource,
                // Without it, the role could be handed to any service.
                condition: pass_role
                    .then(|| serde_json::json!({"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}})),
            }),
        }
    }
    (!statement.is_empty()).then_some(PolicyDocument { version: "2012-10-17", statement })
}

/// The command that adds the policy, for a POSIX shell.
///
/// Each policy has a name of its own: under one and the same, the next policy
/// would take the place of the one before.
fn command(role: &str, policy: &PolicyDocument) -> String {
    let document = serde_json::to_string(policy).unwrap_or_default();
    // The hash function FNV-1a: names differ where documents do, but for the account, which is the role's own, and which
    // a hash would give away to who tries all.
    let mut masked = document.clone();
    redact::mask(vec![&mut masked]);
    let hash = masked.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!(
        "aws iam put-role-policy --role-name={role} --policy-name {POLICY_NAME}-{hash:08x} --policy-document {}",
        quoted(&document)
    )
}

/// Why an Allow in the role's policy is of no use, and who can help.
pub fn no_use(denial: &DenialLine) -> String {
    if let Some(setting) = denial.setting {
        return format!(
            "A setting denies these actions, and no policy: {setting}. Adding an Allow to the role's own policy will not help; ask \
             the owner of the bucket."
        );
    }
    let owner = match denial.policy_type {
        Some(PolicyType::IdentityBased) => "the administrator of the role",
        Some(PolicyType::ResourceBased) => "the owner of the resource",
        Some(PolicyType::PermissionsBoundary) => "whoever set the role's permissions boundary",
        Some(PolicyType::Session) => "whoever opened the session with that policy",
        Some(PolicyType::ServiceControl | PolicyType::ResourceControl) => "the administrator of the AWS organization",
        Some(PolicyType::VpcEndpoint) => "the owner of the VPC endpoint",
        Some(PolicyType::RoleTrust) => "the owner of the role",
        None => "the owner of the policy",
    };
    let policy = denial.policy_type.map_or("policy of a type that AWS does not state".to_owned(), |t| t.to_string());
    let article = if policy.starts_with('i') { "an" } else { "a" };
    let arn = denial.policy_arn.as_ref().map(|arn| format!(": {arn}")).unwrap_or_default();
    let how = match denial.kind {
        Kind::Explicit => "has an explicit deny of",
        _ => "finds no Allow of",
    };
    format!(
        "AWS {how} these actions in {article} {policy}{arn}. Adding an Allow to the role's own policy will not help; ask \
         {owner}. AWS states one policy type even where several deny."
    )
}
