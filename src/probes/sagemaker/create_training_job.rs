//! `sagemaker:CreateTrainingJob`: a job under a role that does not exist.
//!
//! Without a role that it can assume, SageMaker cannot start a job. The
//! pipeline's real role never goes into this request.

use aws_sdk_sagemaker::types::{
    AlgorithmSpecification, OutputDataConfig, ResourceConfig, StoppingCondition, TrainingInputMode,
    TrainingInstanceType,
};

use crate::answer::Answer;
use crate::probe::{Context, Probe, When};
use crate::probes::sagemaker::{ROLE_INVALID, ROLE_NOT_ASSUMED, named};
use crate::verdict::{Grade, Proof, Warning};

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "sagemaker:CreateTrainingJob",
    resources: |cx| vec![cx.arn("sagemaker", "training-job/*")],
    request: "CreateTrainingJob under a role, and of an image, that do not exist",
    harmless: "no job can start under a role that does not exist",
    side_effect: "none; free",
    proofs: &[
        ROLE_NOT_ASSUMED,
        ROLE_INVALID,
        Proof::error(
            "ResourceInUse",
            &[],
            Grade::Inferred,
            "SageMaker API Reference, CreateTrainingJob; that it comes after authorization is inferred",
        ),
        Proof::error(
            "ResourceLimitExceeded",
            &[],
            Grade::Inferred,
            "SageMaker API Reference, CreateTrainingJob; that it comes after authorization is inferred",
        ),
        Proof::success("200", Grade::Documented, "SageMaker API Reference, CreateTrainingJob")
            .warn(Warning::SideEffect),
    ],
    // The role's own PassRole is looked at after this action; of a role that
    // does not exist, its denial says nothing about the pipeline's role.
    behind: &["iam:PassRole"],
    when: When::Always,
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    let account = match cx.account().await {
        Ok(account) => account,
        Err(unknown) => return *unknown,
    };
    let algorithm = AlgorithmSpecification::builder()
        .training_image(cx.absent_image(&account))
        .training_input_mode(TrainingInputMode::File)
        .build();
    let resources =
        ResourceConfig::builder().instance_type(TrainingInstanceType::MlM5Large).instance_count(1).volume_size_in_gb(1);
    let output = format!("s3://{}/{}", cx.config.bucket, cx.absent_name());
    let request = cx
        .clients
        .sagemaker
        .create_training_job()
        .training_job_name(cx.absent_name())
        .role_arn(cx.absent_role_arn(&account))
        .algorithm_specification(algorithm)
        .resource_config(resources.build())
        .stopping_condition(StoppingCondition::builder().max_runtime_in_seconds(60).build())
        .output_data_config(OutputDataConfig::builder().s3_output_path(output).build());
    Answer::read(
        request.send().await,
        |job| {
            if named(job.training_job_arn()) { "200" } else { "200 without a training job" }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::{check, config, denial, json, json_error, request_of};

    #[tokio::test]
    async fn names_a_role_and_an_image_that_do_not_exist() {
        let request = request_of(&PROBE, config()).await;
        assert_eq!(request.target(), "SageMaker.CreateTrainingJob");
        let name = "permissions-probe-0123456789abcdef";
        assert_eq!(
            request.json(),
            serde_json::json!({
                "TrainingJobName": name,
                "RoleArn": format!("arn:aws:iam::123456789012:role/{name}"),
                "AlgorithmSpecification": {
                    "TrainingImage": format!("123456789012.dkr.ecr.us-east-1.amazonaws.com/{name}:absent"),
                    "TrainingInputMode": "File"
                },
                "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
                "StoppingCondition": {"MaxRuntimeInSeconds": 60},
                "OutputDataConfig": {"S3OutputPath": format!("s3://your-bucket-name/{name}")}
            })
        );
    }

    #[tokio::test]
    async fn reads_the_answers() {
        check(
            &PROBE,
            vec![
                (
                    json_error(
                        "ValidationException",
                        "Could not assume role arn:aws:iam::123456789012:role/x. Please ensure that the role exists",
                    ),
                    "allowed ValidationException inferred",
                ),
                (
                    json_error("ResourceLimitExceeded", "The account-level service limit 'ml.m5.large …' is 0"),
                    "allowed ResourceLimitExceeded inferred",
                ),
                (
                    denial("iam:PassRole", "sagemaker:CreateTrainingJob"),
                    "allowed AccessDeniedException inferred, behind it iam:PassRole",
                ),
                (denial("sagemaker:AddTags", "sagemaker:CreateTrainingJob"), "inconclusive otherActionDenied"),
                (
                    json_error("ValidationException", "1 validation error detected: Value at 'roleArn' failed"),
                    "inconclusive requestRefused",
                ),
                (json("{\"TrainingJobArn\": \"arn\"}"), "allowed 200 documented, side effect"),
            ],
        )
        .await;
    }
}
