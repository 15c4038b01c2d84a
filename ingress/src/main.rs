//! Reads the environment, makes the one client, and lets [`ingress::Ingress`] answer.

use aws_smithy_http_client::tls;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use ingress::{Ingress, Secrets};
use lambda_http::{Error, service_fn};
use shared::env;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::log::init();
    let secrets = Secrets::parse(&env::required("WEBHOOK_SECRET_SHA256")?)?;
    let queue_url = env::required("QUEUE_URL")?;

    let http =
        aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(ingress::sqs_timeouts())
        .load()
        .await;
    let ingress = Ingress::new(aws_sdk_sqs::Client::new(&config), queue_url, secrets);

    lambda_http::run(service_fn(|request| async { Ok::<_, Error>(ingress.answer(request).await) })).await
}
