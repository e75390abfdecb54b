//! `logs:CreateLogStream`: the function's own log stream.
//!
//! Lambda makes the stream when it delivers the first line of a cold start, a
//! moment that this probe can be ahead of. The stream that it then makes is the
//! one that Lambda was about to make, so a success is no warning.

use permissions_core::answer::Answer;
use permissions_core::probe::{About, Better, On, ProbeInfo};
use permissions_core::proof::Proof;
use permissions_core::specification::LogStream;

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::probes::logs::{RequireEmptyBody, stream};
use crate::session::Session;

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "logs:CreateLogStream",
        on: On::LogStream(About {
            resources: |log, place| vec![place.log_group_contents_arn(log)],
            request_context: |_| "no parameters".to_owned(),
            better: |_| Some(Better::NoneKnown),
            leftover: None,
        }),
        request: "CreateLogStream of the function's own log stream",
        harmless: "the stream exists already, or Lambda is about to make it under this very name",
        side_effect: "none beyond the stream that Lambda makes for itself; free",
        proofs: &[
            Proof::error("ResourceAlreadyExistsException", ""),
            Proof::error("ResourceNotFoundException", ""),
            Proof::success("200"),
        ],
        dependent_actions: &[],
    },
    send: SendOn::LogStream(|session, log| Box::pin(run(session, log))),
};

async fn run(session: &Session, log: &LogStream) -> Answer {
    match stream(session, log) {
        Ok((group, stream)) => {
            let request = session.clients.logs.create_log_stream().log_group_name(group).log_stream_name(stream);
            read(request.customize().interceptor(RequireEmptyBody).send().await, |_| "200")
        }
        Err(unknown) => *unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{check, json, json_error, request_of, specification};
    use crate::probes::logs::without_names;

    #[tokio::test]
    async fn names_the_own_stream_or_none() {
        let request = request_of(&PROBE, specification()).await;
        assert_eq!(request.target(), "Logs_20140328.CreateLogStream");
        assert_eq!(
            request.json(),
            serde_json::json!({
                "logGroupName": "/aws/lambda/permissions-probe",
                "logStreamName": "2026/01/01/[$LATEST]abc"
            })
        );
        without_names(&PROBE).await;
    }

    #[tokio::test]
    async fn reads_the_answers() {
        check(
            &PROBE,
            vec![
                (
                    json_error("ResourceAlreadyExistsException", "The specified log stream already exists"),
                    "allowed ResourceAlreadyExistsException observed",
                ),
                (
                    json_error("ResourceNotFoundException", "The specified log group does not exist."),
                    "allowed ResourceNotFoundException observed",
                ),
                (json(""), "allowed 200 documented"),
            ],
        )
        .await;
    }
}
