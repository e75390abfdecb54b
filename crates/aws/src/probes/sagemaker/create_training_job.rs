//! `sagemaker:CreateTrainingJob`: a job under a role that does not exist.
//!
//! Without a role that it can assume, SageMaker cannot start a job. The
//! pipeline's real role never goes into this request.

use permissions_core::answer::{Answer, Leftover};
use permissions_core::probe::{About, Better, On, ProbeInfo};
use permissions_core::proof::{Proof, Warning};

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::session::Session;
use aws_sdk_sagemaker::types::{
    AlgorithmSpecification, OutputDataConfig, ResourceConfig, StoppingCondition, TrainingInputMode,
    TrainingInstanceType,
};

use crate::probes::sagemaker::{
    IMAGE_NOT_FOUND, REPOSITORY_DENIED, REPOSITORY_MISSING, ROLE_INVALID, ROLE_NOT_ASSUMED, has_arn,
};

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "sagemaker:CreateTrainingJob",
        on: On::Account(About {
            resources: |_, place| vec![place.arn("sagemaker", "training-job/*")],
            request_context: |_| {
                "the instance type ml.m5.large, no VPC configuration, no KMS keys, no network isolation and no tags"
                    .to_owned()
            },
            better: |_| Some(Better::NoneKnown),
            leftover: Some(|_, place| Leftover {
                what: format!("the training job {}", place.names.record_name()),
                command: Some(format!(
                    "aws sagemaker delete-training-job --region={} --training-job-name={}",
                    place.region,
                    place.names.record_name()
                )),
            }),
        }),
        request: "CreateTrainingJob under a role, and of an image, that do not exist",
        harmless: "no job can start under a role that does not exist",
        side_effect: "none, or one job record, free: in 2018 SageMaker took a job under a role that does not exist, and failed it at \
                      once (aws/sagemaker-python-sdk#35, #43)",
        proofs: &[
            ROLE_NOT_ASSUMED,
            ROLE_INVALID,
            REPOSITORY_MISSING,
            IMAGE_NOT_FOUND,
            REPOSITORY_DENIED,
            Proof::error("ValidationException", "access denied to outputdataconfig"),
            Proof::error("ValidationException", "access denied to hub content"),
            Proof::error("ValidationException", "unauthorized to list objects under s3 url"),
            Proof::error("ValidationException", "no s3 objects found"),
            // IAM's sentence in it is about the role that was passed, never about the caller.
            Proof::error("ValidationException", "no identity-based policy allows the s3:"),
            // Only a job of this probe's has this name.
            Proof::error("ResourceInUse", "").warn(Warning::SideEffect),
            Proof::error("ResourceLimitExceeded", ""),
            Proof::success("200").warn(Warning::SideEffect),
        ],
        // That PassRole is looked at after this action is inferred, and a request without a role,
        // which would settle it, is refused for its form. Of a role that does not exist, its
        // denial says nothing about the pipeline's role.
        dependent_actions: &["iam:PassRole"],
    },
    send: SendOn::Account(|session| Box::pin(run(session))),
};

async fn run(session: &Session) -> Answer {
    let account = match session.account().await {
        Ok(account) => account,
        Err(unknown) => return *unknown,
    };
    let place = session.place();
    let algorithm = AlgorithmSpecification::builder()
        .training_image(place.absent_image(&account))
        .training_input_mode(TrainingInputMode::File)
        .build();
    let resources =
        ResourceConfig::builder().instance_type(TrainingInstanceType::MlM5Large).instance_count(1).volume_size_in_gb(1);
    // Where the pipeline's own jobs write; without a bucket, a name that nothing has.
    let bucket = session.specification.buckets.first().map(|bucket| bucket.name.clone());
    let absent = session.names.absent_name();
    let output = format!("s3://{}/{absent}", bucket.unwrap_or_else(|| absent.clone()));
    let request = session
        .clients
        .sagemaker
        .create_training_job()
        .training_job_name(session.names.record_name())
        .role_arn(place.absent_role_arn(&account))
        .algorithm_specification(algorithm)
        .resource_config(resources.build())
        .stopping_condition(StoppingCondition::builder().max_runtime_in_seconds(60).build())
        .output_data_config(OutputDataConfig::builder().s3_output_path(output).build());
    read(request.send().await, |job| if has_arn(job.training_job_arn()) { "200" } else { "200 without a training job" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{RECORD, check, denial, json, json_error, request_of, specification};

    #[tokio::test]
    async fn names_a_role_and_an_image_that_do_not_exist() {
        let request = request_of(&PROBE, specification()).await;
        assert_eq!(request.target(), "SageMaker.CreateTrainingJob");
        let name = "permissions-probe-0123456789abcdef";
        assert_eq!(
            request.json(),
            serde_json::json!({
                "TrainingJobName": RECORD,
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
                (
                    json_error(
                        "ResourceInUse",
                        "Training job names must be unique within an AWS account and region, …",
                    ),
                    "allowed ResourceInUse inferred, side effect",
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
