//! Asks SageMaker for a model under its own role, of which it is told how far it comes ([`permissions_core::form::ladder`]).

use aws_sdk_sagemaker::types::ContainerDefinition;
use permissions_core::answer::{Answer, NoAnswer, Reply};
use permissions_core::form::ladder::{NOT_ASSUMED, NOT_PULLED, NOT_READ, PULL, PULL_ACTIONS, READ_ACTIONS};
use permissions_core::specification::Resource;

use crate::answer::read;
use crate::session::Session;

/// Asks for a model whose artifact does not exist.
pub async fn send(session: &Session, resource: &Resource) -> Answer {
    let name = |hole: &str| resource.name(hole).unwrap_or_default().to_owned();
    // Behind the folder of the pipeline's own artifact, so that the role's grant takes it in.
    let data = name("model_data");
    let folder = data.rsplit_once('/').map_or(data.as_str(), |(folder, _)| folder);
    let absent = format!("{folder}/{}.tar.gz", session.names.absent_name());
    let container = ContainerDefinition::builder().image(name("image")).model_data_url(absent).build();
    let request = session.clients.sagemaker.create_model().model_name(session.names.record_name());
    let result = request.execution_role_arn(name("role")).primary_container(container).send().await;
    let answer = read(result, |_| "200 of a model whose artifact does not exist");
    // Nothing is told of a role that SageMaker cannot assume.
    let is_not_assumed = answer.code() == Some("ValidationException")
        && NOT_ASSUMED.iter().any(|text| text.split(" … ").all(|part| lower(&answer).contains(part)));
    if is_not_assumed {
        let detail = answer.message().unwrap_or_default().to_owned();
        return Answer { reply: Reply::None { why: NoAnswer::NotAssumed, detail }, ..answer };
    }
    let says = |texts: &[&str]| {
        let message = lower(&answer);
        answer.code() == Some("ValidationException") && texts.iter().any(|text| message.contains(text))
    };
    let candidates = match resource.action {
        PULL if says(NOT_PULLED) => PULL_ACTIONS,
        PULL => &[],
        _ if says(NOT_READ) => READ_ACTIONS,
        _ => &[],
    };
    Answer { candidates, ..answer }
}

fn lower(answer: &Answer) -> String {
    answer.message().unwrap_or_default().to_ascii_lowercase()
}
