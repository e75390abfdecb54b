//! `iam:PassRole` on the pipeline's SageMaker role: a model under that role, of
//! an image that does not exist. No call of IAM itself asks for this action.
//!
//! The guide's policy does not grant it, so it is tried only where
//! `PROBE_SAGEMAKER_ROLE_ARN` names the role.

use crate::answer::{Answer, Silence};
use crate::probe::{Context, Probe, When};
use crate::probes::sagemaker::create_model::{IMAGE_MISSING, MODEL_CREATED, create};

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "iam:PassRole",
    resources: |cx| vec![cx.config.sagemaker_role_arn.clone().unwrap_or_else(|| "*".to_owned())],
    request: "CreateModel under `PROBE_SAGEMAKER_ROLE_ARN`, of an image that does not exist",
    harmless: "SageMaker refuses a model whose image does not exist",
    side_effect: "none; free",
    proofs: &[IMAGE_MISSING, MODEL_CREATED],
    behind: &[],
    when: When::Configured(|config| config.sagemaker_role_arn.is_some()),
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    let Some(role) = &cx.config.sagemaker_role_arn else {
        return Answer::nothing(Silence::NotConfigured, "PROBE_SAGEMAKER_ROLE_ARN is not set");
    };
    match cx.account().await {
        Ok(account) => create(cx, &account, role).await,
        Err(unknown) => *unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::{check, config, denial, json, json_error, request_of};

    #[tokio::test]
    async fn passes_the_configured_role() {
        let request = request_of(&PROBE, config()).await;
        assert_eq!(request.target(), "SageMaker.CreateModel");
        assert_eq!(request.json()["ExecutionRoleArn"], "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role");
    }

    #[tokio::test]
    async fn reads_the_answers() {
        check(
            &PROBE,
            vec![
                (denial("iam:PassRole", "sagemaker:CreateModel"), "denied Implicit Some(IdentityBased)"),
                (denial("sagemaker:CreateModel", "sagemaker:CreateModel"), "inconclusive otherActionDenied"),
                (
                    json_error("ValidationException", "Requested image 123456789012.dkr.ecr… not found."),
                    "allowed ValidationException inferred",
                ),
                (
                    json_error("ValidationException", "Could not assume role arn:aws:iam::123456789012:role/x."),
                    "inconclusive requestRefused",
                ),
                (json("{\"ModelArn\": \"arn\"}"), "allowed 200 documented, side effect"),
            ],
        )
        .await;
    }
}
