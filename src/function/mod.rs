//! One invocation: event, check, report, response.

mod deployment;
mod setup;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use lambda_runtime::{Context, LambdaEvent};
use permissions_aws::http_client::Connections;
use permissions_aws::probes;
use permissions_aws::run::{self, Time};
use permissions_aws::session::Session;
use permissions_core::event::Event;
use permissions_core::options::Options;
use permissions_core::plan::{Check, Purpose, plan};
use permissions_core::problem::Problem;
use permissions_core::report::Report;
use permissions_core::specification::{Specification, Target, guide_policy};

use crate::config::{Gates, HttpReport, Invalid};
use crate::events::http::HttpEvent;
use crate::gate::Gate;
use crate::metrics;
use crate::response::http::HttpResult;
use crate::response::{Checked, Response};
use crate::telemetry::{self, History};
use crate::voice::VOICE;

use setup::Setup;
pub use setup::sdk;

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

impl App {
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
