//! Reads the environment, makes each client once, and hands the batches to [`worker::batch::Worker`].

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use shared::env;
use worker::Invocation;
use worker::batch::Worker;
use worker::config::{Config, Secrets};
use worker::conversation::Conversations;
use worker::gemini::Gemini;
use worker::queue::Queue;
use worker::telegram::Telegram;
use worker::turn::Bot;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::log::init();
    let config = Config::from_env()?;
    let aws = aws().await;
    let secrets = Secrets::load(&aws).await?;
    let http = http()?;

    let telegram = Telegram::new(http.clone(), config.telegram_url.clone(), secrets.telegram_token);
    let gemini = Gemini::new(http, secrets.gemini_api_key, &config);
    let conversations = Conversations::new(s3(&aws), config.bucket);
    let queue = Queue::new(sqs(&aws), config.queue_url);
    let bot = Bot::new(telegram, gemini, conversations, config.allowed);
    let worker = Worker { bot, queue };

    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| {
        let worker = &worker;
        async move {
            let invocation = Invocation { request_id: event.context.request_id, deadline_ms: event.context.deadline };
            Ok::<_, Error>(worker.handle(event.payload, &invocation).await)
        }
    }))
    .await
}

async fn aws() -> aws_config::SdkConfig {
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(25))
        .build();
    aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(http).timeout_config(timeouts).load().await
}

/// What the queue is told at the end of a turn must be told before the invocation ends.
fn sqs(aws: &aws_config::SdkConfig) -> aws_sdk_sqs::Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(3))
        .build();
    aws_sdk_sqs::Client::from_conf(aws_sdk_sqs::config::Builder::from(aws).timeout_config(timeouts).build())
}

/// Path style with an endpoint of one's own: such servers have no names for their buckets.
fn s3(aws: &aws_config::SdkConfig) -> aws_sdk_s3::Client {
    let own_endpoint = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"].iter().any(|name| env::optional(name).is_some());
    let config = aws_sdk_s3::config::Builder::from(aws)
        .force_path_style(own_endpoint)
        // TLS checks the bytes already; a second checksum costs CPU on every write.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
    aws_sdk_s3::Client::from_conf(config.build())
}

/// One client for Telegram and Gemini, whose connections live as long as the process.
fn http() -> Result<reqwest::Client, Error> {
    let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots()?)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(Duration::from_secs(5))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("lambdagram/", env!("CARGO_PKG_VERSION")));
    Ok(client.build()?)
}

/// The roots are compiled in: reading the system's file costs more than the handshake. `SSL_CERT_FILE`, which the AWS
/// SDK goes by as well, names others, as a server of one's own needs.
fn roots() -> Result<RootCertStore, Error> {
    let Some(file) = env::optional("SSL_CERT_FILE") else {
        return Ok(RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()));
    };
    let mut roots = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(&file).map_err(|error| format!("SSL_CERT_FILE {file}: {error}"))?;
    for certificate in certificates {
        roots.add(certificate.map_err(|error| format!("SSL_CERT_FILE {file}: {error}"))?)?;
    }
    Ok(roots)
}
