//! What things cost, in $: list prices of 2026-11-22, AWS's for us-east-1. They change, and other regions differ by
//! some per cent. The dashboard in `template.yaml` has the same figures; `test_templates.py` compares them.

/// Requests and GB-seconds: aws.amazon.com/lambda/pricing. An arm64 second is a fifth cheaper.
pub(crate) const LAMBDA_MILLION_REQUESTS: f64 = 0.20;
pub(crate) const LAMBDA_GB_S_ARM: f64 = 0.0000133334;
pub(crate) const LAMBDA_GB_S_X86: f64 = 0.0000166667;

/// FIFO queues: aws.amazon.com/sqs/pricing. A request is up to 64 KiB, and up to ten messages.
pub(crate) const SQS_MILLION_REQUESTS: f64 = 0.50;

/// aws.amazon.com/s3/pricing: GET, and PUT.
pub(crate) const S3_MILLION_READS: f64 = 0.40;
pub(crate) const S3_MILLION_WRITES: f64 = 5.00;

/// aws.amazon.com/cloudwatch/pricing: a GB of log taken in, and a custom metric for a month.
pub(crate) const LOGS_GB: f64 = 0.50;
pub(crate) const METRIC_MONTH: f64 = 0.30;

/// `gemini-3.8-flash` until 2026-12-31, when it is said to double. Thoughts are output.
pub(crate) const PROMPT_MILLION_TOKENS: f64 = 0.75;
pub(crate) const OUTPUT_MILLION_TOKENS: f64 = 3.75;
/// `gemini-nano-banana-2.1`, a picture of 1K.
pub(crate) const PICTURE: f64 = 0.034;

/// What every account has free each month, without an end (aws.amazon.com/free, 2026-11-22).
pub(crate) mod free {
    pub(crate) const LAMBDA_REQUESTS: f64 = 1_000_000.0;
    pub(crate) const LAMBDA_GB_S: f64 = 400_000.0;
    pub(crate) const SQS_REQUESTS: f64 = 1_000_000.0;
    pub(crate) const GB_OF_LOGS: f64 = 5.0;
    pub(crate) const METRICS: f64 = 10.0;
}
