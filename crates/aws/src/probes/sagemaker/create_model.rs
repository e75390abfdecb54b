//! `sagemaker:CreateModel`: a model under a role that does not exist.
//!
//! Where AWS denies `iam:PassRole`, that is taken to show that it has allowed
//! this action before; but a sibling service seems to look at `iam:PassRole`
//! first. So the model is asked for once more, without a role: a denial of this
//! action then refutes it.

use permissions_core::answer::{Answer, Leftover, Reply};
use permissions_core::judge::{Judgment, judge_as};
use permissions_core::place::Place;
use permissions_core::probe::{About, Better, On, ProbeInfo};
use permissions_core::proof::{Proof, Warning};

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::session::Session;
use crate::time_left::ask_further;
use aws_sdk_sagemaker::types::ContainerDefinition;

use crate::probes::sagemaker::{
    IMAGE_NOT_FOUND, REPOSITORY_DENIED, REPOSITORY_MISSING, ROLE_INVALID, ROLE_NOT_ASSUMED, has_arn,
};

/// A model in spite of everything: a record that costs nothing.
pub(in crate::probes) const MODEL_CREATED: Proof = Proof::success("200").warn(Warning::SideEffect);

/// What a policy's condition can look at.
pub(in crate::probes) const REQUEST_CONTEXT: &str = "no VPC configuration, no network isolation and no tags";

/// What it can leave behind.
pub(in crate::probes) const SIDE_EFFECT: &str = "none, or one model record, free: in 2020 SageMaker took an image that does not \
                                                 exist (aws/sagemaker-python-sdk#1835)";

const ACTION: &str = "sagemaker:CreateModel";

const PROOFS: &[Proof] = &[
    Proof::error("ValidationException", "requested image … not found"),
    Proof::error("ValidationException", "cannot pull"),
    Proof::error("ValidationException", "does not grant ecr:"),
    Proof::error("ValidationException", "ecr image … is invalid"),
    Proof::error("ValidationException", "could not access model data"),
    Proof::error("ValidationException", "could not find model data"),
    REPOSITORY_MISSING,
    IMAGE_NOT_FOUND,
    REPOSITORY_DENIED,
    ROLE_NOT_ASSUMED,
    ROLE_INVALID,
    Proof::error("ValidationException", "cannot create already existing model").warn(Warning::SideEffect),
    Proof::error("ResourceLimitExceeded", ""),
    MODEL_CREATED,
];

const DEPENDENT_ACTIONS: &[&str] = &["iam:PassRole"];

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: ACTION,
        on: On::Account(About {
            resources: |_, place| vec![place.arn("sagemaker", "model/*")],
            request_context: |_| REQUEST_CONTEXT.to_owned(),
            better: |_| Some(Better::NoneKnown),
            leftover: Some(|_, place| model(place)),
        }),
        request: "CreateModel under a role, and of an image, that do not exist; where iam:PassRole is denied, again without a role",
        harmless: "SageMaker refuses a model whose role and image do not exist",
        side_effect: SIDE_EFFECT,
        // The same as those of `iam:PassRole`, where the role's trust is a matter of its own.
        proofs: PROOFS,
        dependent_actions: DEPENDENT_ACTIONS,
    },
    send: SendOn::Account(|session| Box::pin(run(session))),
};

async fn run(session: &Session) -> Answer {
    let account = match session.account().await {
        Ok(account) => account,
        Err(unknown) => return *unknown,
    };
    let answer = create(session, &account, Some(&session.place().absent_role_arn(&account))).await;
    let passing = |answer: &Answer| answer.denial().is_some_and(|it| it.action.eq_ignore_ascii_case("iam:PassRole"));
    if !passing(&answer) {
        return answer;
    }
    let mut again = ask_further(create(session, &account, None)).await;
    // What was lost can have been carried out: whether it was, another request tells.
    if again.as_ref().is_some_and(|again| matches!(again.reply, Reply::None { .. })) {
        again = ask_further(create(session, &account, None)).await;
    }
    let Some(again) = again.filter(|again| !matches!(again.reply, Reply::None { .. })) else {
        return answer.form("under a role that does not exist; without one, AWS gave no answer");
    };
    let settles = match judge_as(&again, ACTION, PROOFS, DEPENDENT_ACTIONS) {
        Judgment::Denied { .. } => true,
        // A model that was made, now or by an attempt whose answer was lost, is reported.
        Judgment::Allowed { warning, .. } => warning == Some(Warning::SideEffect),
        Judgment::Inconclusive { .. } => false,
    };
    if settles {
        return again.form("without a role");
    }
    answer.form("under a role that does not exist, and then without one")
}

