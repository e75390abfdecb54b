//! `sagemaker:DescribeTrainingJob`: a job that does not exist, or the one that the configuration names.

use permissions_core::answer::Answer;
use permissions_core::probe::{About, Better, On, ProbeInfo};
use permissions_core::proof::Proof;
use permissions_core::specification::TrainingJob;
use permissions_core::voice::Setting;

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::probes::sagemaker::{has_arn, resources};
use crate::session::Session;

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "sagemaker:DescribeTrainingJob",
        on: On::TrainingJob(About {
            resources: |job, place| resources("training-job", job.name.as_deref(), place),
            request_context: |_| "no parameters".to_owned(),
            better: |job| {
                job.name.is_none().then_some(Better::Name {
                    setting: Setting::TrainingJobName,
                    to: "a training job that exists",
                    else_: None,
                    within: None,
                })
            },
            leftover: None,
        }),
        request: "DescribeTrainingJob of a job that does not exist, or of `PROBE_TRAINING_JOB_NAME`",
        harmless: "it only reads",
        side_effect: "none; free",
        proofs: &[Proof::error("ValidationException", "requested resource not found").missing(), Proof::success("200")],
        dependent_actions: &[],
    },
    send: SendOn::TrainingJob(|session, job| Box::pin(run(session, job))),
};

async fn run(session: &Session, job: &TrainingJob) -> Answer {
    let request = session.clients.sagemaker.describe_training_job();
    let named_job = job.name.as_ref();
    let request = request.training_job_name(named_job.cloned().unwrap_or_else(|| session.names.absent_name()));
    let answer = read(request.send().await, |described| {
        if has_arn(described.training_job_arn()) { "200" } else { "200 without a training job" }
    });
    if named_job.is_some() { answer.form("the configured training job").configured() } else { answer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{
        Request, check, json, json_error, request_of, specification, specification_with, summary, try_probe,
    };

    #[tokio::test]
    async fn describes_a_job_that_does_not_exist() {
        let request = request_of(&PROBE, specification()).await;
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
        let named = || specification_with(&[("PROBE_TRAINING_JOB_NAME", "train-1")]);
        let (requests, outcome, _) = try_probe(&PROBE, named(), |_| json("{\"TrainingJobArn\": \"arn\"}")).await;
        assert_eq!(requests[0].json(), serde_json::json!({"TrainingJobName": "train-1"}));
        assert_eq!(summary(&outcome), "allowed 200 documented");
        let missing = |_: &Request| json_error("ValidationException", "Requested resource not found.");
        let (_, outcome, _) = try_probe(&PROBE, named(), missing).await;
        assert_eq!(summary(&outcome), "allowed ValidationException inferred, resource missing");
    }
}
