//! The AWS SDK as a function on Lambda needs it: configured from the environment that Lambda gives, over HTTP/1.1 and
//! rustls, its first connection opened before the first request.
//!
//! `aws_config`'s own loader looks for profiles, roles and instance metadata besides, none of which a function has:
//! a sixth of the ingress's code, and reading the system's root certificates costs more than a handshake.

mod http;
mod quiet;
mod tls;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_types::retry::{ReconnectMode, RetryConfig};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use shared::env::{self, EnvError};

pub use http::Http;
pub use quiet::Quiet;
pub use tls::client_config as tls;

/// For all clients of a process. Credentials come from `AWS_ACCESS_KEY_ID` and its like, the region from `AWS_REGION`,
/// an endpoint of one's own from `AWS_ENDPOINT_URL`, that of one service from e.g. `AWS_ENDPOINT_URL_SQS`.
///
/// # Errors
/// When there is no region.
pub fn config(http: &Http, timeouts: TimeoutConfig) -> Result<SdkConfig, EnvError> {
    let region = env::required("AWS_REGION")?;
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .http_client(http.clone())
        .sleep_impl(TokioSleep::new())
        .time_source(SystemTimeSource::new())
        // A 503 is the service's, not the connection's; of a connection that broke the transport lets go by itself.
        .retry_config(RetryConfig::standard().with_reconnect_mode(ReconnectMode::ReuseAllConnections))
        .timeout_config(timeouts)
        // Every attempt has its time-out; watching the bytes besides costs each request.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .service_config(OfService);
    config.set_endpoint_url(env::optional("AWS_ENDPOINT_URL"));
    Ok(config.build())
}

/// The endpoint of one's own that a service has, if any; e.g. of `SQS`.
pub fn endpoint(service: &str) -> Option<String> {
    of_service("AWS_ENDPOINT_URL", service).or_else(|| env::optional("AWS_ENDPOINT_URL"))
}

/// The variables that are meant for one service alone, as the SDK names them.
#[derive(Debug)]
struct OfService;

impl LoadServiceConfig for OfService {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        of_service(key.env(), key.service_id())
    }
}

fn of_service(variable: &str, service: &str) -> Option<String> {
    env::optional(&format!("{variable}_{}", service.replace(' ', "_").to_uppercase()))
}
