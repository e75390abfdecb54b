//! One invocation: event, check, report, response.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use lambda_runtime::LambdaEvent;
use tokio::sync::OnceCell;

use crate::config::{Config, Problem, is_region};
use crate::headline::{Findings, headline};
use crate::http::Connections;
use crate::probe::{Clients, Context, Probe};
use crate::report::{Caller, Report, Response, Row};
use crate::request::{Event, Front, Request};
use crate::telemetry::History;
use crate::{advice, check, probes, redact, rehearsal, report, telemetry};

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
    setup: Result<Setup, Vec<Problem>>,
    history: History,
    /// Whether an invocation has been answered before.
    warm: AtomicBool,
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
    pub fn new(config: Result<Config, Vec<Problem>>, sdk: &SdkConfig) -> Self {
        let region = sdk.region().map(ToString::to_string).unwrap_or_default();
        let bad_region = (!is_region(&region)).then(|| Problem {
            name: "AWS_REGION".to_owned(),
            value: Some(region.clone()).filter(|region| !region.is_empty()),
            expected: "the code of an AWS Region, such as us-east-1; Lambda sets it on AWS".to_owned(),
        });
        let mut setup: Result<Setup, Vec<Problem>> = match config {
            Ok(config) if bad_region.is_none() => Ok(Setup {
                clients: Clients::new(sdk, config.timeout),
                config: Arc::new(config),
                region,
                credentials: sdk.credentials_provider(),
                had_credentials: OnceCell::new(),
            }),
            config => Err(config.err().into_iter().flatten().chain(bad_region).collect()),
        };
        if let Err(problems) = &mut setup {
            redact::tame(problems.iter_mut().filter_map(|problem| problem.value.as_mut()).collect());
            telemetry::log_problems(problems);
        }
        Self { setup, history: History::default(), warm: AtomicBool::new(false) }
    }

    /// Prepares what takes requests to prepare, without sending any, where an
    /// invocation is about to follow.
    pub async fn rehearse(&self, sdk: &SdkConfig, connections: &Connections) {
        let Ok(setup) = &self.setup else { return };
        if setup.config.on_demand {
            let sdk = sdk.to_builder().http_client(connections.opener()).build();
            let clients = Clients::new(&sdk, setup.config.timeout);
            let mut cx = Context::new(setup.config.clone(), clients, &setup.region, "");
            // Nobody's, for requests that are never sent: Lambda tells the function's own with the first invocation.
            cx.function_account = Some("000000000000".to_owned());
            rehearsal::run(&probes::configured(&setup.config), &Arc::new(cx), connections).await;
        }
    }

    /// Answers one invocation. Whatever is wrong is a response, never an error
    /// of the function, which an asynchronous caller would try again.
    pub async fn handle(&self, event: LambdaEvent<Event>) -> Response {
        let (event, context) = event.into_parts();
        let front = event.0.as_ref().ok().and_then(Front::of);
        let refuse = |status, probes: &[&'static Probe], problems: &[Problem]| {
            let mut report = Report::of_problems(probes, problems, context.request_id.clone());
            redact::tame(report.texts_mut());
            if self.setup.as_ref().is_ok_and(|setup| setup.config.redact) {
                redact::mask(report.texts_mut());
            }
            telemetry::log(&report, status, &self.history);
            Response::new(report, Some(status), false, front.as_ref())
        };
        let setup = match &self.setup {
            Ok(setup) => setup,
            Err(problems) => return refuse(500, &probes::policy(), problems),
        };
        let known = probes::configured(&setup.config);
        if let Some(problem) = front.as_ref().and_then(Front::problem) {
            return refuse(405, &known, &[problem]);
        }
        let actions: Vec<_> = known.iter().map(|probe| probe.action).collect();
        let request = match Request::parse(&event, &actions) {
            Ok(request) => request,
            Err(problems) => return refuse(400, &known, &problems),
        };

        let started = Instant::now();
        let limit = check::limit(setup.config.timeout, context.deadline, SystemTime::now());
        if let Some(problem) = setup.no_credentials(limit).await {
            return refuse(500, &known, &[problem]);
        }
        let config = &setup.config;
        let cx = Context::new(config.clone(), setup.clients.clone(), &setup.region, &context.invoked_function_arn);
        let cx = Arc::new(cx);
        let limit = check::limit(config.timeout, context.deadline, SystemTime::now());
        let selected = selected(&known, &request);
        let mut outcomes = check::run(&selected, &cx, limit).await;
        let settling = check::limit(request.settle, context.deadline, SystemTime::now());
        check::settle(&mut outcomes, &cx, config.timeout, settling).await;

        let rows = report::rows(&outcomes, &cx);
        let rows = explained(rows, &cx, context.deadline).await;
        let principal = cx.principal.get().and_then(Option::as_ref);
        let findings = Findings { rows: &rows, config, principal, region: &cx.region };
        let (headline, advice) = (headline(&findings), advice::advise(&findings));
        let mut report = Report {
            principal: Caller::new(principal),
            region: Some(cx.region.clone()),
            headline,
            advice,
            advisories: advice::advisories(&findings),
            ..Report::new(rows, context.request_id, started.elapsed())
        };
        redact::tame(report.texts_mut());
        if config.redact {
            redact::mask(report.texts_mut());
        }
        let status = report.status();
        telemetry::log(&report, status, &self.history);
        telemetry::count(&report, config, !self.warm.swap(true, Ordering::Relaxed));
        Response::new(report, None, request.verbose, front.as_ref())
    }
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
async fn explained(mut rows: Vec<Row>, cx: &Context, deadline: u64) -> Vec<Row> {
    if cx.config.authorization_details {
        let limit = check::limit(cx.config.timeout, deadline, SystemTime::now());
        crate::details::add(&mut rows, &cx.clients.iam_toolbox, limit).await;
    }
    rows
}

/// The rows with a note where the configuration asks for what this build cannot do.
#[cfg(not(feature = "authorization-details"))]
async fn explained(mut rows: Vec<Row>, cx: &Context, _: u64) -> Vec<Row> {
    let denials = rows.iter_mut().filter_map(|row| row.denial.as_mut());
    for denial in denials.filter(|denial| cx.config.authorization_details && denial.authorization_id.is_some()) {
        denial.details = Some(report::Details::without("this build lacks the feature authorization-details"));
    }
    std::future::ready(rows).await
}

/// The probes that the request asks for, and the controls in any case.
fn selected(known: &[&'static Probe], request: &Request) -> Vec<&'static Probe> {
    let control = |probe: &Probe| probe.action == probes::CONTROL.action || probe.must_be_denied();
    let asked = |probe: &Probe| control(probe) || request.selects(probe.action);
    known.iter().copied().filter(|probe| asked(probe)).collect()
}
