//! The runs, one a role, and what comes of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use permissions_aws::probes;
use permissions_aws::run::{self, Time};
use permissions_aws::session::Settings as Sending;
use permissions_core::event::Event;
use permissions_core::iam::names::is_role_arn;
use permissions_core::judge::Verdict;
use permissions_core::options::{AskedBy, Options};
use permissions_core::plan::{Check, NotCovered, Plan, plan};
use permissions_core::problem::Problem;
use permissions_core::report::{Rendered, Report};
use permissions_core::specification::{Role, Specification, Target};
use permissions_core::text::{Text, mask};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::cli::{CheckArguments, Format, VOICE, What, Where};
use crate::format::{self, Checked};
use crate::settings::Settings;
use crate::{Exit, layout, print, refuse, say, session};

/// How many roles are checked at the same time.
const MAX_ROLES_AT_ONCE: usize = 4;

/// Which actions are tried, and how.
#[derive(Clone, Debug, Default)]
pub struct How {
    pub actions: Vec<String>,
    pub settle_seconds: u64,
    pub timeout: Duration,
    pub verbose: bool,
    pub mask: bool,
}

/// A file to write, in a format.
#[derive(Debug, PartialEq, Eq)]
struct Output {
    format: Format,
    file: PathBuf,
}

/// Makes the check, and writes what was asked for.
pub async fn main(arguments: &CheckArguments) -> Exit {
    let outputs = match read_outputs(&arguments.output, arguments.format) {
        Ok(outputs) => outputs,
        Err(problems) => {
            refuse(&problems);
            return Exit::Usage;
        }
    };
    let how = How {
        actions: arguments.actions.clone(),
        settle_seconds: arguments.settle_seconds,
        timeout: Duration::from_millis(arguments.timeout_ms),
        verbose: arguments.verbose,
        mask: arguments.mask,
    };
    let checked = match check(&arguments.what, &arguments.place, &arguments.role_arn, &how, &report_progress).await {
        Ok(checked) => checked,
        Err(problems) => return refuse(&problems),
    };
    let settings = Settings::new(&arguments.what, Some(&arguments.place));
    let mut failed = false;
    let is_file = |output: &&Output| output.format == arguments.format;
    if !outputs.iter().any(|output| is_file(&output)) {
        failed |= !print(&format::write(arguments.format, &checked, &settings.files(), layout(arguments.color)));
    }
    for output in &outputs {
        let plain = permissions_core::report::text::Layout::default();
        let text = format::write(output.format, &checked, &settings.files(), plain);
        if let Err(error) = write_file(&output.file, &text) {
            say(&format!("error: {} could not be written: {error}.", output.file.display()));
            failed = true;
        }
    }
    if outputs.iter().map(|output| output.format).chain([arguments.format]).any(|format| format == Format::Github) {
        failed |= !format::github::write_summary(&checked);
    }
    // What was found outweighs what could not be written.
    match exit_of(&checked) {
        Exit::AsSpecified if failed => Exit::Configuration,
        exit => exit,
    }
}

/// Says what is going on, while calls are out.
fn report_progress(line: &str) {
    say(line);
}

fn write_file(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, text)
}

/// The files to write: `FORMAT=FILE`, or a file for the format that would be printed.
fn read_outputs(given: &[String], printed: Format) -> Result<Vec<Output>, Vec<Problem>> {
    let (mut outputs, mut problems): (Vec<Output>, Vec<Problem>) = (Vec::new(), Vec::new());
    for text in given {
        let (name, file) = text.split_once('=').map_or((None, text.as_str()), |(name, file)| (Some(name), file));
        let format = name.map_or(Some(printed), |name| <Format as clap::ValueEnum>::from_str(name, false).ok());
        // A path can have an equals sign in it.
        let is_path = name.is_some_and(|name| name.contains(['/', '.', '\\']));
        let (format, file) = if format.is_none() && is_path { (Some(printed), text.as_str()) } else { (format, file) };
        let is_known = |format| outputs.iter().any(|output| output.format == format || output.file == Path::new(file));
        if let Some(format) = format.filter(|format| !file.is_empty() && !is_known(*format)) {
            outputs.push(Output { format, file: PathBuf::from(file) });
        } else {
            let expected = "FILE, or FORMAT=FILE, each format and each file once; the formats are text, json, junit, sarif, github, markdown";
            problems.push(Problem::new("--output", Some(text.as_str().into()), expected));
        }
    }
    if problems.is_empty() { Ok(outputs) } else { Err(problems) }
}

