//! `sagemaker:CreateEndpoint`: an endpoint of a configuration that does not exist.
//!
//! AWS authorizes the action on the endpoint and on the endpoint configuration
//! (Service Authorization Reference, Amazon SageMaker), so a denial can name
//! either ARN.

use crate::answer::Answer;
use crate::probe::{Context, Leftover, NO_BETTER, Probe, When};
use crate::probes::sagemaker::named;
use crate::verdict::{Proof, Warning};

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "sagemaker:CreateEndpoint",
    resources: |cx| vec![cx.arn("sagemaker", "endpoint/*"), cx.arn("sagemaker", "endpoint-config/*")],
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
    behind: &[],
    shape: |_| "no tags and no deployment configuration".to_owned(),
    better: |_| Some(NO_BETTER),
    leftover: Some(|cx| Leftover {
        what: format!("the endpoint {}", cx.record_name()),
        command: Some(format!(
            "aws sagemaker delete-endpoint --region={} --endpoint-name={}",
            cx.region,
            cx.record_name()
        )),
    }),
    when: When::Always,
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    let request = cx.clients.sagemaker.create_endpoint().endpoint_name(cx.record_name());
    Answer::read(request.endpoint_config_name(cx.absent_name()).send().await, |endpoint| {
        if named(endpoint.endpoint_arn()) { "200" } else { "200 without an endpoint" }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::{RECORD, check, config, json, json_error, request_of};

    #[tokio::test]
    async fn names_a_configuration_that_does_not_exist() {
        let request = request_of(&PROBE, config()).await;
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
                (json_error("AccessDeniedException", second_arn), "denied Implicit Some(IdentityBased)"),
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
