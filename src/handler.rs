//! One invocation: event, check, report, response.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use lambda_runtime::{Context, LambdaEvent};
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tracing::level_filters::LevelFilter;

use crate::check::Time;
use crate::config::{Config, Gates, HttpReport, Invalid, Problem, is_region};
use crate::gate::{Decision, Gate};
use crate::headline::{Findings, headline};
use crate::http::Connections;
use crate::probe::{self, Clients, Probe};
use crate::report::{Caller, HttpResult, Report, Response, Row};
use crate::request::{Event, Front, Request};
use crate::telemetry::History;
use crate::{advice, assumption, check, metrics, probes, redact, rehearsal, report, telemetry};

/// Loads the SDK's configuration, in the SDK's own ways: `AWS_REGION`,
/// `AWS_ENDPOINT_URL`, credentials and so on.
pub async fn sdk(connections: &Connections) -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(connections.client());
    // CloudTrail then shows at a glance whose calls these are.
    match AppName::new(env!("CARGO_PKG_NAME")) {
        Ok(name) => loader.app_name(name).load().await,
        Err(_) => loader.load().await,
    }
}

/// What the process keeps from one invocation to the next.
#[derive(Debug)]
pub struct App {
    /// What is wrong is kept as well: a function that dies while it starts
    /// shows its user nothing of why.
    setup: Result<Setup, Invalid>,
    sdk: SdkConfig,
    connections: Connections,
    history: History,
    /// The latest result for the callers of HTTP fronts.
    latest: Mutex<Option<HttpResult>>,
    /// Whether an invocation has been answered before.
    warm: AtomicBool,
    /// Where the metrics go.
    metrics: Sink,
}

/// Where the lines of a run's metrics go.
#[derive(Clone)]
struct Sink(Arc<Write>);

type Write = dyn Fn(&[u8]) + Send + Sync;

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}

#[derive(Debug)]
struct Setup {
    config: Arc<Config>,
    clients: Clients,
    region: String,
    credentials: Option<SharedCredentialsProvider>,
    /// Set once there were credentials, which do not go away again.
    had_credentials: OnceCell<()>,
}

impl App {
    /// Prepares everything that does not depend on the event.
    pub fn new(config: Result<Config, Invalid>, sdk: SdkConfig, connections: Connections) -> Self {
        let region = sdk.region().map(ToString::to_string).unwrap_or_default();
        let bad_region = (!is_region(&region)).then(|| Problem {
            name: "AWS_REGION".to_owned(),
            value: Some(region.clone()).filter(|region| !region.is_empty()),
            expected: "the code of an AWS Region, such as us-east-1; Lambda sets it on AWS".to_owned(),
        });
        let setup: Result<Setup, Invalid> = match config {
            Ok(config) if bad_region.is_none() => Ok(Setup {
                clients: Clients::new(&sdk, &config),
                config: Arc::new(config),
                region,
                credentials: sdk.credentials_provider(),
                had_credentials: OnceCell::new(),
            }),
            Ok(config) => {
                Err(Invalid { problems: bad_region.into_iter().collect(), redact: config.redact, gates: config.gates })
            }
            Err(mut invalid) => {
                invalid.problems.extend(bad_region);
                Err(invalid)
            }
        };
        Self {
            setup,
            sdk,
            connections,
            history: History::default(),
            latest: Mutex::default(),
            warm: AtomicBool::new(false),
            metrics: Sink(Arc::new(telemetry::print)),
        }
    }

    /// The same, with the metrics' lines going elsewhere than to standard output.
    pub fn with_metrics_to(self, sink: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        Self { metrics: Sink(Arc::new(sink)), ..self }
    }

    /// Prepares what takes requests to prepare, without sending any, where an
    /// invocation is about to follow.
    pub async fn rehearse(&self) {
        let Ok(setup) = &self.setup else { return };
        if setup.config.on_demand {
            let sdk = self.sdk.to_builder().http_client(self.connections.opener()).build();
            let clients = Clients::new(&sdk, &setup.config);
            let mut cx = probe::Context::new(setup.config.clone(), clients, &setup.region, "");
            // Nobody's, for requests that are never sent: Lambda tells the function's own with the first invocation.
            cx.function_account = Some("000000000000".to_owned());
            rehearsal::run(&probes::configured(&setup.config), &Arc::new(cx), &self.connections).await;
        }
    }

