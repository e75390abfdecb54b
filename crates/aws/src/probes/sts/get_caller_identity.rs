//! The control: `sts:GetCallerIdentity`.
//!
//! It needs no permission and works even under an explicit deny (STS API
//! Reference, `GetCallerIdentity`), so what it tells is whether the
//! credentials, the clock and the network are sound, and who is calling.

use permissions_core::answer::Answer;
use permissions_core::iam::names::is_account;
use permissions_core::principal::Principal;
use permissions_core::probe::{About, On, ProbeInfo};
use permissions_core::proof::Proof;

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::session::Session;

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "sts:GetCallerIdentity",
        on: On::Account(About {
            resources: |_, _| vec!["*".to_owned()],
            request_context: |_| "no parameters".to_owned(),
            better: |_| None,
            leftover: None,
        }),
        request: "GetCallerIdentity",
        harmless: "it reads who is calling and nothing else",
        side_effect: "none; free",
        proofs: &[Proof::success("200")],
        dependent_actions: &[],
    },
    send: SendOn::Account(|session| Box::pin(run(session))),
};

async fn run(session: &Session) -> Answer {
    let result = session.clients.sts.get_caller_identity().send().await;
    let principal = result.as_ref().ok().and_then(|identity| {
        let account = identity.account().filter(|account| is_account(account))?;
        Some(Principal { arn: identity.arn()?.to_owned(), account: account.to_owned() })
    });
    let name = if principal.is_some() { "200" } else { "200 without an identity" };
    let answer = read(result, |_| name);
    // An identity in an answer that is not from AWS is not kept.
    session.keep_principal(principal.filter(|_| answer.request_id.is_some()));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{check, request_of, response, specification, try_probe};

    fn identity(arn: &str) -> Vec<u8> {
        response(
            200,
            "text/xml",
            &format!(
                "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
                 <Arn>{arn}</Arn><UserId>AROA:probe</UserId><Account>123456789012</Account></GetCallerIdentityResult>\
                 <ResponseMetadata><RequestId>REQUEST-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
            ),
        )
    }

    #[tokio::test]
    async fn asks_who_is_calling() {
        let request = request_of(&PROBE, specification()).await;
        assert_eq!(request.method, "POST");
        assert_eq!(String::from_utf8(request.body).unwrap(), "Action=GetCallerIdentity&Version=2011-06-15");
    }

    #[tokio::test]
    async fn learns_the_principal() {
        let arn = "arn:aws:sts::123456789012:assumed-role/lambda-ml-pipeline-role/probe";
        let (_, _, principal) = try_probe(&PROBE, specification(), move |_| identity(arn)).await;
        let principal = principal.unwrap();
        assert_eq!((principal.account.as_str(), principal.role()), ("123456789012", Some("lambda-ml-pipeline-role")));

        let foreign = String::from_utf8(identity(arn)).unwrap().replace("x-amzn-requestid", "x-request");
        let (_, _, nobody) = try_probe(&PROBE, specification(), move |_| foreign.clone().into_bytes()).await;
        assert_eq!(nobody, None, "an answer without AWS's request id names nobody");

        let (_, _, user) = try_probe(&PROBE, specification(), |_| identity("arn:aws:iam::123456789012:user/u")).await;
        assert_eq!(user.unwrap().role(), None);
    }

    #[tokio::test]
    async fn reads_the_answers() {
        let expired = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                       <Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message>\
                       </Error><RequestId>REQUEST-1</RequestId></ErrorResponse>";
        check(
            &PROBE,
            vec![
                (identity("arn:aws:iam::123456789012:root"), "allowed 200 documented"),
                (response(403, "text/xml", expired), "inconclusive credentials"),
                (response(200, "text/html", "<html>Sign in to the network</html>"), "inconclusive unrecognized"),
            ],
        )
        .await;
    }
}
