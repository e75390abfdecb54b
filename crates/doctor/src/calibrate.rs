//! Verifies on an account of the user's own that each probe can be denied, and writes down what AWS answered.
//!
//! The role is assumed under a session policy that denies everything, when every row has to come back denied; under one for
//! each action that denies only that one, when AWS has to name that action and no other; and without a policy, when the
//! answers show which proofs have now been seen. A row that is not denied where it has to be is a probe that proves nothing.
//!
//! The last of the three settles, for the actions that pass a role, whether AWS authorizes the action before it looks at
//! `iam:PassRole`, which two rows rest on.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_types::DateTime;
use permissions_aws::probes;
use permissions_aws::run::{self, Time};
use permissions_aws::session::Settings as Sending;
use permissions_core::evidence::{FORM_RECORDS, RECORDS, Record};
use permissions_core::finding::Finding;
use permissions_core::iam::actions::{CONTROL, PASS_ROLE};
use permissions_core::iam::denial::{Kind, PolicyType};
use permissions_core::iam::names::is_role_arn;
use permissions_core::judge::{Cause, Verdict};
use permissions_core::options::Options;
use permissions_core::plan::{Check, plan};
use permissions_core::problem::Problem;
use permissions_core::proof::Grade;
use permissions_core::specification::Specification;
use permissions_core::text::{Rendering, Text, mask};
use serde_json::json;

use crate::cli::CalibrateArguments;
use crate::settings::Settings;
use crate::{Exit, refuse, session};

/// IAM User Guide, "Session policies": what a session may do is what both the
/// role's policies and this one allow.
const DENY_EVERYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// The actions behind which AWS looks at `iam:PassRole`, which may be the order or not.
const PASSING: [&str; 2] = ["sagemaker:CreateTrainingJob", "sagemaker:CreateModel"];

/// A session policy that denies these actions and allows everything else.
fn deny_only(actions: &[&str]) -> String {
    let (allow, deny) = (
        json!({"Effect": "Allow", "Action": "*", "Resource": "*"}),
        json!({"Effect": "Deny", "Action": actions, "Resource": "*"}),
    );
    json!({"Version": "2012-10-17", "Statement": [allow, deny]}).to_string()
}

/// One verification.
struct Calibration {
    role: String,
    specification: Specification,
    checks: Vec<Check>,
    /// The caller's own.
    sdk: SdkConfig,
    sending: Arc<Sending>,
}

pub async fn main(arguments: &CalibrateArguments) -> Exit {
    let calibration = match Calibration::prepare(arguments).await {
        Ok(calibration) => calibration,
        Err(problems) => {
            eprintln!("Nothing was verified, and nothing was sent.");
            return refuse(&problems);
        }
    };
    println!("{}", calibration.announce(&arguments.output.display().to_string()));
    if !arguments.yes && !asks_yes() {
        eprintln!("Nothing was sent. --yes does it without asking.");
        return Exit::Usage;
    }
    match calibration.verify().await {
        Ok((is_sound, records)) => {
            let count = records.lines().filter(|line| !line.starts_with("//")).count();
            if let Err(error) = std::fs::write(&arguments.output, records) {
                eprintln!("error: {} could not be written: {error}.", arguments.output.display());
                return Exit::Configuration;
            }
            println!(
                "\n{count} records are in {}. They name no account, role or resource: look at them, and send them as a pull request.",
                arguments.output.display()
            );
            if is_sound { Exit::AsSpecified } else { Exit::Denied }
        }
        Err(error) => {
            eprintln!("error: {error}.");
            Exit::Inconclusive
        }
    }
}

/// Whether somebody at the terminal says yes.
fn asks_yes() -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    print!("Go on? [y/N] ");
    drop(std::io::stdout().flush());
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim().eq_ignore_ascii_case("y")
}

impl Calibration {
    async fn prepare(arguments: &CalibrateArguments) -> Result<Self, Vec<Problem>> {
        let sdk = session::load(&arguments.place).await;
        let settings =
            Settings::new(&arguments.what, Some(&arguments.place)).in_region(sdk.region().map(ToString::to_string));
        let sending = Arc::new(session::settings(Duration::from_secs(5)));
        let mut problems = Vec::new();
        if !is_role_arn(&arguments.role_arn) {
            let expected = "the ARN of the role to verify with, which you may assume";
            problems.push(Problem::new("--role-arn", Some(arguments.role_arn.as_str().into()), expected));
        }
        let specification = settings.specification(None).map_err(|found| problems.extend(found));
        problems.extend(session::problems(&sdk, sending.timeout).await);
        let Ok(specification) = specification else { return Err(problems) };
        if !problems.is_empty() {
            return Err(problems);
        }
        let has_log = specification.log_stream.group.is_some() && specification.log_stream.stream.is_some();
        let is_log = |check: &Check| check.action().starts_with("logs:") && check.action() != "logs:DescribeLogGroups";
        // Another name than that of a log group that exists would be made.
        let checks =
            plan(&specification, &probes::infos()).checks.into_iter().filter(|check| has_log || !is_log(check));
        let checks = checks.collect();
        Ok(Self { role: arguments.role_arn.clone(), specification, checks, sdk, sending })
    }

