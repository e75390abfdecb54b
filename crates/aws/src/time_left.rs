//! For how long a probe may wait for more than it knows already.

use std::future::Future;
use std::time::{Duration, Instant};

use permissions_core::answer::Answer;

tokio::task_local! {
    static ENDS: Instant;
}

/// Runs a probe that may wait for more than it knows already until then.
pub(crate) async fn wait_until<T>(ends: Instant, probe: impl Future<Output = T>) -> T {
    ENDS.scope(ends, probe).await
}

/// The time that a probe has left for more than it knows already.
pub(crate) fn time_left() -> Duration {
    ENDS.try_with(|ends| ends.saturating_duration_since(Instant::now())).unwrap_or(Duration::MAX)
}

/// What a further request is answered: `None` where its answer does not come in
/// time, so that it cannot cost what an earlier one has told.
pub(crate) async fn ask_further(request: impl Future<Output = Answer>) -> Option<Answer> {
    tokio::time::timeout(time_left(), request).await.ok()
}
