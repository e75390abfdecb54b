//! `sagemaker:InvokeEndpoint`: an endpoint that does not exist; or, where one
//! is configured, a model that it cannot have.
//!
//! A single-model endpoint refuses a `TargetModel` before it runs anything.

use permissions_core::answer::Answer;
use permissions_core::probe::{About, Better, On, ProbeInfo};
use permissions_core::proof::{Proof, Warning};
use permissions_core::specification::Endpoint;

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::probes::sagemaker::resources;
use crate::session::Session;
use aws_sdk_sagemakerruntime::primitives::Blob;

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "sagemaker:InvokeEndpoint",
        on: On::Endpoint(About {
            resources: |endpoint, place| resources("endpoint", endpoint.name.as_deref(), place),
            request_context: |endpoint| match endpoint.name {
                Some(_) => "a target model that the endpoint cannot have".to_owned(),
                None => "no target model and no target variant".to_owned(),
            },
            better: |_| Some(Better::NoneKnown),
            leftover: None,
        }),
        request: "InvokeEndpoint of an endpoint that does not exist, or of `PROBE_ENDPOINT_NAME` with a model it cannot have",
        harmless: "no inference runs: there is no such endpoint, or the endpoint does not take the request",
        side_effect: "none; free",
        proofs: &[
            Proof::error("ValidationError", "endpoint … of account … not found").missing(),
            Proof::error("ValidationError", "not a multi-model endpoint"),
            Proof::error("ValidationError", "inference component name header is required"),
            Proof::error("ValidationError", "is missing a target model header"),
            Proof::error("ValidationError", "failed to download model data"),
            Proof::error("ValidationError", "does not support this inference type"),
            Proof::error("ModelError", ""),
            Proof::success("200").warn(Warning::SideEffect),
        ],
        dependent_actions: &[],
    },
    send: SendOn::Endpoint(|session, endpoint| Box::pin(run(session, endpoint))),
};

async fn run(session: &Session, endpoint: &Endpoint) -> Answer {
    let request = session.clients.sagemaker_runtime.invoke_endpoint();
    let (request, form) = match &endpoint.name {
        Some(name) => {
            (request.endpoint_name(name).target_model(session.names.absent_name()), "the configured endpoint")
        }
        None => (request.endpoint_name(session.names.absent_name()), "an endpoint that does not exist"),
    };
    let request = request.content_type("application/json").body(Blob::new("{}"));
    // Any body can be a model's; the variant that answered is SageMaker's to name.
    let answer = read(request.send().await, |inference| {
        if inference.invoked_production_variant().is_some() { "200" } else { "200 without a variant" }
    })
    .form(form);
    if endpoint.name.is_some() { answer.configured() } else { answer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{
        check, request_of, response, rest_json_error, specification, specification_with, with_headers,
    };

    #[tokio::test]
    async fn invokes_what_does_not_exist() {
        let request = request_of(&PROBE, specification()).await;
        assert_eq!(request.method, "POST");
        assert_eq!(request.path, "/endpoints/permissions-probe-0123456789abcdef/invocations");
        assert_eq!(request.header("x-amzn-sagemaker-target-model"), None);
    }

    #[test]
    fn a_name_with_capitals_stands_in_a_statement_as_sagemaker_writes_it_too() {
        let of = |name: Option<&str>| {
            resources("endpoint", name, &crate::harness::Stub::start(|_| Vec::new()).session(specification()).place())
        };
        let arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint";
        assert_eq!(of(Some("MyEndpoint")), [format!("{arn}/myendpoint"), format!("{arn}/MyEndpoint")]);
        assert_eq!(of(Some("prod")), [format!("{arn}/prod")]);
        assert_eq!(of(None), [format!("{arn}/*")]);
    }

    #[tokio::test]
    async fn asks_a_configured_endpoint_for_a_model_it_cannot_have() {
        let request = request_of(&PROBE, specification_with(&[("PROBE_ENDPOINT_NAME", "prod")])).await;
        assert_eq!(request.path, "/endpoints/prod/invocations");
        assert_eq!(request.header("x-amzn-sagemaker-target-model"), Some("permissions-probe-0123456789abcdef"));
    }

    #[tokio::test]
    async fn reads_the_answers() {
        check(
            &PROBE,
            vec![
                (
                    rest_json_error(400, "ValidationError", "Endpoint x of account 123456789012 not found."),
                    "allowed ValidationError inferred",
                ),
                (
                    rest_json_error(400, "ValidationError", "Endpoint x is not a multi-model endpoint and does not …"),
                    "allowed ValidationError inferred",
                ),
                (
                    rest_json_error(424, "ModelError", "Received client error (400) from primary with message …"),
                    "allowed ModelError documented",
                ),
                (rest_json_error(503, "ServiceUnavailable", "unavailable"), "inconclusive serviceFault"),
                (rest_json_error(429, "ModelNotReadyException", "not ready"), "inconclusive serviceFault"),
                (
                    with_headers(
                        200,
                        "x-amzn-requestid: REQUEST-1\r\nx-amzn-invoked-production-variant: AllTraffic\r\n",
                        "[1]",
                    ),
                    "allowed 200 documented, side effect",
                ),
                (response(200, "application/json", "{}"), "inconclusive unrecognized"),
            ],
        )
        .await;
    }
}
