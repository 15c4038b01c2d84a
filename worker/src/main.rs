//! Reads the environment, makes each client once, and hands the batches to [`worker::batch::Worker`].

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_s3::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use worker::Invocation;
use worker::batch::Worker;
use worker::config::{Config, Secrets};
use worker::conversation::Conversations;
use worker::gemini::Gemini;
use worker::queue::Queue;
use worker::telegram::Telegram;
use worker::turn::Bot;

/// A turn makes two thousand small allocations, most of them inside the SDK: against glibc's this one saves a
/// fourteenth of its instructions, and large photos leave no holes. Huge pages would cost a start 12 ms and 9 MB.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "local")]
async fn main() -> Result<(), Error> {
    // A task of its own: each time that the runtime's first future is woken, the kernel is asked for news before.
    tokio::task::spawn_local(run()).await?
}

async fn run() -> Result<(), Error> {
    shared::log::init();
    let config = Config::from_env()?;
    let sdk_http = sdk::Http::new(sdk::tls()?);
    let aws = sdk::config(&sdk_http, timeouts())?;
    // A start waits for SSM. Meanwhile comes the connection that a turn needs first; SQS's would be stale by a turn's
    // end, and reqwest opens none without a request.
    let meanwhile = async {
        let http = http()?;
        if let Some(url) = bucket_url(&aws, &config.bucket).await {
            sdk_http.open(&url).await;
        }
        Ok(http)
    };
    let (secrets, http) = tokio::try_join!(Secrets::load(&aws), meanwhile)?;

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

/// All attempts of a call together stay well within an invocation.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(25))
        .build()
}

/// What the queue is told at the end of a turn must be told before the invocation ends.
fn sqs(aws: &SdkConfig) -> aws_sdk_sqs::Client {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(3))
        .build();
    let config = aws_sdk_sqs::config::Builder::from(aws).timeout_config(timeouts).interceptor(sdk::Quiet);
    aws_sdk_sqs::Client::from_conf(config.build())
}

/// Path style with an endpoint of one's own: such servers have no names for their buckets.
fn s3(aws: &SdkConfig) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(aws)
        .interceptor(sdk::Quiet)
        .force_path_style(sdk::endpoint("S3").is_some())
        // TLS checks the bytes already; a second checksum costs CPU on every write and every read.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Where the SDK will look for the bucket; what it cannot tell is left to the first turn.
async fn bucket_url(aws: &SdkConfig, bucket: &str) -> Option<String> {
    match sdk::endpoint("S3") {
        Some(url) => Some(url),
        None => url_by_rules(aws, bucket).await,
    }
}

/// By the SDK's own rules.
async fn url_by_rules(aws: &SdkConfig, bucket: &str) -> Option<String> {
    let params = Params::builder().set_region(aws.region().map(ToString::to_string)).bucket(bucket).build().ok()?;
    let endpoint = DefaultResolver::new().resolve_endpoint(&params).await.ok()?;
    Some(endpoint.url().to_owned())
}

/// One client for Telegram and Gemini, whose connections live as long as the process.
fn http() -> anyhow::Result<reqwest::Client> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(sdk::tls().map_err(anyhow::Error::msg)?)
        .connect_timeout(Duration::from_secs(5))
        .redirect(reqwest::redirect::Policy::none())
        // Only HTTP/2 knows of requests that may be repeated unseen; a copy of each was kept for that.
        .retry(reqwest::retry::never())
        .user_agent(concat!("lambdagram/", env!("CARGO_PKG_VERSION")));
    Ok(client.build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bucket_has_a_host_of_its_own_unless_there_are_dots_in_its_name() {
        for (region, bucket, expected) in [
            ("eu-central-1", "fox", "https://fox.s3.eu-central-1.amazonaws.com"),
            ("cn-north-1", "fox", "https://fox.s3.cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "fox", "https://fox.s3.us-gov-west-1.amazonaws.com"),
            ("us-east-1", "red.fox", "https://s3.us-east-1.amazonaws.com/red.fox"),
        ] {
            let aws = SdkConfig::builder().region(aws_config::Region::new(region)).build();
            assert_eq!(url_by_rules(&aws, bucket).await.as_deref(), Some(expected));
        }
    }
}
