//! `sts:AssumeRole` on the role to check, where that is not the function's own.
//! What it opens is the session that the other probes are then sent in.
//!
//! The guide's policy does not grant it, so it is tried only where
//! `PROBE_ASSUME_ROLE_ARN` names the role.

use permissions_core::answer::{Answer, Means};
use permissions_core::iam::actions::ASSUME_ROLE;
use permissions_core::probe::{About, On, ProbeInfo};
use permissions_core::proof::Proof;
use permissions_core::specification::Role;

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::session::Session;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sdk_sts::operation::assume_role::AssumeRoleOutput;

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "sts:AssumeRole",
        on: On::Role(About {
            resources: |role, _| vec![role.arn.clone()],
            request_context: |_| "no session policy, no tags and no external id".to_owned(),
            better: |_| None,
            leftover: None,
        }),
        request: "AssumeRole of `PROBE_ASSUME_ROLE_ARN`",
        harmless: "it opens a session, whose credentials stay in the run",
        side_effect: "a session that expires after 15 minutes; free",
        proofs: &[Proof::success("200")],
        dependent_actions: &[],
    },
    send: SendOn::Role(|session, role| Box::pin(run(session, role))),
};

/// The shortest that AWS allows (STS API Reference, `AssumeRole`). It is also
/// the longest that an invocation lasts.
const SECONDS: i32 = 900;

async fn run(session: &Session, role: &Role) -> Answer {
    let request = session.clients.sts.assume_role().role_arn(&role.arn).duration_seconds(SECONDS);
    // Named as Lambda names the function's own session, so that a filter on CloudTrail knows both (observed: the
    // principals of Lambda functions in denials). A name has two characters at least (STS API Reference, `AssumeRole`).
    let name = session.settings.session_name.as_deref().filter(|name| name.len() > 1).unwrap_or("permissions-probe");
    let own = session.specification.own.as_ref().and_then(|own| own.requests.get(ASSUME_ROLE));
    let external_id = own.and_then(|own| own.get("ExternalId")).and_then(|id| id.as_str()).map(str::to_owned);
    let result = request.role_session_name(name).set_external_id(external_id).send().await;
    let opened = result.as_ref().ok().and_then(credentials);
    let name = if opened.is_some() { "200" } else { "200 without credentials" };
    // Few denials of STS name no action (2019), and of this request they can mean no other.
    let answer = read(result, |_| name).unexplained(Means::ThisAction);
    // Credentials from who knows where are used for nothing.
    if let Some(opened) = opened.filter(|_| answer.request_id.is_some()) {
        session.keep_credentials(opened);
    }
    answer
}

fn credentials(opened: &AssumeRoleOutput) -> Option<Credentials> {
    let given = opened.credentials()?;
    let parts = [given.access_key_id(), given.secret_access_key(), given.session_token()];
    if parts.iter().any(|part| part.is_empty()) {
        return None;
    }
    let expires = SystemTime::try_from(*given.expiration()).ok();
    Some(Credentials::new(parts[0], parts[1], Some(parts[2].to_owned()), expires, "AssumeRole"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::harness::{
        Request, Stub, check, check_of, denial, error_of, request_of, response, session, specification,
    };
    use crate::probe::make_check;

    #[tokio::test]
    async fn asks_for_the_shortest_session() {
        let request = request_of(&PROBE, specification()).await;
        assert_eq!(
            String::from_utf8(request.body.clone()).unwrap(),
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2F\
             sagemaker-ml-pipeline-role&RoleSessionName=permissions-probe&DurationSeconds=900"
        );
        let stub = Stub::start(|_: &Request| response(400, "text/plain", ""));
        let mut session = stub.session(specification());
        Arc::make_mut(&mut session.settings).session_name = Some("probe-a".to_owned());
        make_check(
            check_of(PROBE.info.action, &specification()),
            PROBE.send,
            Arc::new(session),
            Duration::from_secs(5),
        )
        .await;
        let named = stub.requests().remove(0);
        assert!(String::from_utf8(named.body).unwrap().contains("&RoleSessionName=probe-a&"));
    }

    #[tokio::test]
    async fn reads_the_answers() {
        let request = request_of(&PROBE, specification()).await;
        let error = |code: &str, message: &str| error_of(&request, 400, code, message);
        let unstated = "User: arn:aws:sts::123456789012:assumed-role/lambda-ml-pipeline-role/permissions-probe is not \
                        authorized to perform: sts:AssumeRole on resource: \
                        arn:aws:iam::123456789012:role/sagemaker-ml-pipeline-role";
        check(
            &PROBE,
            vec![
                (session("AKIASESSION"), "allowed 200 documented"),
                (session(""), "inconclusive unrecognized"),
                (response(200, "text/xml", "<AssumeRoleResponse/>"), "inconclusive unrecognized"),
                (response(200, "text/html", "<html>Sign in</html>"), "inconclusive unrecognized"),
                (denial("sts:AssumeRole", "sts:AssumeRole"), "denied implicitDeny, identity-based policy"),
                (error("AccessDenied", unstated), "denied unstated"),
                (
                    error(
                        "AccessDenied",
                        &format!("{unstated} because the role trust policy allows the sts:AssumeRole action"),
                    ),
                    "denied implicitDeny, role trust policy",
                ),
                (error("AccessDenied", "Not authorized to perform sts:AssumeRole"), "denied unstated"),
                (
                    error("ExpiredToken", "The security token included in the request is expired"),
                    "inconclusive credentials",
                ),
                (
                    error("RegionDisabledException", "STS is not activated in this region"),
                    "inconclusive accountNotReady",
                ),
                (error("AccessDenied", "Access denied"), "denied"),
            ],
        )
        .await;
    }
}
