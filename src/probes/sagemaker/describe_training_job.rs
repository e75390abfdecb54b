//! `sagemaker:DescribeTrainingJob`: a job that does not exist.

use crate::answer::Answer;
use crate::probe::{Context, Probe, When};
use crate::probes::sagemaker::named;
use crate::verdict::{Grade, Proof};

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "sagemaker:DescribeTrainingJob",
    resources: |cx| vec![cx.arn("sagemaker", "training-job/*")],
    request: "DescribeTrainingJob of a job that does not exist",
    harmless: "it only reads, and finds nothing to read",
    side_effect: "none; free",
    proofs: &[
        Proof::error(
            "ValidationException",
            &["requested resource not found"],
            Grade::Inferred,
            "public threads quote the text; that it comes after authorization is inferred",
        ),
        Proof::success("200", Grade::Documented, "SageMaker API Reference, DescribeTrainingJob"),
    ],
    behind: &[],
    when: When::Always,
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    let request = cx.clients.sagemaker.describe_training_job().training_job_name(cx.absent_name());
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
    use crate::stub::{check, config, json, json_error, request_of};

    #[tokio::test]
    async fn describes_a_job_that_does_not_exist() {
        let request = request_of(&PROBE, config()).await;
        assert_eq!(request.target(), "SageMaker.DescribeTrainingJob");
        assert_eq!(request.json(), serde_json::json!({"TrainingJobName": "permissions-probe-0123456789abcdef"}));
    }

    #[tokio::test]
    async fn reads_the_answers() {
        check(
            &PROBE,
            vec![
                (
                    json_error("ValidationException", "Requested resource not found."),
                    "allowed ValidationException inferred",
                ),
                (
                    json_error("ValidationException", "Value 'x' at 'trainingJobName' failed to satisfy constraint"),
                    "inconclusive requestRefused",
                ),
                (json("{}"), "inconclusive unrecognized"),
            ],
        )
        .await;
    }
}
