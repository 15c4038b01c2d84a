//! How much lies in a queue.

use anyhow::Result;

use crate::aws::Aws;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Depth {
    pub waiting: u64,
    /// Handed out and not finished.
    pub in_flight: u64,
}

/// # Errors
/// As a call of the AWS CLI.
pub async fn depth(aws: &Aws, url: &str) -> Result<Depth> {
    let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    let args = ["sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", names[0], names[1]];
    let answer = aws.call(&args).await?;
    let number = |name: &str| answer["Attributes"][name].as_str().and_then(|number| number.parse().ok()).unwrap_or(0);
    Ok(Depth { waiting: number(names[0]), in_flight: number(names[1]) })
}
