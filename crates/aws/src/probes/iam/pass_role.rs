//! `iam:PassRole` on the pipeline's SageMaker role: a model under that role, of
//! an image that does not exist. No call of IAM itself asks for this action.
//!
//! What SageMaker answers next is about the role itself: where it cannot assume
//! the role, the role's trust policy, its name or its path is wrong.
//!
//! The guide's policy does not grant it, so it is tried only where
//! `PROBE_SAGEMAKER_ROLE_ARN` names the role.

use permissions_core::answer::{Answer, NoAnswer};
use permissions_core::probe::{About, Better, On, ProbeInfo};
use permissions_core::proof::{Proof, Warning};
use permissions_core::specification::Role;

use crate::probe::{Probe, SendOn};
use crate::probes::sagemaker::create_model::{MODEL_CREATED, REQUEST_CONTEXT, SIDE_EFFECT, create, model};
use crate::probes::sagemaker::{
    IMAGE_NOT_FOUND, REPOSITORY_DENIED, REPOSITORY_MISSING, ROLE_INVALID, ROLE_NOT_ASSUMED,
};
use crate::session::Session;

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "iam:PassRole",
        on: On::Role(About {
            resources: |role, _| vec![role.arn.clone()],
            request_context: |_| REQUEST_CONTEXT.to_owned(),
            better: |_| Some(Better::NoneKnown),
            leftover: Some(|_, place| model(place)),
        }),
        request: "CreateModel under `PROBE_SAGEMAKER_ROLE_ARN`, of an image that does not exist",
        harmless: "SageMaker refuses a model whose image does not exist",
        side_effect: SIDE_EFFECT,
        proofs: &[
            Proof::error("ValidationException", "requested image … not found"),
            Proof::error("ValidationException", "cannot pull"),
            Proof::error("ValidationException", "does not grant ecr:"),
            Proof::error("ValidationException", "ecr image … is invalid"),
            Proof::error("ValidationException", "could not access model data"),
            Proof::error("ValidationException", "could not find model data"),
            REPOSITORY_MISSING,
            IMAGE_NOT_FOUND,
            REPOSITORY_DENIED,
            ROLE_NOT_ASSUMED.warn(Warning::RoleTrust),
            ROLE_INVALID.warn(Warning::RoleTrust),
            MODEL_CREATED,
        ],
        dependent_actions: &[],
    },
    send: SendOn::Role(|session, role| Box::pin(run(session, role))),
};

async fn run(session: &Session, role: &Role) -> Answer {
    let account = match session.account().await {
        Ok(account) => account,
        Err(unknown) => return *unknown,
    };
    if let Some(problem) = role.problem_of_account(&account, &role.arn) {
        return Answer::none(NoAnswer::OtherAccount, problem.describe().raw());
    }
    create(session, &account, Some(&role.arn)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{
        check, denial, json, json_error, request_of, specification, specification_with, summary, try_probe,
    };

    #[tokio::test]
    async fn passes_the_configured_role() {
        let request = request_of(&PROBE, specification()).await;
        assert_eq!(request.target(), "SageMaker.CreateModel");
        assert_eq!(request.json()["ExecutionRoleArn"], "arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role");
    }

    #[tokio::test]
    async fn a_role_of_another_account_is_not_asked_for() {
        let other = specification_with(&[
            ("PROBE_SAGEMAKER_ROLE_ARN", "arn:aws:iam::111122223333:role/r"),
            ("PROBE_ASSUME_ROLE_ARN", ""),
        ]);
        let (requests, outcome, _) = try_probe(&PROBE, other, |_| Vec::new()).await;
        assert_eq!((requests.len(), summary(&outcome).as_str()), (0, "inconclusive otherAccount"));
    }

    #[tokio::test]
    async fn reads_the_answers() {
        check(
            &PROBE,
            vec![
                (denial("iam:PassRole", "sagemaker:CreateModel"), "denied implicitDeny, identity-based policy"),
                (denial("sagemaker:CreateModel", "sagemaker:CreateModel"), "inconclusive otherActionDenied"),
                (
                    json_error("ValidationException", "Requested image 123456789012.dkr.ecr… not found."),
                    "allowed ValidationException inferred",
                ),
                (
                    json_error("ValidationException", "Could not assume role arn:aws:iam::123456789012:role/x."),
                    "allowed ValidationException inferred, role trust",
                ),
                (
                    json_error(
                        "ValidationException",
                        "The execution role ARN \"arn:aws:iam::123456789012:role/x\" is invalid. Please ensure that the role exists \
                         and that its trust relationship policy allows the action \"sts:AssumeRole\"",
                    ),
                    "allowed ValidationException inferred, role trust",
                ),
                (
                    json_error("ValidationException", "Role arn:aws:iam::123456789012:role/x cannot pull 123456789012.dkr.ecr…"),
                    "allowed ValidationException inferred",
                ),
                (
                    json_error("ValidationException", "Cannot create already existing model \"arn:aws:sagemaker:…\"."),
                    "inconclusive leftover",
                ),
                (
                    json_error("AccessDeniedException", "Cross-account pass role is not allowed."),
                    "inconclusive otherAccount",
                ),
                (json("{\"ModelArn\": \"arn\"}"), "allowed 200 documented, side effect"),
            ],
        )
        .await;
    }
}
