//! A deployment that waits: it is answered whatever becomes of the run.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use lambda_runtime::Context;
use permissions_aws::run::{self, MAX_INVOCATION};
use permissions_core::event::Event;
use permissions_core::problem::Problem;
use permissions_core::report::json::{self, millis};
use permissions_core::text::Rendering;
use tokio::time::timeout;
use tracing::level_filters::LevelFilter;

use crate::function::{App, Invoker};
use crate::gate::{Gate, GateDecision};
use crate::response::{Checked, Response, TEXT};
use crate::telemetry;

impl App {
    /// Answers a deployment, and then the invocation.
    pub(super) async fn answer(&self, gate: &Gate, context: &Context) -> Response {
        let (decision, checked) = self.decide(gate, context).await;
        // With the gate, the stack's log group can be gone, and a line would make Lambda create it again.
        if !gate.is_deleted() {
            telemetry::log_gate(gate.name(), decision.passes, &decision.reason, &context.request_id);
        }
        let answered = gate.answer(&decision, &self.connections, &self.sdk);
        let heard = timeout(time_of(context), answered).await.unwrap_or_else(|_| {
            Err(Problem::new(gate.name(), None, "that it takes the answer within the function's time"))
        });
        let Err(problem) = heard else {
            return match checked {
                Some(checked) => checked.response(),
                None if decision.passes => Response::of_text(TEXT, decision.reason, None),
                None => {
                    let status = if gate.decision_without_check().is_some() { 400 } else { 500 };
                    let problem =
                        Problem::new("check", Some(decision.reason.into()), "that it runs, and runs to its end");
                    self.refuse(status, vec![problem], Invoker::Gate, context).response()
                }
            };
        };
        // What the deployment has not heard, whoever reads this does.
        let Some(mut checked) = checked else {
            let checked = self.refused(502, vec![problem], context);
            return if gate.is_deleted() { checked } else { self.logged(checked) }.response();
        };
        let problem = json::Problem::render(&problem, &mut Rendering::new(self.masks()));
        telemetry::log_problems(std::slice::from_ref(&problem), &context.request_id);
        checked.rendered.json.add_problem(problem);
        Checked { refused: Some(502), ..checked }.response()
    }

    /// What a deployment is told, and what came of the check, if there was one.
    async fn decide(&self, gate: &Gate, context: &Context) -> (GateDecision, Option<Checked>) {
        if let Some(decision) = gate.decision_without_check() {
            let reason = Rendering::new(self.masks()).text(&decision.reason.into());
            return (GateDecision { reason, ..decision }, None);
        }
        // The check ends in time of itself; should it not, it is ended.
        let left = time_of(context);
        let reserve = (left / 3).min(RESERVE);
        let mut own = context.clone();
        own.deadline = own.deadline.saturating_sub(millis(reserve));
        let event = Event(Ok(gate.event()));
        match timeout(left.saturating_sub(reserve / 2), caught(self.check(&event, Invoker::Gate, &own))).await {
            Ok(Some(checked)) => (GateDecision::new(&checked.rendered, LevelFilter::current()), Some(checked)),
            Ok(None) => (GateDecision::failed("The check broke: a defect of this program, please report it."), None),
            Err(_) => (GateDecision::failed("The check did not end within the function's time."), None),
        }
    }
}

/// The most of an invocation's time that is kept for the answer to a deployment.
const RESERVE: Duration = Duration::from_secs(10);

/// How much time an invocation has left, as far as that is known.
fn time_of(context: &Context) -> Duration {
    run::limit(MAX_INVOCATION, context.deadline, SystemTime::now())
}

/// What a future comes to; nothing, where it panics.
async fn caught<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    // It is not polled again after it has panicked.
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::caught;

    #[tokio::test]
    async fn a_panic_is_caught_wherever_it_comes() {
        assert_eq!(caught(async { 7 }).await, Some(7));
        assert_eq!(caught(async { panic!("at once") }).await, None::<()>);
        let later = async {
            tokio::task::yield_now().await;
            panic!("later")
        };
        assert_eq!(caught(later).await, None::<()>);
    }
}
