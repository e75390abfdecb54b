//! One invocation: event, check, report, response.

mod deployment;
mod faces;
mod setup;
mod source;

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
use permissions_core::least_privilege::{self, least_privilege};
use permissions_core::options::{AskedBy, Options, PolicyFormat};
use permissions_core::plan::{Check, plan};
use permissions_core::problem::Problem;
use permissions_core::report::Report;
use permissions_core::specification::{Specification, guide_policy};
use permissions_core::text::mask;

use crate::config::{Gates, Invalid};
use crate::metrics;
use crate::response::{Checked, JSON, Output, Response, TEXT};
use crate::telemetry::{self, History, Invocation};
use crate::voice::VOICE;

use setup::Setup;
pub use setup::sdk;
use source::Source;

/// What the process keeps from one invocation to the next.
#[derive(Debug)]
pub struct App {
    /// Startup errors are kept and reported per invocation; exiting at init would hide them.
    setup: Result<Setup, Invalid>,
    sdk: SdkConfig,
    connections: Connections,
    history: History,
    /// The latest result of a whole run, for a dashboard.
    latest: Latest,
    /// The latest result that the callers of HTTP front ends got.
    latest_for_http: Latest,
    /// Whether an invocation has been answered before.
    warm: AtomicBool,
    /// Where the metrics go.
    metrics: Sink,
}

/// The results of runs, for those who may be shown one that is not new: the latest of each choice of actions.
#[derive(Debug, Default)]
struct Latest(Mutex<Vec<Arc<Checked>>>);

/// How many choices of actions are kept a result of.
const MAX_KEPT: usize = 4;

impl Latest {
    /// Keeps the result of a run.
    fn keep(&self, checked: &Arc<Checked>) {
        if checked.refused.is_some() {
            return;
        }
        // A thread that panicked while it held the results has left whole ones.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|known| known.actions != checked.actions);
        kept.insert(0, checked.clone());
        kept.truncate(MAX_KEPT);
    }

