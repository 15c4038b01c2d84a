//! The clients, made as the functions make theirs: the SDK's variables decide where and as whom.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use shared::env;

pub async fn config() -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(25))
        .build();
    aws_config::defaults(BehaviorVersion::latest()).http_client(http).timeout_config(timeouts).load().await
}

/// Path style with an endpoint of one's own: such servers have no names for their buckets.
pub fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let own_endpoint = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"].iter().any(|name| env::optional(name).is_some());
    let config = aws_sdk_s3::config::Builder::from(config).force_path_style(own_endpoint);
    aws_sdk_s3::Client::from_conf(config.build())
}