    /// Answers one invocation. Whatever is wrong is a response, never an error
    /// of the function, which an asynchronous caller would try again.
    pub async fn handle(&self, event: LambdaEvent<Event>) -> Response {
        let (event, context) = event.into_parts();
        let region = self.sdk.region().map(ToString::to_string).unwrap_or_default();
        match event.0.as_ref().ok().and_then(|event| Gate::of(event, self.gates(), &region)) {
            Some(Ok(gate)) => self.answer(&gate, &context).await,
            Some(Err(problems)) => {
                let is_deleted = event.0.as_ref().is_ok_and(|event| event["RequestType"] == "Delete");
                let checked = self.refused(400, &self.probes(), &problems, &context);
                if is_deleted { checked } else { self.logged(checked) }.response()
            }
            None => match event.0.as_ref().ok().and_then(Front::of) {
                Some(front) => self.answer_http(&event, &front, &context).await,
                None => self.check(&event, None, false, &context).await.response(),
            },
        }
    }

    /// Answers the caller of an HTTP front: with the latest result, if it is young enough.
    async fn answer_http(&self, event: &Event, front: &Front, context: &Context) -> Response {
        let config = self.setup.as_ref().ok().map(|setup| setup.config.as_ref());
        let max_age = config.map_or(Duration::ZERO, |config| config.http_max_age);
        // A thread that panicked while it held the result has left a whole one.
        let latest = || self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if front.problem().is_none()
            && let Some(known) = latest().as_ref().filter(|known| known.age() < max_age)
        {
            return known.response(front, max_age);
        }
        let checked = self.check(event, Some(front), false, context).await;
        let how = config.map_or(HttpReport::Summary, |config| config.http_report);
        let result = HttpResult::new(&checked.report, checked.refused, how);
        let max_age = if checked.refused.is_some() { Duration::ZERO } else { max_age };
        let response = result.response(front, max_age);
        if !max_age.is_zero() {
            *latest() = Some(result);
        }
        response
    }

    /// Answers a deployment, and then the invocation.
    async fn answer(&self, gate: &Gate, context: &Context) -> Response {
        let (decision, checked) = self.decide(gate, context).await;
        // With the gate, the stack's log group can be gone, and a line would make Lambda create it again.
        if !gate.is_deleted() {
            telemetry::log_gate(gate.name(), decision.passes, &decision.reason, &context.request_id);
        }
        let answered = gate.answer(&decision, &self.connections, &self.sdk);
        let heard = timeout(time_of(context), answered).await.unwrap_or_else(|_| {
            let expected = "that it takes the answer within the function's time".to_owned();
            Err(Problem { name: gate.name().to_owned(), value: None, expected })
        });
        let Err(mut problem) = heard else {
            return match checked {
                Some(checked) => checked.response(),
                None if decision.passes => Response::of_text(&decision.reason),
                None => {
                    let status = if gate.unchecked().is_some() { 400 } else { 500 };
                    let expected = "that it runs, and runs to its end".to_owned();
                    let problem = Problem { name: "check".to_owned(), value: Some(decision.reason), expected };
                    self.refuse(status, &self.probes(), &[problem], context).response()
                }
            };
        };
        // What the deployment has not heard, whoever reads this does.
        let Some(mut checked) = checked else {
            let checked = self.refused(502, &self.probes(), &[problem], context);
            return if gate.is_deleted() { checked } else { self.logged(checked) }.response();
        };
        if self.redacts() {
            redact::mask(problem.texts_mut().collect());
        }
        redact::tame(problem.texts_mut().collect());
        telemetry::log_problems(std::slice::from_ref(&problem), &context.request_id);
        checked.report.problems.push(problem);
        Checked { refused: Some(502), ..checked }.response()
    }

