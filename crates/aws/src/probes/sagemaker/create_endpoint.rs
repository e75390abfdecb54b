//! `sagemaker:CreateEndpoint`: an endpoint of a configuration that does not exist.
//!
//! AWS authorizes the action on the endpoint and on the endpoint configuration
//! (Service Authorization Reference, Amazon SageMaker), so a denial can name
//! either ARN.

use permissions_core::answer::{Answer, Leftover};
use permissions_core::probe::{About, Better, On, ProbeInfo};
use permissions_core::proof::{Proof, Warning};

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::probes::sagemaker::has_arn;
use crate::session::Session;

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "sagemaker:CreateEndpoint",
        on: On::Account(About {
            resources: |_, place| {
                vec![place.arn("sagemaker", "endpoint/*"), place.arn("sagemaker", "endpoint-config/*")]
            },
            request_context: |_| "no tags and no deployment configuration".to_owned(),
            better: |_| Some(Better::NoneKnown),
            leftover: Some(|_, place| Leftover {
                what: format!("the endpoint {}", place.names.record_name()),
                command: Some(format!(
                    "aws sagemaker delete-endpoint --region={} --endpoint-name={}",
                    place.region,
                    place.names.record_name()
                )),
            }),
        }),
        request: "CreateEndpoint of an endpoint configuration that does not exist",
        harmless: "there is no configuration from which an endpoint could be made",
        side_effect: "none; free",
        proofs: &[
            Proof::error("ValidationException", "could not find endpoint configuration"),
            Proof::error("ValidationException", "endpoint features are not supported using this configuration"),
            Proof::error("ValidationException", "cannot create already existing endpoint").warn(Warning::SideEffect),
            Proof::error("ResourceLimitExceeded", ""),
            Proof::success("200").warn(Warning::SideEffect),
        ],
        dependent_actions: &[],
    },
    send: SendOn::Account(|session| Box::pin(run(session))),
};

async fn run(session: &Session) -> Answer {
    let request = session.clients.sagemaker.create_endpoint().endpoint_name(session.names.record_name());
    read(request.endpoint_config_name(session.names.absent_name()).send().await, |endpoint| {
        if has_arn(endpoint.endpoint_arn()) { "200" } else { "200 without an endpoint" }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{RECORD, check, json, json_error, request_of, specification};

    #[tokio::test]
    async fn names_a_configuration_that_does_not_exist() {
        let request = request_of(&PROBE, specification()).await;
        assert_eq!(request.target(), "SageMaker.CreateEndpoint");
        let absent = "permissions-probe-0123456789abcdef";
        assert_eq!(request.json(), serde_json::json!({"EndpointName": RECORD, "EndpointConfigName": absent}));
    }

    #[tokio::test]
    async fn reads_the_answers() {
        let second_arn = "User: u is not authorized to perform: sagemaker:CreateEndpoint on resource: \
                          arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/x because no identity-based policy \
                          allows the sagemaker:CreateEndpoint action";
        check(
            &PROBE,
            vec![
                (
                    json_error("ValidationException", "Could not find endpoint configuration \"arn:aws:sagemaker:…\"."),
                    "allowed ValidationException inferred",
                ),
                (json_error("AccessDeniedException", second_arn), "denied implicitDeny, identity-based policy"),
                (
                    json_error("ValidationException", "Value 'x' at 'endpointName' failed to satisfy constraint"),
                    "inconclusive requestRefused",
                ),
                (
                    json_error(
                        "ValidationException",
                        "Cannot create already existing endpoint \"arn:aws:sagemaker:…\".",
                    ),
                    "allowed ValidationException inferred, side effect",
                ),
                (json("{\"EndpointArn\": \"arn\"}"), "allowed 200 documented, side effect"),
            ],
        )
        .await;
    }
}
