//! Reads the environment, makes the one client with its connection open, and lets [`ingress::Ingress`] answer.

use ingress::{Ingress, Secrets};
use lambda_http::{Error, service_fn};
use shared::env;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::log::init();
    let secrets = Secrets::parse(&env::required("WEBHOOK_SECRET_SHA256")?)?;
    let queue_url = env::required("QUEUE_URL")?;

    let http = sdk::Http::new(sdk::tls()?);
    http.open(sdk::endpoint("SQS").as_ref().unwrap_or(&queue_url)).await;
    let sqs = aws_sdk_sqs::Client::new(&sdk::config(&http, ingress::sqs_timeouts())?);
    let ingress = Ingress::new(sqs, queue_url, secrets);

    lambda_http::run(service_fn(|request| async { Ok::<_, Error>(ingress.answer(request).await) })).await
}