    /// The actions that are denied one by one.
    fn actions(&self) -> Vec<&'static str> {
        let mut actions: Vec<&'static str> = Vec::new();
        for check in self.checks.iter().filter(|check| check.action() != CONTROL) {
            if !actions.contains(&check.action()) {
                actions.push(check.action());
            }
        }
        actions
    }

    fn announce(&self, output: &str) -> String {
        let (checks, actions) = (self.checks.len(), self.actions().len());
        format!(
            "This assumes {} {} times, and sends about {} requests in its name, in forms that change nothing:\n  \
             1. all {checks} under a session policy that denies everything;\n  \
             2. each of {actions} actions under a session policy that denies only that one;\n  \
             3. all {checks} without a session policy.\n\
             What AWS answers is written to {output}, without names.",
            self.role,
            actions + PASSING.len() + 2,
            checks * 2 + actions * 2
        )
    }

    /// Whether every probe is one that can be denied, and the records of what was seen.
    async fn verify(&self) -> Result<(bool, String), String> {
        println!("\n== Under a session policy that denies everything");
        let denied = self.check(Some(DENY_EVERYTHING), &self.checks).await?;
        let mut sound = true;
        for finding in &denied {
            let judged = judge_denied(finding);
            sound &= judged.is_ok();
            println!("{:<32} {}", name(finding), judged.unwrap_or_else(|wrong| format!("WRONG: {wrong}")));
        }

        println!("\n== Under a session policy that denies only the action");
        let mut alone = Vec::new();
        for action in self.actions() {
            let named = self.named_when_denied(action, &[action]).await?;
            let is_own = named.as_deref().is_some_and(|named| named.eq_ignore_ascii_case(action));
            sound &= is_own || named.is_none();
            let told = match &named {
                Some(named) if is_own => format!("AWS names {named}"),
                Some(named) => format!("WRONG: AWS names {named}"),
                None => "AWS names no action".to_owned(),
            };
            println!("{action:<32} {told}");
            if is_own {
                alone.push(action);
            }
        }

        println!("\n== Which comes first, the action or {PASS_ROLE}");
        for action in PASSING.iter().filter(|action| self.actions().contains(action)) {
            let named =
                self.named_when_denied(action, &[action, PASS_ROLE]).await?.unwrap_or_else(|| "nothing".to_owned());
            let told = match named.as_str() {
                _ if named.eq_ignore_ascii_case(action) => "the action, as the probes take it",
                PASS_ROLE => "iam:PassRole FIRST: a denial of it proves nothing of the action",
                _ => "neither of the two, so this settles nothing",
            };
            println!("{action:<32} AWS names {told}");
            sound &= named != PASS_ROLE;
        }

        println!("\n== Without a session policy");
        let plain = self.check(None, &self.checks).await?;
        for finding in &plain {
            let code = finding.proof.as_ref().map(|proof| show(&proof.code));
            let code = code.or(finding.cause.map(|cause| cause.name().to_owned())).unwrap_or_default();
            println!("{:<32} {} {code}", name(finding), finding.verdict.name());
        }
        println!(
            "\n{}",
            if sound { "every probe can be denied" } else { "a probe is not what it is taken for: see above" }
        );
        Ok((sound, records(&plain, &denied, &alone)))
    }

    /// The action that AWS names when these are denied and this one is called.
    async fn named_when_denied(&self, action: &str, denied: &[&str]) -> Result<Option<String>, String> {
        let of_action = |check: &&Check| [CONTROL, action].contains(&check.action());
        let checks: Vec<_> = self.checks.iter().filter(of_action).cloned().collect();
        let findings = self.check(Some(&deny_only(denied)), &checks).await?;
        let finding = findings.iter().find(|finding| finding.is_check_of(action));
        // Without a role, AWS has no second action to look at: that request is sent only after iam:PassRole was denied.
        let form = finding.and_then(|finding| finding.proof.as_ref()?.request.as_ref());
        if form.is_some_and(|form| form.raw() == "without a role") {
            return Ok(Some(PASS_ROLE.to_owned()));
        }
        let denial = finding.and_then(|finding| finding.denial.as_ref()?.action.as_ref());
        Ok(denial.map(show))
    }

    /// What the checks find in a session of the role under a policy.
    async fn check(&self, policy: Option<&str>, checks: &[Check]) -> Result<Vec<Finding>, String> {
        let sdk = self.assume(policy).await?;
        let session = session::session(self.specification.clone(), &self.sending, &sdk);
        let time = Time::new(self.sending.timeout, Duration::ZERO, 0);
        let checks = run::select(checks, &Options::default(), &session);
        Ok(run::run(&checks, Arc::new(session), &sdk, &time).await.findings)
    }

    async fn assume(&self, policy: Option<&str>) -> Result<SdkConfig, String> {
        let request = aws_sdk_sts::Client::new(&self.sdk)
            .assume_role()
            .role_arn(&self.role)
            .role_session_name("permissions-doctor-calibrate");
        let assumed = request.set_policy(policy.map(str::to_owned)).duration_seconds(900).send().await;
        let assumed =
            assumed.map_err(|error| format!("{} could not be assumed: {}", self.role, error.into_service_error()))?;
        let session = assumed.credentials().ok_or("AWS gave no credentials")?;
        let credentials = Credentials::new(
            session.access_key_id(),
            session.secret_access_key(),
            Some(session.session_token().to_owned()),
            None,
            "calibrate",
        );
        Ok(self.sdk.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build())
    }
}

