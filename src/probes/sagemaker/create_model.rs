//! `sagemaker:CreateModel`: a model under a role that does not exist.

use aws_sdk_sagemaker::types::ContainerDefinition;

use crate::answer::Answer;
use crate::probe::{Context, Probe, When};
use crate::probes::sagemaker::{ROLE_INVALID, ROLE_NOT_ASSUMED, named};
use crate::verdict::{Grade, Proof, Warning};

/// The answer to a model whose image is in no registry.
pub(in crate::probes) const IMAGE_MISSING: Proof = Proof::error(
    "ValidationException",
    &["requested image", "not found"],
    Grade::Inferred,
    "public threads quote the text; that it comes after authorization is inferred",
);

/// A model in spite of everything: a record that costs nothing.
pub(in crate::probes) const MODEL_CREATED: Proof =
    Proof::success("200", Grade::Documented, "SageMaker API Reference, CreateModel").warn(Warning::SideEffect);

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "sagemaker:CreateModel",
    resources: |cx| vec![cx.arn("sagemaker", "model/*")],
    request: "CreateModel under a role, and of an image, that do not exist",
    harmless: "SageMaker refuses a model whose role and image do not exist",
    side_effect: "none; free",
    proofs: &[ROLE_NOT_ASSUMED, ROLE_INVALID, IMAGE_MISSING, MODEL_CREATED],
    behind: &["iam:PassRole"],
    when: When::Always,
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    match cx.account().await {
        Ok(account) => create(cx, &account, &cx.absent_role_arn(&account)).await,
        Err(unknown) => *unknown,
    }
}

/// Asks for a model of an absent image, under a role.
pub(in crate::probes) async fn create(cx: &Context, account: &str, role_arn: &str) -> Answer {
    let container = ContainerDefinition::builder().image(cx.absent_image(account)).build();
    let request = cx.clients.sagemaker.create_model().model_name(cx.absent_name());
    let result = request.execution_role_arn(role_arn).primary_container(container).send().await;
    Answer::read(result, |model| if named(model.model_arn()) { "200" } else { "200 without a model" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::{check, config, denial, json, json_error, request_of};

    #[tokio::test]
    async fn names_a_role_and_an_image_that_do_not_exist() {
        let request = request_of(&PROBE, config()).await;
        assert_eq!(request.target(), "SageMaker.CreateModel");
        let name = "permissions-probe-0123456789abcdef";
        assert_eq!(
            request.json(),
            serde_json::json!({
                "ModelName": name,
                "ExecutionRoleArn": format!("arn:aws:iam::123456789012:role/{name}"),
                "PrimaryContainer": {"Image": format!("123456789012.dkr.ecr.us-east-1.amazonaws.com/{name}:absent")}
            })
        );
    }

    #[tokio::test]
    async fn reads_the_answers() {
        check(
            &PROBE,
            vec![
                (
                    json_error("ValidationException", "Could not assume role arn:aws:iam::123456789012:role/x."),
                    "allowed ValidationException inferred",
                ),
                (
                    json_error("ValidationException", "Requested image 123456789012.dkr.ecr… not found."),
                    "allowed ValidationException inferred",
                ),
                (
                    denial("iam:PassRole", "sagemaker:CreateModel"),
                    "allowed AccessDeniedException inferred, behind it iam:PassRole",
                ),
                (json("{\"ModelArn\": \"arn\"}"), "allowed 200 documented, side effect"),
                (json("{}"), "inconclusive unrecognized"),
            ],
        )
        .await;
    }
}
