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
use permissions_aws::http_client::Connections;
use permissions_aws::preconnect::preconnect;
use permissions_aws::probes;
use permissions_aws::run::{self, MAX_INVOCATION, Time};
use permissions_aws::session::{Clients, Session};
use permissions_core::event::Event;
use permissions_core::iam::names::is_region;
use permissions_core::options::Options;
use permissions_core::plan::{Check, Purpose, Target, plan};
use permissions_core::problem::Problem;
use permissions_core::report::Report;
use permissions_core::report::json::{self, millis};
use permissions_core::specification::{Specification, guide_policy};
use permissions_core::text::{Rendering, Text};
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tracing::level_filters::LevelFilter;

use crate::config::{Config, Gates, HttpReport, Invalid};
use crate::events::http::HttpEvent;
use crate::gate::{Gate, GateDecision};
use crate::metrics;
use crate::response::http::HttpResult;
use crate::response::{Checked, Response};
use crate::telemetry::{self, History};
use crate::voice::VOICE;

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
    /// Startup errors are kept and reported per invocation; exiting at init would hide them.
    setup: Result<Setup, Invalid>,
    sdk: SdkConfig,
    connections: Connections,
    history: History,
    /// The latest result for the callers of HTTP front ends.
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
    config: Config,
    /// All checks of the configuration.
    plan: Vec<Check>,
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
        let bad_region = (!is_region(&region)).then(|| {
            let value = Some(region.as_str()).filter(|region| !region.is_empty()).map(Text::from);
            Problem::new("AWS_REGION", value, "the code of an AWS Region, such as us-east-1; Lambda sets it on AWS")
        });
        let setup: Result<Setup, Invalid> = match config {
            Ok(config) if bad_region.is_none() => Ok(Setup {
                clients: Clients::new(&sdk, &config.settings),
                plan: plan(&config.specification, &probes::infos()),
                config,
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

    /// Opens the connections of a run, where an invocation is about to follow.
    pub async fn preconnect(&self) {
        let Ok(setup) = &self.setup else { return };
        if setup.config.on_demand {
            let sdk = self.sdk.to_builder().http_client(self.connections.connect_only_client()).build();
            let clients = Clients::new(&sdk, &setup.config.settings);
            let mut session = setup.session(clients, "");
            // Nobody's, for requests that are never sent: Lambda tells the function's own with the first invocation.
            session.function_account = Some("000000000000".to_owned());
            preconnect(&setup.plan, &Arc::new(session), &self.connections).await;
        }
    }

    /// Answers one invocation. Whatever is wrong is a response, never an error
    /// of the function, which an asynchronous caller would try again.
    pub async fn handle(&self, event: LambdaEvent<Event>) -> Response {
        let (event, context) = event.into_parts();
        let region = self.sdk.region().map(ToString::to_string).unwrap_or_default();
        match event.0.as_ref().ok().and_then(|event| Gate::from_event(event, self.gates(), &region)) {
            Some(Ok(gate)) => self.answer(&gate, &context).await,
            Some(Err(problems)) => {
                let is_deleted = event.0.as_ref().is_ok_and(|event| event["RequestType"] == "Delete");
                let checked = self.refused(400, problems, &context);
                if is_deleted { checked } else { self.logged(checked) }.response()
            }
            None => match event.0.as_ref().ok().and_then(HttpEvent::from_event) {
                Some(front) => self.answer_http(&event, &front, &context).await,
                None => self.check(&event, None, false, &context).await.response(),
            },
        }
    }

    /// Answers the caller of an HTTP front: with the latest result, if it is young enough.
    async fn answer_http(&self, event: &Event, front: &HttpEvent, context: &Context) -> Response {
        let config = self.setup.as_ref().ok().map(|setup| &setup.config);
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
        let result = HttpResult::new(&checked, how);
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
            Err(Problem::new(gate.name(), None, "that it takes the answer within the function's time"))
        });
        let Err(problem) = heard else {
            return match checked {
                Some(checked) => checked.response(),
                None if decision.passes => Response::of_text(&decision.reason),
                None => {
                    let status = if gate.decision_without_check().is_some() { 400 } else { 500 };
                    let problem =
                        Problem::new("check", Some(decision.reason.into()), "that it runs, and runs to its end");
                    self.refuse(status, vec![problem], context).response()
                }
            };
        };
        // What the deployment has not heard, whoever reads this does.
        let Some(mut checked) = checked else {
            let checked = self.refused(502, vec![problem], context);
            return if gate.is_deleted() { checked } else { self.logged(checked) }.response();
        };
        let problem = json::Problem::render(&problem, &mut Rendering::new(self.masks()));
        telemetry::log_problems(std::slice::from_ref(&problem), &context.request_id);
        checked.rendered.json.problems.push(problem);
        Checked { refused: Some(502), ..checked }.response()
    }

    /// What a deployment is told, and what came of the check, if there was one.
    async fn decide(&self, gate: &Gate, context: &Context) -> (GateDecision, Option<Checked>) {
        if let Some(decision) = gate.decision_without_check() {
            let reason = Rendering::new(self.masks()).text(&decision.reason.into());
            return (GateDecision { reason, ..decision }, None);
        }
        // The check ends in time of itself; should it not, it is ended.
        let left = time_of(context);
        let reserve = (left / 3).min(RESERVE);
        let mut own = context.clone();
        own.deadline = own.deadline.saturating_sub(millis(reserve));
        let event = Event(Ok(gate.event()));
        match timeout(left.saturating_sub(reserve / 2), caught(self.check(&event, None, true, &own))).await {
            Ok(Some(checked)) => (GateDecision::new(&checked.rendered, LevelFilter::current()), Some(checked)),
            Ok(None) => (GateDecision::failed("The check broke: a defect of this program, please report it."), None),
            Err(_) => (GateDecision::failed("The check did not end within the function's time."), None),
        }
    }

    /// Whether account ids are masked.
    fn masks(&self) -> bool {
        self.setup.as_ref().map_or_else(|invalid| invalid.redact, |setup| setup.config.redact)
    }

    /// The deployments that may wait for a run.
    fn gates(&self) -> &Gates {
        self.setup.as_ref().map_or_else(|invalid| &invalid.gates, |setup| &setup.config.gates)
    }

    /// All checks of this configuration; those of the guide's policy, where it is not valid.
    fn plan(&self) -> Vec<Check> {
        self.setup.as_ref().map_or_else(
            |_| plan(&Specification::of_policy(guide_policy("", "")), &probes::infos()),
            |setup| setup.plan.clone(),
        )
    }

    /// The report of an invocation that tries nothing, logged.
    fn refuse(&self, status: u16, problems: Vec<Problem>, context: &Context) -> Checked {
        self.logged(self.refused(status, problems, context))
    }

    /// The report of an invocation that tries nothing.
    fn refused(&self, status: u16, problems: Vec<Problem>, context: &Context) -> Checked {
        let report = Report::of_problems(&self.plan(), problems, context.request_id.as_str().into());
        Checked { rendered: report.render(VOICE, self.masks()), refused: Some(status), verbose: false }
    }

    /// The same, logged.
    fn logged(&self, checked: Checked) -> Checked {
        telemetry::log(&checked.rendered, checked.status(), &self.history, false);
        checked
    }

    /// Makes one run, logs it and counts it.
    async fn check(&self, event: &Event, front: Option<&HttpEvent>, of_gate: bool, context: &Context) -> Checked {
        let setup = match &self.setup {
            Ok(setup) => setup,
            Err(invalid) => return self.refuse(500, invalid.problems.clone(), context),
        };
        // The caller of an HTTP front end fills in the body and the headers, not
        // the key of the options, and whoever may open a URL may not choose what it does.
        let options = match front.map(HttpEvent::problem) {
            Some(Some(problem)) => return self.refuse(405, vec![problem], context),
            Some(None) => Ok(Options::default()),
            None => {
                let mut known: Vec<_> = setup.plan.iter().map(Check::action).collect();
                known.dedup();
                Options::parse(event, &known, VOICE)
            }
        };
        let options = match options {
            Ok(options) => options,
            Err(problems) => return self.refuse(400, problems, context),
        };

        let time = Time::new(setup.config.settings.timeout, options.retry, context.deadline);
        if let Some(problem) = setup.no_credentials(time.limit()).await {
            return self.refuse(500, vec![problem], context);
        }
        let session = setup.session(setup.clients.clone(), &context.invoked_function_arn);
        if let Some(problem) = role_of_another_account(&session) {
            return self.refuse(500, vec![problem], context);
        }
        let checks = selected(&setup.plan, &options, &session);
        let run = run::run(&checks, Arc::new(session), &self.sdk, &time).await;
        let request_id = context.request_id.as_str().into();
        let report = Report::new(run, request_id, time.elapsed(), options.actions.is_some());
        let rendered = report.render(VOICE, setup.config.redact);
        telemetry::log(&rendered, rendered.report.status(), &self.history, of_gate);
        let cold_start = !self.warm.swap(true, Ordering::Relaxed);
        (self.metrics.0)(&metrics::lines(&rendered, &setup.config, of_gate, cold_start, SystemTime::now()));
        Checked { rendered, refused: None, verbose: options.verbose }
    }
}

