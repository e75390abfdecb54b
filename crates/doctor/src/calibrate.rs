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
use crate::{Exit, print, refuse, say, session};

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
            say("Nothing was verified, and nothing was sent.");
            return refuse(&problems);
        }
    };
    tell(&calibration.announce(&arguments.output.display().to_string()));
    if !arguments.yes && !asks_yes() {
        say("Nothing was sent. --yes does it without asking.");
        return Exit::Usage;
    }
    // Before anything is sent: a file that cannot be written would lose what is seen.
    let mut file = match std::fs::File::create_new(&arguments.output) {
        Ok(file) => file,
        Err(error) => {
            let expected = format!("a file that does not exist yet, in a folder that can be written; {error}");
            return refuse(&[Problem::new("--output", Some(arguments.output.display().to_string().into()), expected)]);
        }
    };
    let mut seen = Seen::default();
    let ended = calibration.verify(&mut seen).await;
    let records = records(&seen);
    let count = records.lines().filter(|line| !line.starts_with("//")).count();
    if let Err(error) = file.write_all(records.as_bytes()) {
        say(&format!("error: {} could not be written: {error}.", arguments.output.display()));
        print(&records);
        return Exit::Configuration;
    }
    tell(&format!(
        "\n{count} records are in {}. They name no account, role or resource: look at them, and send them as a pull request.",
        arguments.output.display()
    ));
    match ended {
        Ok(true) => Exit::AsSpecified,
        Ok(false) => Exit::Denied,
        Err(error) => {
            say(&format!("error: {error}."));
            Exit::Inconclusive
        }
    }
}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    denied: Vec<Finding>,
    /// The actions that AWS names where they alone are denied.
    alone: Vec<&'static str>,
    plain: Vec<Finding>,
}

/// What AWS says of an action that alone is denied.
enum Alone {
    Named(String),
    /// It is denied, and AWS names no action.
    Unnamed,
    /// It is allowed, or nothing is known of it.
    NotDenied(String),
}

fn tell(line: &str) {
    print(&format!("{line}\n"));
}

/// Whether the user answers "yes" at the terminal.
fn asks_yes() -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    print("Go on? [y/N] ");
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
        problems.extend(session::problems(&sdk, arguments.place.profile.as_deref(), sending.timeout).await);
        let Ok(specification) = specification else { return Err(problems) };
        if !problems.is_empty() {
            return Err(problems);
        }
        let log = session::find_log(&sdk, &sending, &specification).await;
        if let Err(why) = &log {
            say(&format!("The actions on logs are left out: {why}."));
        }
        let has_log = log.is_ok();
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

    /// Whether every probe is one that can be denied.
    async fn verify(&self, seen: &mut Seen) -> Result<bool, String> {
        tell("\n== Under a session policy that denies everything");
        seen.denied = self.check(Some(DENY_EVERYTHING), &self.checks).await?;
        let mut sound = true;
        for finding in &seen.denied {
            let judged = judge_denied(finding);
            sound &= judged.is_ok();
            tell(&format!("{:<32} {}", name(finding), judged.unwrap_or_else(|wrong| format!("WRONG: {wrong}"))));
        }

        tell("\n== Under a session policy that denies only the action");
        for action in self.actions() {
            let told = match self.when_denied(action, &[action]).await? {
                Alone::Named(named) if named.eq_ignore_ascii_case(action) => {
                    seen.alone.push(action);
                    format!("AWS names {named}")
                }
                Alone::Named(named) => {
                    sound = false;
                    format!("WRONG: AWS names {named}")
                }
                Alone::Unnamed => "denied, AWS names no action".to_owned(),
                Alone::NotDenied(what) => {
                    sound = false;
                    format!("WRONG: {what}")
                }
            };
            tell(&format!("{action:<32} {told}"));
        }

        tell(&format!("\n== Which comes first, the action or {PASS_ROLE}"));
        for action in PASSING.iter().filter(|action| self.actions().contains(action)) {
            let told = match self.when_denied(action, &[action, PASS_ROLE]).await? {
                Alone::Named(named) if named.eq_ignore_ascii_case(action) => {
                    "AWS names the action, as the probes take it".to_owned()
                }
                Alone::Named(named) if named == PASS_ROLE => {
                    sound = false;
                    "AWS names iam:PassRole FIRST: a denial of it proves nothing of the action".to_owned()
                }
                _ => "AWS names neither of the two, so this settles nothing".to_owned(),
            };
            tell(&format!("{action:<32} {told}"));
        }

        tell("\n== Without a session policy");
        seen.plain = self.check(None, &self.checks).await?;
        for finding in &seen.plain {
            let code = finding.proof.as_ref().map(|proof| show(&proof.code));
            let code = code.or(finding.cause.map(|cause| cause.name().to_owned())).unwrap_or_default();
            tell(&format!("{:<32} {} {code}", name(finding), finding.verdict.name()));
        }
        let end = if sound { "every probe can be denied" } else { "a probe is not what it is taken for: see above" };
        tell(&format!("\n{end}"));
        Ok(sound)
    }

    /// What AWS says when these are denied and this one is called.
    async fn when_denied(&self, action: &str, denied: &[&str]) -> Result<Alone, String> {
        let of_action = |check: &&Check| [CONTROL, action].contains(&check.action());
        let checks: Vec<_> = self.checks.iter().filter(of_action).cloned().collect();
        let findings = self.check(Some(&deny_only(denied)), &checks).await?;
        let Some(finding) = findings.iter().find(|finding| finding.is_check_of(action)) else {
            return Ok(Alone::NotDenied("there is no row of it".to_owned()));
        };
        // Without a role, AWS has no second action to look at: that request is sent only after iam:PassRole was denied.
        let form = finding.proof.as_ref().and_then(|proof| proof.request.as_ref());
        if form.is_some_and(|form| form.raw() == "without a role") {
            return Ok(Alone::Named(PASS_ROLE.to_owned()));
        }
        let denial = finding.denial.as_ref();
        Ok(match denial.and_then(|denial| denial.action.as_ref()) {
            Some(named) => Alone::Named(show(named)),
            None if finding.verdict == Verdict::Denied => Alone::Unnamed,
            // S3 does not say which of two it denied.
            None if finding.cause == Some(Cause::Ambiguous) => Alone::Unnamed,
            None => Alone::NotDenied(describe(finding)),
        })
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
        let assumed = assumed
            .map_err(|error| format!("{} could not be assumed: {}", self.role, session::describe_service(&error)))?;
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
fn records(seen: &Seen) -> String {
    let Seen { plain, denied, alone } = seen;
    let month = DateTime::from(SystemTime::now()).to_string().get(..7).unwrap_or_default().to_owned();
    let mut lines = vec![format!(
        "// What AWS answered in {month}, for crates/core/src/evidence. Replace SOURCE by the pull request."
    )];
    for finding in plain.iter().filter(|finding| !finding.is_check_of(CONTROL)) {
        let action = show(&finding.action);
        let message = finding.message.as_ref().map(|message| mask(message.raw())).unwrap_or_default();
        let Some(proof) = finding.proof.as_ref().filter(|_| finding.verdict == Verdict::Allowed) else {
            // Its message can name anything of the account's.
            let code = finding.code.as_ref().map(show).unwrap_or_default();
            lines.push(format!("// {action}: {} {code:?}", finding.verdict.name()));
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

fn name(finding: &Finding) -> String {
    show(&finding.action)
}

fn show(text: &Text) -> String {
    Rendering::new(false).text(text)
}