    /// The result for a choice of actions, if it is young enough.
    fn get(&self, actions: Option<&[String]>, max_age: Duration) -> Option<Arc<Checked>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = |checked: &&Arc<Checked>| checked.actions.as_deref() == actions && checked.made.elapsed() < max_age;
        kept.iter().find(asked).cloned()
    }
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
    pub async fn handle(&self, event: LambdaEvent<Event>) -> Output {
        let (event, context) = event.into_parts();
        let region = self.sdk.region().map(ToString::to_string).unwrap_or_default();
        let source = event.0.as_ref().map_or(Ok(Source::Other), |event| Source::of(event, self.gates(), &region));
        Output::Response(Box::new(match source {
            Ok(Source::Gate(gate)) => self.answer(&gate, &context).await,
            Ok(Source::Http(front)) => self.answer_http(&event, &front, &context).await,
            Ok(Source::Widget(widget)) => return Output::Text(self.answer_widget(&event, &widget, &context).await),
            Ok(Source::Other) => {
                if let Some(response) = self.answer_policy(&event, &context) {
                    return Output::Response(Box::new(response));
                }
                let checked = Arc::new(self.check(&event, Invoker::Caller, &context).await);
                self.latest.keep(&checked);
                checked.response()
            }
            Err(problems) => {
                let is_deleted = event.0.as_ref().is_ok_and(|event| event["RequestType"] == "Delete");
                let checked = self.refused(400, problems, &context);
                if is_deleted { checked } else { self.logged(checked) }.response()
            }
        }))
    }

    /// The least policy of the specification, where the event asks for it.
    fn answer_policy(&self, event: &Event, context: &Context) -> Option<Response> {
        let setup = self.setup.as_ref().ok()?;
        let format = setup.options(event, Invoker::Caller).ok()?.policy?;
        let session = setup.session(setup.clients.clone(), &context.invoked_function_arn);
        let policy = least_privilege(&setup.config.specification, &setup.plan, &session.place());
        let content_type = if format == PolicyFormat::Json { JSON } else { TEXT };
        let text = least_privilege::write(&policy, format);
        let text = if setup.config.redact { mask(&text) } else { text };
        Some(Response::of_text(content_type, text, None))
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
            |_| plan(&Specification::of_policy(guide_policy("", "")), &probes::infos()).checks,
            |setup| setup.plan.checks.clone(),
        )
    }

    /// The report of an invocation that tries nothing, logged.
    fn refuse(&self, status: u16, problems: Vec<Problem>, invoker: Invoker, context: &Context) -> Checked {
        let checked = self.refused(status, problems, context);
        if invoker != Invoker::Widget {
            return self.logged(checked);
        }
        telemetry::log(&checked.rendered, status, Invocation::default());
        checked
    }

    /// The report of an invocation that tries nothing.
    fn refused(&self, status: u16, problems: Vec<Problem>, context: &Context) -> Checked {
        let report = Report::of_problems(&self.plan(), problems, context.request_id.as_str().into());
        Checked::new(report.render(VOICE, self.masks()), Some(status), false)
    }

    /// The same, logged.
    fn logged(&self, checked: Checked) -> Checked {
        let logged = Invocation { history: Some(&self.history), ..Invocation::default() };
        telemetry::log(&checked.rendered, checked.status(), logged);
        checked
    }

    /// Makes one run, counts it and logs it.
    async fn check(&self, event: &Event, invoker: Invoker, context: &Context) -> Checked {
        let setup = match &self.setup {
            Ok(setup) => setup,
            Err(invalid) => return self.refuse(500, invalid.problems.clone(), invoker, context),
        };
        let options = match setup.options(event, invoker) {
            Ok(options) => options,
            Err(problems) => return self.refuse(400, problems, invoker, context),
        };

        let time = Time::new(setup.config.settings.timeout, options.retry, context.deadline);
        if let Some(problem) = setup.no_credentials(time.limit()).await {
            return self.refuse(500, vec![problem], invoker, context);
        }
        let session = setup.session(setup.clients.clone(), &context.invoked_function_arn);
        if let Some(problem) = role_of_another_account(&session) {
            return self.refuse(500, vec![problem], invoker, context);
        }
        let checks = run::select(&setup.plan.checks, &options, &session);
        let mut run = run::run(&checks, Arc::new(session), &self.sdk, &time).await;
        if setup.config.specification.own.is_some() && options.actions.is_none() {
            run.cover(&setup.plan);
        }
        let request_id = context.request_id.as_str().into();
        let report = Report::new(run, request_id, time.elapsed(), options.actions.is_some());
        let mut rendered = report.render(VOICE, setup.config.redact);
        rendered.json.in_full = options.verbose;
        let status = rendered.report.status();
        self.history.observe(&rendered.report, SystemTime::now());
        let result =
            |rendered| Checked { actions: options.actions.clone(), ..Checked::new(rendered, None, options.verbose) };
        // A dashboard that is open would hide that the schedule is dead: its runs are neither counted nor remembered.
        if invoker == Invoker::Widget {
            telemetry::log(&rendered, status, Invocation::default());
            return result(rendered);
        }
        let cold_start = !self.warm.swap(true, Ordering::Relaxed);
        let of_gate = invoker == Invoker::Gate;
        // First, since the last line of the log is to say it all.
        (self.metrics.0)(&metrics::lines(&rendered, &setup.config, of_gate, cold_start, SystemTime::now()));
        let run = Invocation { history: Some(&self.history), of_gate, cold_start: Some(cold_start) };
        telemetry::log(&rendered, status, run);
        result(rendered)
    }
}

/// Who asked for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Invoker {
    Caller,
    Http,
    Gate,
    Widget,
}

impl Setup {
    /// What an event asks for.
    fn options(&self, event: &Event, invoker: Invoker) -> Result<Options, Vec<Problem>> {
        let asked_by = match invoker {
            // The caller of an HTTP front end fills in the body and the headers, not
            // the key of the options, and a caller who may open a URL may not choose what the function does.
            Invoker::Http => return Ok(Options::default()),
            Invoker::Widget => AskedBy::Widget,
            Invoker::Caller | Invoker::Gate => AskedBy::Caller,
        };
        let mut known: Vec<_> = self.plan.checks.iter().map(Check::action).collect();
        known.dedup();
        Options::parse(event, &known, VOICE, asked_by)
    }
}

/// What is wrong with the role for SageMaker, where the function's ARN already shows it.
fn role_of_another_account(session: &Session) -> Option<Problem> {
    let specification = &session.specification;
    let account = session.function_account.as_ref().filter(|_| specification.assumed_role.is_none())?;
    let role = specification.passed_role.as_ref()?;
    role.problem_of_account(account, permissions_core::environment::SAGEMAKER_ROLE_ARN.name)
}
