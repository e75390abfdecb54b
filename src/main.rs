//! Start-up.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use permissions_aws::http_client::Connections;
use permissions_core::event::Event;
use permissions_probe::config::{Config, Logging, environment, trust_store};
use permissions_probe::function::{App, sdk};
use permissions_probe::telemetry;

/// With the allocator of the GNU C library, allocation is a quarter of what a
/// warm run computes; with this one, a fourteenth (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One thread is all that the smallest function has.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if environment("AWS_LAMBDA_RUNTIME_API").is_none() {
        return Err("this program is a Lambda function and was started outside of Lambda; \
                    `cargo lambda watch` runs it on this machine, and ./dev demo does so with an account to check"
            .into());
    }
    telemetry::init(Logging::from_env(environment));
    let config = Config::from_env(environment);
    let connections = Connections::new(&trust_store(environment));
    let app = Arc::new(App::new(config, sdk(&connections).await, connections));
    app.preconnect().await;
    // Several invocations at a time, where Lambda Managed Instances ask for it; else one.
    lambda_runtime::run_concurrent(service_fn(move |event: LambdaEvent<Event>| {
        let app = app.clone();
        async move { Ok::<_, Error>(app.handle(event).await) }
    }))
    .await
}