    /// What a deployment is told, and what came of the check, if there was one.
    async fn decide(&self, gate: &Gate, context: &Context) -> (Decision, Option<Checked>) {
        if let Some(mut decision) = gate.unchecked() {
            if self.redacts() {
                redact::mask(vec![&mut decision.reason]);
            }
            return (decision, None);
        }
        // The check ends in time of itself; should it not, it is ended.
        let left = time_of(context);
        let reserve = (left / 3).min(RESERVE);
        let mut own = context.clone();
        own.deadline = own.deadline.saturating_sub(report::millis(reserve));
        let event = Event(Ok(gate.event()));
        match timeout(left.saturating_sub(reserve / 2), caught(self.check(&event, None, true, &own))).await {
            Ok(Some(checked)) => (Decision::of(&checked.report, LevelFilter::current()), Some(checked)),
            Ok(None) => (Decision::failed("The check broke: a defect of this program, please report it."), None),
            Err(_) => (Decision::failed("The check did not end within the function's time."), None),
        }
    }

    /// Whether account ids are masked.
    fn redacts(&self) -> bool {
        self.setup.as_ref().map_or_else(|invalid| invalid.redact, |setup| setup.config.redact)
    }

    /// The deployments that may wait for a run.
    fn gates(&self) -> &Gates {
        self.setup.as_ref().map_or_else(|invalid| &invalid.gates, |setup| &setup.config.gates)
    }

