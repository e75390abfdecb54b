//! Amazon CloudWatch Logs, on the function's own log group and log stream: no
//! other name is ever sent, because it would be created.
//!
//! The service authorizes before it looks (widdix/aws-cf-templates#308).

pub(super) mod create_log_group;
pub(super) mod create_log_stream;
pub(super) mod describe_log_groups;
pub(super) mod put_log_events;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use permissions_core::answer::{Answer, NoAnswer};
use permissions_core::specification::LogStream;

use crate::session::Session;

/// The function's own log group.
fn group<'a>(session: &Session, log: &'a LogStream) -> Result<&'a str, Box<Answer>> {
    // In another account there is no such group, and it would be made.
    if session.role_account.is_some() && session.role_account != session.function_account {
        return Err(Box::new(Answer::none(
            NoAnswer::NotConfigured,
            "the role to check is not known to be of the function's own account, and in another one this request would make \
             a log group",
        )));
    }
    log.group.as_deref().ok_or_else(|| {
        Box::new(Answer::none(NoAnswer::NotConfigured, "AWS_LAMBDA_LOG_GROUP_NAME is not set; Lambda sets it on AWS"))
    })
}

/// The function's own log group and log stream.
fn stream<'a>(session: &Session, log: &'a LogStream) -> Result<(&'a str, &'a str), Box<Answer>> {
    let stream = log.stream.as_deref().ok_or_else(|| {
        Box::new(Answer::none(NoAnswer::NotConfigured, "AWS_LAMBDA_LOG_STREAM_NAME is not set; Lambda sets it on AWS"))
    });
    Ok((group(session, log)?, stream?))
}

/// Refuses a success with a body: `CreateLogGroup` and `CreateLogStream` have none
/// (CloudWatch Logs API Reference), and the SDK does not look.
#[derive(Debug)]
struct RequireEmptyBody;

#[dyn_dispatch_hint]
impl Intercept for RequireEmptyBody {
    fn name(&self) -> &'static str {
        "RequireEmptyBody"
    }

    fn read_after_deserialization(
        &self,
        answer: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = answer.response();
        let body = response.body().bytes().unwrap_or_default();
        if response.status().is_success() && !body.is_empty() && body != b"{}" {
            return Err("the answer has a body, and that of CloudWatch Logs has none".into());
        }
        Ok(())
    }
}

#[cfg(test)]
async fn without_names(probe: &'static crate::probe::Probe) {
    use crate::harness::{specification_with, summary, try_probe};

    let unnamed = specification_with(&[("AWS_LAMBDA_LOG_GROUP_NAME", ""), ("AWS_LAMBDA_LOG_STREAM_NAME", "")]);
    let (requests, outcome, _) = try_probe(probe, unnamed, |_| Vec::new()).await;
    assert_eq!(requests.len(), 0, "no name is ever invented");
    assert_eq!(summary(&outcome), "inconclusive notConfigured");
}
