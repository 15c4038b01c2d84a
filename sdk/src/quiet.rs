//! Calls without what AWS gathers for its statistics.

use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::service_clock_skew::ServiceClockSkewInterceptor;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, disable_interceptor};
use aws_smithy_types::config_bag::ConfigBag;

/// An interceptor that turns off four of the SDK's own: two user agents, the call's id and number, and the clock's
/// skew, which only the number needs. No service asks for them, and to make them alone took a sixteenth of a turn's
/// instructions.
#[derive(Debug)]
pub struct Quiet;

impl Intercept for Quiet {
    fn name(&self) -> &'static str {
        "Quiet"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        const WHY: &str = "nobody reads it";
        config
            .interceptor_state()
            .store_put(disable_interceptor::<UserAgentInterceptor>(WHY))
            .store_put(disable_interceptor::<InvocationIdInterceptor>(WHY))
            .store_put(disable_interceptor::<RequestInfoInterceptor>(WHY))
            .store_put(disable_interceptor::<ServiceClockSkewInterceptor>(WHY));
        Ok(())
    }
}
