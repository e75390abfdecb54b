//! Start-up.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use permissions_probe::config::{Config, Logging, environment};
use permissions_probe::handler::App;
use permissions_probe::request::Event;
use permissions_probe::telemetry;

/// One thread is all that the smallest function has.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if environment("AWS_LAMBDA_RUNTIME_API").is_none() {
        return Err("this program is a Lambda function and was started outside of Lambda; \
                    `cargo lambda watch` runs it on this machine, and ./local/demo does so with an account to check"
            .into());
    }
    telemetry::init(Logging::from_env(environment));
    let app = &App::new(Config::from_env(environment), &permissions_probe::handler::sdk().await);
    lambda_runtime::run(service_fn(
        move |event: LambdaEvent<Event>| async move { Ok::<_, Error>(app.handle(event).await) },
    ))
    .await
}
