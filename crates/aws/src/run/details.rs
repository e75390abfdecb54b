//! AWS's own account of a denial: the policies and the statements that matched.
//!
//! A denial can carry an authorization id, for which AWS keeps the account for
//! at least 24 hours (IAM User Guide, "Troubleshoot access denied errors with
//! authorization ID", a preview). The role needs
//! `iam:GetRequestAuthorizationDetails` to ask for it, so this is done only
//! where the configuration says so, and what goes wrong costs only a note.

use std::time::Duration;

use permissions_core::finding::Finding;

use crate::session::Session;

/// Adds AWS's own account to the denials, where that is asked for.
#[cfg(feature = "authorization-details")]
pub(crate) async fn explain(findings: &mut [Finding], session: &Session, limit: Duration) {
    if session.settings.authorization_details {
        asking::ask_all(findings, &session.clients.iam_toolbox, limit).await;
    }
}

/// Says so, where this build cannot do what is asked for.
#[cfg(not(feature = "authorization-details"))]
pub(crate) async fn explain(findings: &mut [Finding], session: &Session, _: Duration) {
    let denials = findings.iter_mut().filter_map(|finding| finding.denial.as_mut());
    for denial in denials.filter(|denial| session.settings.authorization_details && denial.authorization_id.is_some()) {
        let why = "this build lacks the feature authorization-details";
        denial.details = Some(permissions_core::finding::Details::without(why));
    }
    std::future::ready(()).await;
}

#[cfg(feature = "authorization-details")]
mod asking {
    use std::time::Duration;

    use aws_sdk_iamtoolbox::Client;
    use aws_sdk_iamtoolbox::operation::get_request_authorization_details::GetRequestAuthorizationDetailsOutput;
    use aws_sdk_iamtoolbox::types::Evaluation;
    use aws_sdk_sts::operation::RequestId;
    use permissions_core::answer::Reply;
    use permissions_core::finding::{DenialFound, Details, Finding, MatchedStatement};
    use permissions_core::text::Text;

    use crate::answer::read;

    /// Asks about every denial that has an id, all at once and within the limit.
    pub(super) async fn ask_all(findings: &mut [Finding], client: &Client, limit: Duration) {
        let id_of = |denial: &DenialFound| denial.authorization_id.as_ref().map(|id| id.raw().to_owned());
        let ids = findings.iter().map(|finding| finding.denial.as_ref().and_then(id_of));
        let tasks: Vec<_> = ids.map(|id| id.map(|id| tokio::spawn(ask(client.clone(), id, limit)))).collect();
        for (finding, task) in findings.iter_mut().zip(tasks) {
            if let (Some(denial), Some(task)) = (finding.denial.as_mut(), task) {
                denial.details = Some(task.await.unwrap_or_else(|error| Details::without(&error.to_string())));
            }
        }
    }

    async fn ask(client: Client, id: String, limit: Duration) -> Details {
        let request = client.get_request_authorization_details().authorization_id(id).send();
        match tokio::time::timeout(limit, request).await {
            Err(_) => Details::without(&format!("AWS did not answer within {} ms", limit.as_millis())),
            Ok(Ok(output)) if output.request_id().is_some() => details_of(&output),
            Ok(Ok(_)) => Details::without("the answer carries no AWS request id"),
            Ok(Err(error)) => {
                let answer = read::<GetRequestAuthorizationDetailsOutput, _>(Err(error), |_| "");
                let message = match &answer.reply {
                    Reply::None { detail, .. } => detail.as_str(),
                    _ => answer.message().unwrap_or("no message"),
                };
                Details::without(&format!("{}: {}", answer.code().unwrap_or("no code"), message))
            }
        }
    }

    fn details_of(output: &GetRequestAuthorizationDetailsOutput) -> Details {
        let matched = output.evaluations().iter().flat_map(Evaluation::matched_policies).flat_map(|policy| {
            let info = output.policies().iter().find(|info| info.uri() == Some(policy.uri()));
            policy.matched_statements().iter().map(move |statement| MatchedStatement {
                policy: policy.uri().into(),
                policy_type: info.and_then(|info| info.r#type()).map(|policy_type| policy_type.as_str().into()),
                attached_to: info
                    .map(|info| info.attached_to().iter().filter_map(|to| to.arn().map(Text::from)).collect())
                    .unwrap_or_default(),
                sid: statement.sid().map(Text::from),
                effect: statement.evaluated_effect().map(|effect| effect.as_str().into()),
            })
        });
        Details { matched: matched.collect(), note: None }
    }
}