    /// The probes of this configuration; of the policy, where it is not valid.
    fn probes(&self) -> Vec<&'static Probe> {
        self.setup.as_ref().map_or_else(|_| probes::policy(), |setup| probes::configured(&setup.config))
    }

    /// The report of an invocation that tries nothing, logged.
    fn refuse(&self, status: u16, probes: &[&'static Probe], problems: &[Problem], context: &Context) -> Checked {
        self.logged(self.refused(status, probes, problems, context))
    }

    /// The report of an invocation that tries nothing.
    fn refused(&self, status: u16, probes: &[&'static Probe], problems: &[Problem], context: &Context) -> Checked {
        let mut report = Report::of_problems(probes, problems, context.request_id.clone());
        sanitize(&mut report, self.redacts());
        Checked { report, refused: Some(status), verbose: false }
    }

    /// The same, logged.
    fn logged(&self, checked: Checked) -> Checked {
        let status = checked.refused.unwrap_or_else(|| checked.report.status());
        telemetry::log(&checked.report, status, &self.history, false);
        checked
    }

    /// Makes one run, logs it and counts it.
    async fn check(&self, event: &Event, front: Option<&Front>, of_gate: bool, context: &Context) -> Checked {
        let known = self.probes();
        let setup = match &self.setup {
            Ok(setup) => setup,
            Err(invalid) => return self.refuse(500, &known, &invalid.problems, context),
        };
        if let Some(problem) = front.and_then(Front::problem) {
            return self.refuse(405, &known, &[problem], context);
        }
        let actions: Vec<_> = known.iter().map(|probe| probe.action).collect();
        let request = match Request::parse(event, &actions) {
            Ok(request) => request,
            Err(problems) => return self.refuse(400, &known, &problems, context),
        };

        let time = Time::new(setup.config.timeout, request.settle, context.deadline);
        if let Some(problem) = setup.no_credentials(time.limit()).await {
            return self.refuse(500, &known, &[problem], context);
        }
        let config = &setup.config;
        let arn = &context.invoked_function_arn;
        let cx = Arc::new(probe::Context::new(config.clone(), setup.clients.clone(), &setup.region, arn));
        if let Some(problem) = cx.role_of_another_account() {
            return self.refuse(500, &known, &[problem], context);
        }
        let probes = selected(&known, &request, &cx);
        let (outcomes, cx) = assumption::run(&probes, cx, &self.sdk, &time).await;

        let rows = report::rows(&outcomes, &cx);
        let rows = explained(rows, &cx, time.limit()).await;
        let principal = cx.principal();
        let findings = Findings { rows: &rows, config, principal, region: &cx.region, elsewhere: cx.is_elsewhere() };
        let (headline, advice) = (headline(&findings), advice::advise(&findings));
        let mut report = Report {
            principal: Caller::new(principal),
            region: Some(cx.region.clone()),
            headline,
            advice,
            advisories: advice::advisories(&findings),
            unexpected_role: findings.unexpected().is_some(),
            filtered: request.actions.is_some(),
            log_group: config.log_group.clone(),
            ..Report::new(rows, context.request_id.clone(), time.started.elapsed())
        };
        sanitize(&mut report, config.redact);
        telemetry::log(&report, report.status(), &self.history, of_gate);
        let cold_start = !self.warm.swap(true, Ordering::Relaxed);
        (self.metrics.0)(&metrics::lines(&report, config, of_gate, cold_start, SystemTime::now()));
        Checked { report, refused: None, verbose: request.verbose }
    }
}

/// The most of an invocation's time that is kept for the answer to a deployment.
const RESERVE: Duration = Duration::from_secs(10);

/// What came of an invocation.
struct Checked {
    report: Report,
    /// The status, where it does not follow from the report.
    refused: Option<u16>,
    verbose: bool,
}

impl Checked {
    fn response(self) -> Response {
        Response::new(self.report, self.refused, self.verbose)
    }
}

/// Makes every text of a report fit to be shown and logged.
fn sanitize(report: &mut Report, redact: bool) {
    // First, since a cut or an escape within an account id would hide it.
    if redact {
        redact::mask(report.texts_mut());
    }
    redact::tame(report.texts_mut());
    redact::tame(report.request_ids_mut());
}

/// How much time an invocation has left, as far as that is known.
fn time_of(context: &Context) -> Duration {
    check::limit(check::LONGEST, context.deadline, SystemTime::now())
}

/// What a future comes to; nothing, where it panics.
async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    // It is not polled again after it has panicked.
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

impl Setup {
    /// What is wrong where there are no credentials anywhere. Credentials that
    /// are slow to come, or refused, are for the rows to tell.
    async fn no_credentials(&self, limit: Duration) -> Option<Problem> {
        let provided = self.had_credentials.get_or_try_init(|| async {
            let provider = self.credentials.as_ref().ok_or_else(|| CredentialsError::not_loaded("no provider"))?;
            provider.provide_credentials().await.map(drop)
        });
        match tokio::time::timeout(limit, provided).await {
            Ok(Err(CredentialsError::CredentialsNotLoaded(_))) => Some(Problem {
                name: "AWS_ACCESS_KEY_ID".to_owned(),
                value: None,
                expected:
                    "credentials: Lambda sets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN from the \
                           function's execution role"
                        .to_owned(),
            }),
            _ => None,
        }
    }
}

/// The rows with AWS's own account of the denials, where the configuration asks for it.
#[cfg(feature = "authorization-details")]
async fn explained(mut rows: Vec<Row>, cx: &probe::Context, limit: Duration) -> Vec<Row> {
    if cx.config.authorization_details {
        crate::details::add(&mut rows, &cx.clients.iam_toolbox, limit).await;
    }
    rows
}

/// The rows with a note where the configuration asks for what this build cannot do.
#[cfg(not(feature = "authorization-details"))]
async fn explained(mut rows: Vec<Row>, cx: &probe::Context, _: Duration) -> Vec<Row> {
    let denials = rows.iter_mut().filter_map(|row| row.denial.as_mut());
    for denial in denials.filter(|denial| cx.config.authorization_details && denial.authorization_id.is_some()) {
        denial.details = Some(report::Details::without("this build lacks the feature authorization-details"));
    }
    std::future::ready(rows).await
}

/// The probes that the request asks for, and in any case what the others stand on.
fn selected(known: &[&'static Probe], request: &Request, cx: &probe::Context) -> Vec<&'static Probe> {
    let basis = |probe: &Probe| {
        probe.must_be_denied()
            || [probes::CONTROL, probes::ASSUME_ROLE].iter().any(|basis| basis.action == probe.action)
    };
    let asked = |probe: &Probe| basis(probe) || request.selects(probe.action);
    // The log group is the function's, and in another account it would be made.
    let own_log = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"];
    // An event that asks for them gets rows that say why they were not tried.
    let left_out = cx.is_elsewhere() && request.actions.is_none();
    let known = known.iter().filter(|probe| !(left_out && own_log.contains(&probe.action)));
    known.copied().filter(|probe| asked(probe)).collect()
}

#[cfg(test)]
mod tests {
    use super::caught;

    #[tokio::test]
    async fn a_panic_is_caught_wherever_it_comes() {
        assert_eq!(caught(async { 7 }).await, Some(7));
        assert_eq!(caught(async { panic!("at once") }).await, None::<()>);
        let later = async {
            tokio::task::yield_now().await;
            panic!("later")
        };
        assert_eq!(caught(later).await, None::<()>);
    }
}
