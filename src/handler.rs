//! One invocation: event, check, report, response.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use aws_config::{AppName, BehaviorVersion, SdkConfig};
use lambda_runtime::LambdaEvent;

use crate::config::{Config, Problem};
use crate::headline::{Findings, headline};
use crate::probe::{Clients, Context, Probe};
use crate::report::{Caller, Report, Response, Row};
use crate::request::{Event, Request, is_http};
use crate::{advice, check, probes, redact, report, telemetry};

/// Loads the SDK's configuration, in the SDK's own ways: `AWS_REGION`,
/// `AWS_ENDPOINT_URL`, credentials and so on.
pub async fn sdk() -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest());
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
}

#[derive(Debug)]
struct Setup {
    config: Arc<Config>,
    clients: Clients,
    region: String,
}

impl App {
    /// Prepares everything that does not depend on the event.
    pub fn new(config: Result<Config, Vec<Problem>>, sdk: &SdkConfig) -> Self {
        let region = sdk.region().map(ToString::to_string);
        let no_region = region.is_none().then(|| Problem {
            name: "AWS_REGION".to_owned(),
            value: None,
            expected: "the code of an AWS Region, such as us-east-1; Lambda sets it on AWS".to_owned(),
        });
        let setup: Result<Setup, Vec<Problem>> = match (config, region) {
            (Ok(config), Some(region)) => {
                Ok(Setup { clients: Clients::new(sdk, config.timeout), config: Arc::new(config), region })
            }
            (config, _) => Err(config.err().into_iter().flatten().chain(no_region).collect()),
        };
        if let Err(problems) = &setup {
            telemetry::log_problems(problems);
        }
        Self { setup }
    }

    /// Answers one invocation. Whatever is wrong is a response, never an error
    /// of the function, which an asynchronous caller would try again.
    pub async fn handle(&self, event: LambdaEvent<Event>) -> Response {
        let (event, context) = event.into_parts();
        let http = event.0.as_ref().is_ok_and(is_http);
        let refuse = |status, probes: &[&'static Probe], problems: &[Problem]| {
            let actions: Vec<_> = probes.iter().map(|probe| probe.action).collect();
            let mut report = Report::of_problems(&actions, problems, context.request_id.clone());
            if self.setup.as_ref().is_ok_and(|setup| setup.config.redact) {
                redact::redact(&mut report);
            }
            telemetry::log(&report, status);
            Response::new(report, Some(status), false, http)
        };
        let setup = match &self.setup {
            Ok(setup) => setup,
            Err(problems) => return refuse(500, &probes::policy(), problems),
        };
        let known = probes::configured(&setup.config);
        let actions: Vec<_> = known.iter().map(|probe| probe.action).collect();
        let request = match Request::parse(&event, &actions) {
            Ok(request) => request,
            Err(problems) => return refuse(400, &known, &problems),
        };

        let started = Instant::now();
        let config = &setup.config;
        let cx = Context::new(config.clone(), setup.clients.clone(), &setup.region, &context.invoked_function_arn);
        let cx = Arc::new(cx);
        let limit = check::limit(config.timeout, context.deadline, SystemTime::now());
        let selected = selected(&known, &request);
        let outcomes = check::run(&selected, &cx, limit).await;

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
        if config.redact {
            redact::redact(&mut report);
        }
        let status = report.status();
        telemetry::log(&report, status);
        Response::new(report, None, request.verbose, http)
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

/// The probes that the request asks for, and the control in any case.
fn selected(known: &[&'static Probe], request: &Request) -> Vec<&'static Probe> {
    let asked = |probe: &Probe| probe.action == probes::CONTROL.action || request.selects(probe.action);
    known.iter().copied().filter(|probe| asked(probe)).collect()
}