/// Asks for a model of an absent image, under a role.
pub(in crate::probes) async fn create(session: &Session, account: &str, role_arn: Option<&str>) -> Answer {
    let container = ContainerDefinition::builder().image(session.place().absent_image(account)).build();
    let request = session.clients.sagemaker.create_model().model_name(session.names.record_name());
    let request = request.set_execution_role_arn(role_arn.map(str::to_owned));
    let result = request.primary_container(container).send().await;
    read(result, |model| if has_arn(model.model_arn()) { "200" } else { "200 without a model" })
}

/// The record that is there, should AWS carry the request out.
pub(in crate::probes) fn model(place: &Place) -> Leftover {
    let name = place.names.record_name();
    Leftover {
        what: format!("the model {name}"),
        command: Some(format!("aws sagemaker delete-model --region={} --model-name={name}", place.region)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::harness::{
        Act, RECORD, Request, Stub, check, check_of, denial, json, json_error, request_of, specification, summary,
        try_probe,
    };
    use crate::probe::make_check;

    #[tokio::test]
    async fn names_a_role_and_an_image_that_do_not_exist() {
        let request = request_of(&PROBE, specification()).await;
        assert_eq!(request.target(), "SageMaker.CreateModel");
        let name = "permissions-probe-0123456789abcdef";
        assert_eq!(
            request.json(),
            serde_json::json!({
                "ModelName": RECORD,
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

    #[tokio::test]
    async fn without_a_role_a_denial_of_the_action_refutes_what_pass_role_seemed_to_show() {
        let not_found = || json_error("ValidationException", "Requested image x not found.");
        let behind = "allowed AccessDeniedException inferred, behind it iam:PassRole";
        for (second, expected, form) in [
            (
                denial("sagemaker:CreateModel", "sagemaker:CreateModel"),
                "denied implicitDeny, identity-based policy",
                "without a role",
            ),
            (json("{\"ModelArn\": \"arn\"}"), "allowed 200 documented, side effect", "without a role"),
            (not_found(), behind, "under a role that does not exist, and then without one"),
            (Vec::new(), behind, "under a role that does not exist; without one, AWS gave no answer"),
            (json("{}"), behind, "under a role that does not exist, and then without one"),
        ] {
            let answer = move |request: &Request| match request.json().get("ExecutionRoleArn") {
                Some(_) => denial("iam:PassRole", "sagemaker:CreateModel"),
                None => second.clone(),
            };
            let (requests, outcome, _) = try_probe(&PROBE, specification(), answer).await;
            assert_eq!((summary(&outcome).as_str(), outcome.answer.form.as_deref()), (expected, Some(form)));
            assert_eq!(requests[0].json()["ModelName"], requests[1].json()["ModelName"], "one record at the most");
        }
        // The model is made, the answer is lost, and the SDK asks again.
        let asked = AtomicUsize::new(0);
        let (_, outcome, _) = try_probe(&PROBE, specification(), move |request| {
            match (request.json().get("ExecutionRoleArn"), asked.fetch_add(1, Ordering::SeqCst)) {
                (Some(_), _) => denial("iam:PassRole", "sagemaker:CreateModel"),
                (None, 1) => Vec::new(),
                (None, _) => json_error("ValidationException", "Cannot create already existing model x."),
            }
        })
        .await;
        assert_eq!(summary(&outcome), "allowed ValidationException inferred, side effect");
        let (requests, ..) = try_probe(&PROBE, specification(), move |_| not_found()).await;
        assert_eq!(requests.len(), 1, "it is asked again only after a denial of iam:PassRole");
    }

    #[tokio::test]
    async fn a_second_request_that_stalls_takes_nothing_back() {
        let stub = Stub::start(|request: &Request| match request.json().get("ExecutionRoleArn") {
            Some(_) => denial("iam:PassRole", "sagemaker:CreateModel").into(),
            None => Act::Stall(Vec::new(), Duration::from_secs(3)),
        });
        let session = Arc::new(stub.session(specification()));
        let check = check_of(ACTION, &specification());
        let outcome = make_check(check, PROBE.send, session, Duration::from_millis(500)).await;
        assert_eq!(summary(&outcome), "allowed AccessDeniedException inferred, behind it iam:PassRole");
        let form = outcome.answer.form.as_deref().unwrap();
        assert!(form.ends_with("without one, AWS gave no answer"), "{form}");
    }
}