/// The most of an invocation's time that is kept for the answer to a deployment.
const RESERVE: Duration = Duration::from_secs(10);

/// How much time an invocation has left, as far as that is known.
fn time_of(context: &Context) -> Duration {
    run::limit(MAX_INVOCATION, context.deadline, SystemTime::now())
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
    fn session(&self, clients: Clients, function_arn: &str) -> Session {
        let (specification, settings) = (self.config.specification.clone(), self.config.settings.clone());
        Session::new(specification, settings, clients, &self.region, function_arn)
    }

    /// What is wrong where there are no credentials anywhere. Credentials that
    /// are slow to come, or refused, are for the rows to tell.
    async fn no_credentials(&self, limit: Duration) -> Option<Problem> {
        let provided = self.had_credentials.get_or_try_init(|| async {
            let provider = self.credentials.as_ref().ok_or_else(|| CredentialsError::not_loaded("no provider"))?;
            provider.provide_credentials().await.map(drop)
        });
        match tokio::time::timeout(limit, provided).await {
            Ok(Err(CredentialsError::CredentialsNotLoaded(_))) => Some(Problem::new(
                "AWS_ACCESS_KEY_ID",
                None,
                "credentials: Lambda sets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN from the function's \
                 execution role",
            )),
            _ => None,
        }
    }
}

/// What is wrong with the role for SageMaker, where the function's ARN already shows it.
fn role_of_another_account(session: &Session) -> Option<Problem> {
    let specification = &session.specification;
    let account = session.function_account.as_ref().filter(|_| specification.assumed_role.is_none())?;
    let role = specification.passed_role.as_ref()?;
    role.problem_of_account(account, permissions_core::environment::SAGEMAKER_ROLE_ARN.name)
}

/// The checks that the options ask for, and in any case those that the others stand on.
fn selected(plan: &[Check], options: &Options, session: &Session) -> Vec<Check> {
    let asked = |check: &&Check| check.purpose != Purpose::Specified || options.selects(check.action());
    // The log group is the function's, and in another account it would be made. An event that asks for these
    // checks gets rows that say why they were not tried.
    let left_out = session.is_elsewhere() && options.actions.is_none();
    let tried = |check: &&Check| !(left_out && matches!(check.target, Target::LogStream(_)));
    plan.iter().filter(asked).filter(tried).cloned().collect()
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
