//! The user agent of the requests, made once for each service.
//!
//! The SDK makes it anew for every request, which is a twentieth of what a warm
//! run computes (docs/performance.md). These headers have its words, without
//! those that change: the numbers of the SDK's features, and the HTTP client's
//! name.

use aws_runtime::user_agent::{ApiMetadata, AwsUserAgent, UserAgentInterceptor};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, disable_interceptor, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_types::app_name::AppName;
use aws_types::os_shim_internal::Env;

/// Puts the user agent into the requests of a service, in place of the SDK's interceptor.
#[derive(Debug)]
pub(crate) struct UserAgent {
    /// What CloudTrail records.
    agent: String,
    /// The same in the words of `x-amz-user-agent`.
    amz: String,
}

impl UserAgent {
    pub(crate) fn new(service: &'static str, version: &'static str, app: Option<&AppName>) -> Self {
        let mut agent = AwsUserAgent::new_from_environment(Env::real(), ApiMetadata::new(service, version));
        if let Some(app) = app {
            agent.set_app_name(app.clone());
        }
        Self { agent: agent.ua_header(), amz: agent.aws_ua_header() }
    }
}

#[dyn_dispatch_hint]
impl Intercept for UserAgent {
    fn name(&self) -> &'static str {
        "UserAgent"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config
            .interceptor_state()
            .store_put(disable_interceptor::<UserAgentInterceptor>("it is made once for each service"));
        Ok(())
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        headers.try_insert("user-agent", self.agent.clone())?;
        headers.try_insert("x-amz-user-agent", self.amz.clone())?;
        Ok(())
    }
}
