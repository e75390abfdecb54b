//! AWS's own account of a denial: the policies and the statements that matched.
//!
//! A denial can carry an authorization id, for which AWS keeps the account for
//! at least 24 hours (IAM User Guide, "Troubleshoot access denied errors with
//! authorization ID", a preview). The role needs
//! `iam:GetRequestAuthorizationDetails` to ask for it, so this is done only
//! where the configuration says so, and what goes wrong costs only a note.

use std::time::Duration;

use aws_sdk_iamtoolbox::Client;
use aws_sdk_iamtoolbox::operation::get_request_authorization_details::GetRequestAuthorizationDetailsOutput;
use aws_sdk_iamtoolbox::types::Evaluation;
use aws_sdk_sts::operation::RequestId;

use crate::answer::{Answer, Reply};
use crate::report::{Details, MatchedStatement, Row};

/// Asks about every denial that has an id, all at once and within the limit.
pub async fn add(rows: &mut [Row], client: &Client, limit: Duration) {
    let ids = rows.iter().map(|row| row.denial.as_ref().and_then(|denial| denial.authorization_id.clone()));
    let tasks: Vec<_> = ids.map(|id| id.map(|id| tokio::spawn(ask(client.clone(), id, limit)))).collect();
    for (row, task) in rows.iter_mut().zip(tasks) {
        if let (Some(denial), Some(task)) = (row.denial.as_mut(), task) {
            denial.details = Some(task.await.unwrap_or_else(|error| Details::without(&error.to_string())));
        }
    }
}

async fn ask(client: Client, id: String, limit: Duration) -> Details {
    let request = client.get_request_authorization_details().authorization_id(id).send();
    match tokio::time::timeout(limit, request).await {
        Err(_) => Details::without(&format!("AWS did not answer within {} ms", limit.as_millis())),
        Ok(Ok(output)) if output.request_id().is_some() => of(&output),
        Ok(Ok(_)) => Details::without("the answer carries no AWS request id"),
        Ok(Err(error)) => {
            let answer = Answer::read::<GetRequestAuthorizationDetailsOutput, _>(Err(error), |_| "");
            let message = match &answer.reply {
                Reply::Nothing { detail, .. } => detail.as_str(),
                _ => answer.message().unwrap_or("no message"),
            };
            Details::without(&format!("{}: {}", answer.code().unwrap_or("no code"), message))
        }
    }
}

fn of(output: &GetRequestAuthorizationDetailsOutput) -> Details {
    let matched = output.evaluations().iter().flat_map(Evaluation::matched_policies).flat_map(|policy| {
        let info = output.policies().iter().find(|info| info.uri() == Some(policy.uri()));
        policy.matched_statements().iter().map(move |statement| MatchedStatement {
            policy: policy.uri().to_owned(),
            policy_type: info.and_then(|info| info.r#type()).map(|policy_type| policy_type.as_str().to_owned()),
            attached_to: info
                .map(|info| info.attached_to().iter().filter_map(|to| to.arn().map(str::to_owned)).collect())
                .unwrap_or_default(),
            sid: statement.sid().map(str::to_owned),
            effect: statement.evaluated_effect().map(|effect| effect.as_str().to_owned()),
        })
    });
    Details { matched: matched.collect(), note: None }
}