/// Checks each role, or the caller, and returns a report of each, in their order.
///
/// # Errors
///
/// All problems that kept the check from beginning; then nothing was sent.
pub async fn check(
    what: &What,
    place: &Where,
    roles: &[String],
    how: &How,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Vec<Checked>, Vec<Problem>> {
    let sdk = session::load(place).await;
    let settings = Settings::new(what, Some(place)).in_region(sdk.region().map(ToString::to_string));
    let mut problems = Vec::new();
    let roles = roles_of(roles).unwrap_or_else(|found| {
        problems.extend(found);
        vec![None]
    });
    let mut planned: Vec<(Option<String>, Specification, Plan, Options)> = Vec::new();
    let sending = Arc::new(session::settings(how.timeout));
    let found = session::problems(&sdk, place.profile.as_deref(), how.timeout).await;
    let may_ask = found.is_empty() && problems.is_empty();
    for role in &roles {
        match prepare(&settings, role.as_deref(), how, may_ask.then_some((&sdk, &*sending))).await {
            Ok((specification, plan, options)) => planned.push((role.clone(), specification, plan, options)),
            // They are the same under every role.
            Err(found) => {
                let new: Vec<_> = found.into_iter().filter(|problem| !problems.contains(problem)).collect();
                problems.extend(new);
            }
        }
    }
    problems.extend(found);
    if !problems.is_empty() {
        return Err(problems);
    }
    let turns = Arc::new(Semaphore::new(MAX_ROLES_AT_ONCE));
    let mut tasks = Vec::new();
    for (role, specification, plan, options) in planned {
        let (sdk, sending, turns) = (sdk.clone(), sending.clone(), turns.clone());
        let role = role.map(|role| if how.mask { mask(&role) } else { role });
        let who = role.clone().unwrap_or_else(|| "the caller".to_owned());
        let count = plan.checks.iter().filter(|check| check.is_control() || options.selects(check.action())).count();
        progress(&format!("Asking AWS: {count} checks under {who} …"));
        let is_verbose = how.verbose;
        let is_masked = how.mask;
        let task = tokio::spawn(async move {
            let turn = turns.acquire().await;
            let rendered = check_role(specification, &plan, &options, &sending, &sdk, (is_verbose, is_masked)).await;
            drop(turn);
            Checked { role, rendered, label: String::new() }
        });
        tasks.push(task);
    }
    let mut checked = Vec::new();
    for task in tasks {
        match task.await {
            Ok(one) => {
                let took = one.rendered.json.duration_ms;
                progress(&format!("{} after {took} ms: {}", one.name(), one.rendered.report.verdict.name()));
                checked.push(one);
            }
            Err(error) => {
                let expected =
                    format!("an answer for every role; a defect of permissions-doctor stopped one of them: {error}");
                return Err(vec![Problem::new("check", None, expected)]);
            }
        }
    }
    name_apart(&mut checked);
    Ok(checked)
}

/// Gives each a name of its own: roles of two accounts can have the same.
fn name_apart(checked: &mut [Checked]) {
    let names: Vec<String> = checked.iter().map(Checked::name).collect();
    for (index, one) in checked.iter_mut().enumerate() {
        let is_alone = names.iter().filter(|name| **name == names[index]).count() == 1;
        one.label =
            if is_alone { names[index].clone() } else { one.role.clone().unwrap_or_else(|| names[index].clone()) };
    }
}

/// The roles to check; none stands for the caller.
fn roles_of(given: &[String]) -> Result<Vec<Option<String>>, Vec<Problem>> {
    let named = given.iter().flat_map(|list| list.split(',')).map(str::trim);
    let mut roles: Vec<String> = Vec::new();
    for role in named {
        if !roles.iter().any(|known| known == role) {
            roles.push(role.to_owned());
        }
    }
    let expected = "the ARN of an IAM role, such as arn:aws:iam::ACCOUNT:role/lambda-ml-pipeline-role with the account's twelve digits";
    let wrong = roles.iter().filter(|role| !is_role_arn(role));
    let problems: Vec<_> = wrong.map(|role| Problem::new("--role-arn", Some(role.as_str().into()), expected)).collect();
    match (problems.is_empty(), roles.is_empty()) {
        (false, _) => Err(problems),
        (true, true) => Ok(vec![None]),
        (true, false) => Ok(roles.into_iter().map(Some).collect()),
    }
}

async fn prepare(
    settings: &Settings<'_>,
    role: Option<&str>,
    how: &How,
    asking: Option<(&SdkConfig, &Sending)>,
) -> Result<(Specification, Plan, Options), Vec<Problem>> {
    let specification = settings.specification(role)?;
    let mut plan = plan(&specification, &probes::infos());
    let mut known: Vec<_> = plan.checks.iter().map(Check::action).collect();
    let mut problems: Vec<Problem> = plan.problem_of_length().into_iter().map(|it| settings.rename(it)).collect();
    if let Some((sdk, sending)) = asking.filter(|_| plan.checks.iter().any(is_on_log))
        && let Err(why) = session::find_log(sdk, sending, &specification).await
    {
        leave_logs_out(&why, &mut plan);
    }
    known.dedup();
    let mut options = json!({"settleSeconds": how.settle_seconds, "verbose": how.verbose});
    if !how.actions.is_empty() {
        options["actions"] = json!(how.actions);
    }
    match Options::parse(&Event(Ok(json!({ "probe": options }))), &known, VOICE, AskedBy::Caller) {
        Ok(options) if problems.is_empty() => Ok((specification, plan, options)),
        Ok(_) => Err(problems),
        Err(found) => {
            problems.extend(found.into_iter().map(|problem| {
                let name = problem.name.raw();
                let option = if name.contains("settleSeconds") { "--settle-seconds" } else { "--actions" };
                Problem { name: option.into(), ..problem }
            }));
            Err(problems)
        }
    }
}

fn is_on_log(check: &Check) -> bool {
    matches!(check.target, Target::LogStream(_)) && check.action() != "logs:DescribeLogGroups"
}

/// Leaves the actions on a log group out where it is not known to exist: they would make one.
fn leave_logs_out(why: &str, plan: &mut Plan) {
    let (left_out, tried): (Vec<_>, Vec<_>) = std::mem::take(&mut plan.checks).into_iter().partition(is_on_log);
    plan.checks = tried;
    plan.not_covered.extend(left_out.iter().map(|check| NotCovered {
        action: check.action().to_owned(),
        resource: "the log group of a function".to_owned(),
        reason: format!("{why}, and where there is none this request would make one"),
        count: 1,
    }));
}

async fn check_role(
    specification: Specification,
    plan: &Plan,
    options: &Options,
    sending: &Arc<Sending>,
    sdk: &SdkConfig,
    (is_verbose, mask): (bool, bool),
) -> Rendered {
    let time = Time::new(sending.timeout, options.retry, 0);
    let session = session::session(specification, sending, sdk);
    let checks = run::select(&plan.checks, options, &session);
    let mut run = run::run(&checks, Arc::new(session), sdk, &time).await;
    // Of what was asked for, and of that alone.
    let mut asked = plan.clone();
    asked.checks.retain(|check| options.selects(check.action()));
    asked.not_covered.retain(|left_out| options.selects(&left_out.action));
    if run.specification.own.is_some() && options.actions.is_none() || !asked.not_covered.is_empty() {
        run.cover(&asked);
    }
    let report = Report::new(run, Text::default(), time.elapsed(), options.actions.is_some());
    let mut rendered = report.render(VOICE, mask);
    rendered.json.in_full = is_verbose;
    rendered
}

/// How the command ends: by the worst of the reports.
pub fn exit_of(checked: &[Checked]) -> Exit {
    let has = |verdict| checked.iter().any(|checked| checked.rendered.report.verdict == verdict);
    match () {
        () if has(Verdict::Denied) => Exit::Denied,
        () if has(Verdict::Inconclusive) => Exit::Inconclusive,
        () if has(Verdict::Excess) => Exit::Excess,
        () => Exit::AsSpecified,
    }
}

impl Checked {
    /// The role, or who called.
    pub fn name(&self) -> String {
        let caller = || {
            let principal = self.rendered.json.principal.as_ref();
            principal.map_or("the caller".to_owned(), |it| it.role.clone().unwrap_or_else(|| it.arn.clone()))
        };
        let role = self.role.as_ref().map(|role| Role::new(role.as_str()).name().to_owned());
        role.unwrap_or_else(caller)
    }
}