/// What a finding under the policy that denies everything tells; an error, where it should not.
fn judge_denied(finding: &Finding) -> Result<String, String> {
    if finding.is_check_of(CONTROL) {
        let allowed = finding.verdict == Verdict::Allowed;
        return if allowed { Ok("allowed, as ever".to_owned()) } else { Err(describe(finding)) };
    }
    let denial = finding.denial.as_ref();
    let other = denial.and_then(|denial| denial.action.as_ref()).map(show).unwrap_or_default();
    match (finding.verdict, finding.cause) {
        (Verdict::Denied, _) if denial.is_some_and(|denial| denial.policy_type == Some(PolicyType::Session)) => {
            Ok("denied, session policy".to_owned())
        }
        (Verdict::Inconclusive, Some(Cause::OtherActionDenied)) => Ok(format!("not reached: {other} was denied")),
        (Verdict::Inconclusive, Some(Cause::NotConfigured)) => {
            Ok(format!("not tried: {}", finding.message.as_ref().map(show).unwrap_or_default()))
        }
        // S3 can deny without saying what.
        (Verdict::Denied, _) if denial.is_some_and(|denial| denial.kind == Kind::Unstated) => {
            Ok("denied, AWS does not say by what".to_owned())
        }
        _ => Err(describe(finding)),
    }
}

fn describe(finding: &Finding) -> String {
    let code = finding.code.as_ref().map(show).unwrap_or_default();
    let message = finding.message.as_ref().map(show).unwrap_or_default();
    format!("{} {code} {message}", finding.verdict.name()).trim_end().to_owned()
}

/// The lines of `crates/core/src/evidence` for what was seen, and as comments what is known of no proof.
fn records(plain: &[Finding], denied: &[Finding], alone: &[&str]) -> String {
    let month = DateTime::from(SystemTime::now()).to_string().get(..7).unwrap_or_default().to_owned();
    let mut lines = vec![format!(
        "// What AWS answered in {month}, for crates/core/src/evidence. Replace SOURCE by the pull request."
    )];
    for finding in plain.iter().filter(|finding| !finding.is_check_of(CONTROL)) {
        let action = show(&finding.action);
        let message = finding.message.as_ref().map(|message| mask(message.raw())).unwrap_or_default();
        let Some(proof) = finding.proof.as_ref().filter(|_| finding.verdict == Verdict::Allowed) else {
            let code = finding.code.as_ref().map(show).unwrap_or_default();
            lines.push(format!("// {action}: {} {code:?} {:?}", finding.verdict.name(), without_names(&message)));
            continue;
        };
        let code = show(&proof.code);
        let before = denied.iter().find(|other| other.key() == finding.key());
        let was_denied = before.is_some_and(|before| judge_denied(before).is_ok_and(|told| told.starts_with("denied")));
        // One run shows the text, and a denial in the same circumstances.
        let seen = if was_denied && alone.contains(&action.as_str()) { "Both" } else { "Text" };
        let text = text_of(&action, &code, &message);
        let known = if proof.grade == Grade::Observed { " // observed before" } else { "" };
        lines.push(format!("record(&[{action:?}], ({code:?}, {text:?}), Seen::{seen}, \"SOURCE\", {month:?}),{known}"));
    }
    lines.join("\n") + "\n"
}

/// The part of a message that the proof knows it by.
fn text_of(action: &str, code: &str, message: &str) -> String {
    let message = message.to_lowercase();
    let fits = |record: &&Record| {
        record.actions.contains(&action)
            && record.code == code
            && record.text.split('…').all(|part| message.contains(part.trim()))
    };
    let texts = RECORDS.iter().chain(FORM_RECORDS).filter(fits).map(|record| record.text);
    texts.max_by_key(|text| text.len()).unwrap_or_default().to_owned()
}

/// A message without the names of resources, which stand in quotes or are ARNs.
fn without_names(message: &str) -> String {
    let words = message.split(' ').map(|word| {
        let is_name = word.contains("arn:") || word.contains("://") || word.contains('/');
        if is_name { "…" } else { word }
    });
    let text = words.collect::<Vec<_>>().join(" ");
    // Every other part stands between quotes.
    let quotes = ['"', '\''];
    let parts = text.split(quotes).enumerate().map(|(index, part)| if index % 2 == 1 { "…" } else { part });
    parts.collect::<Vec<_>>().join("\"")
}

fn name(finding: &Finding) -> String {
    show(&finding.action)
}

fn show(text: &Text) -> String {
    Rendering::new(false).text(text)
}
