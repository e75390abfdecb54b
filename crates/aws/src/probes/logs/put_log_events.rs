//! `logs:PutLogEvents`: one event that is too old to be stored.
//!
//! CloudWatch Logs accepts the call and rejects every event that is older than
//! 14 days, or than the group's retention (CloudWatch Logs API Reference,
//! `PutLogEvents`).

use permissions_core::answer::{Answer, NoAnswer};
use permissions_core::probe::{About, On, ProbeInfo};
use permissions_core::proof::Proof;
use permissions_core::specification::LogStream;

use crate::answer::read;
use crate::probe::{Probe, SendOn};
use crate::session::Session;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_cloudwatchlogs::types::InputLogEvent;

use crate::probes::logs::stream;

/// Older than CloudWatch Logs takes, by more than a year: no clock is that far off.
const AGE: Duration = Duration::from_hours(400 * 24);

pub(in crate::probes) const PROBE: Probe = Probe {
    info: ProbeInfo {
        action: "logs:PutLogEvents",
        on: On::LogStream(About {
            resources: |log, place| vec![place.log_group_contents_arn(log)],
            request_context: |_| "no parameters".to_owned(),
            better: |_| None,
            leftover: None,
        }),
        request: "PutLogEvents of one event that is 400 days old, to the function's own log stream",
        harmless: "CloudWatch Logs stores no event that is older than 14 days",
        side_effect: "none; free",
        proofs: &[
            Proof::success("200 rejectedLogEventsInfo"),
            Proof::error("ResourceNotFoundException", ""),
            Proof::error("DataAlreadyAcceptedException", ""),
            Proof::error("InvalidSequenceTokenException", ""),
        ],
        dependent_actions: &[],
    },
    send: SendOn::LogStream(|session, log| Box::pin(run(session, log))),
};

async fn run(session: &Session, log: &LogStream) -> Answer {
    let (group, stream) = match stream(session, log) {
        Ok(names) => names,
        Err(unknown) => return *unknown,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let timestamp = i64::try_from(now.saturating_sub(AGE).as_millis()).unwrap_or_default();
    let event = match InputLogEvent::builder().message("permissions-probe").timestamp(timestamp).build() {
        Ok(event) => event,
        Err(error) => return Answer::none(NoAnswer::NotSent, error.to_string()),
    };
    let request = session.clients.logs.put_log_events().log_group_name(group).log_stream_name(stream);
    read(request.log_events(event).send().await, |output| {
        let rejected = output.rejected_log_events_info().is_some_and(|info| {
            info.too_old_log_event_end_index().is_some() || info.expired_log_event_end_index().is_some()
        });
        if rejected { "200 rejectedLogEventsInfo" } else { "200 without rejectedLogEventsInfo" }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{check, json, json_error, request_of, specification};
    use crate::probes::logs::without_names;

    #[tokio::test]
    async fn sends_one_event_that_is_too_old() {
        let request = request_of(&PROBE, specification()).await;
        assert_eq!(request.target(), "Logs_20140328.PutLogEvents");
        let body = request.json();
        assert_eq!(body["logGroupName"], "/aws/lambda/permissions-probe");
        assert_eq!(body["logStreamName"], "2026/01/01/[$LATEST]abc");
        let events = body["logEvents"].as_array().unwrap();
        assert_eq!((events.len(), &events[0]["message"]), (1, &serde_json::json!("permissions-probe")));
        let sent = Duration::from_millis(events[0]["timestamp"].as_u64().unwrap());
        let age = SystemTime::now().duration_since(UNIX_EPOCH + sent).unwrap();
        assert_eq!(age.as_secs() / 86_400, 400);
        without_names(&PROBE).await;
    }

    #[tokio::test]
    async fn reads_the_answers() {
        check(
            &PROBE,
            vec![
                (
                    json("{\"rejectedLogEventsInfo\": {\"tooOldLogEventEndIndex\": 1}}"),
                    "allowed 200 rejectedLogEventsInfo documented",
                ),
                (
                    json("{\"rejectedLogEventsInfo\": {\"expiredLogEventEndIndex\": 1}}"),
                    "allowed 200 rejectedLogEventsInfo documented",
                ),
                (json("{}"), "inconclusive unrecognized"),
                (
                    json_error("ResourceNotFoundException", "The specified log stream does not exist."),
                    "allowed ResourceNotFoundException observed",
                ),
                (json_error("InvalidParameterException", "Log events in a single …"), "inconclusive requestRefused"),
            ],
        )
        .await;
    }
}
