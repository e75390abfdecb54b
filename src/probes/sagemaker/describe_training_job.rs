//! `sagemaker:DescribeTrainingJob`: a job that does not exist, or the one that the configuration names.

use crate::answer::Answer;
use crate::probe::{Context, Probe, When};
use crate::probes::sagemaker::named;
use crate::verdict::Proof;

pub(in crate::probes) const PROBE: Probe = Probe {
    action: "sagemaker:DescribeTrainingJob",
    resources: |cx| {
        vec![cx.arn("sagemaker", &format!("training-job/{}", cx.config.training_job_name.as_deref().unwrap_or("*")))]
    },
    request: "DescribeTrainingJob of a job that does not exist, or of `PROBE_TRAINING_JOB_NAME`",
    harmless: "it only reads",
    side_effect: "none; free",
    proofs: &[Proof::error("ValidationException", "requested resource not found").missing(), Proof::success("200")],
    behind: &[],
    shape: |_| "no parameters".to_owned(),
    better: |config| {
        let named = config.training_job_name.is_some();
        (!named).then_some("Set PROBE_TRAINING_JOB_NAME to a training job that exists.")
    },
    leftover: None,
    when: When::Always,
    run: |cx| Box::pin(run(cx)),
};

async fn run(cx: &Context) -> Answer {
    let request = cx.clients.sagemaker.describe_training_job();
    let named_job = cx.config.training_job_name.as_ref();
    let request = request.training_job_name(named_job.cloned().unwrap_or_else(|| cx.absent_name()));
    let answer = Answer::read(request.send().await, |job| {
        if named(job.training_job_arn()) { "200" } else { "200 without a training job" }
    });
    if named_job.is_some() { answer.form("the configured training job").configured() } else { answer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::{Request, check, config, config_with, json, json_error, request_of, summary, try_probe};

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

    #[tokio::test]
    async fn a_job_that_exists_gives_a_documented_proof() {
        let named = || config_with(&[("PROBE_TRAINING_JOB_NAME", "train-1")]);
        let (requests, outcome, _) = try_probe(&PROBE, named(), |_| json("{\"TrainingJobArn\": \"arn\"}")).await;
        assert_eq!(requests[0].json(), serde_json::json!({"TrainingJobName": "train-1"}));
        assert_eq!(summary(&outcome), "allowed 200 documented");
        let missing = |_: &Request| json_error("ValidationException", "Requested resource not found.");
        let (_, outcome, _) = try_probe(&PROBE, named(), missing).await;
        assert_eq!(summary(&outcome), "allowed ValidationException inferred, resource missing");
    }
}
