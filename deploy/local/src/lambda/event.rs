//! The two events that our functions get: a request to a Function URL (payload 2.0), and a batch from a queue.

use aws_sdk_sqs::types::Message;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

/// A request to a Function URL. A text body that is not UTF-8 can only come with `base64`.
pub fn url_event(method: &str, headers: &[(&str, &str)], body: &[u8], base64: bool) -> Value {
    let mut joined = Map::from_iter([
        ("host".to_owned(), json!("abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws")),
        ("content-type".to_owned(), json!("application/json")),
        ("content-length".to_owned(), json!(body.len().to_string())),
        ("accept-encoding".to_owned(), json!("gzip, deflate")),
        ("x-forwarded-for".to_owned(), json!("149.154.167.220")),
        ("x-forwarded-proto".to_owned(), json!("https")),
    ]);
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        // AWS joins a header that came twice.
        let value = match joined.get(&name).and_then(Value::as_str).filter(|_| name.starts_with("x-telegram")) {
            Some(before) => format!("{before},{value}"),
            None => (*value).to_owned(),
        };
        joined.insert(name, Value::from(value));
    }
    let text = if base64 { BASE64_STANDARD.encode(body) } else { String::from_utf8_lossy(body).into_owned() };
    let mut event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "",
        "headers": joined,
        "requestContext": {
            "accountId": "anonymous", "apiId": "abcdefghijklmnopqrstuvwxyz012345",
            "domainName": "abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws",
            "domainPrefix": "abcdefghijklmnopqrstuvwxyz012345",
            "http": { "method": method, "path": "/", "protocol": "HTTP/1.1", "sourceIp": "149.154.167.220", "userAgent": "" },
            "requestId": "d3b07384-d9a0-4c1b-8f6e-3a5c0e9b7f21", "routeKey": "$default", "stage": "$default",
            "time": "22/Nov/2026:12:00:00 +0000", "timeEpoch": 1_795_348_800_000_u64
        },
        "isBase64Encoded": base64
    });
    // AWS leaves the key out for a request without a body.
    if !body.is_empty() {
        event["body"] = Value::from(text);
    }
    event
}

/// The batch that an event source mapping hands over for these received messages. Receive them with all attributes.
pub fn sqs_event(messages: &[Message]) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| {
            let attributes: Map<String, Value> = message
                .attributes()
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.as_str().to_owned(), Value::from(value.as_str())))
                .collect();
            json!({
                "messageId": message.message_id(),
                "receiptHandle": message.receipt_handle(),
                "body": message.body(),
                "attributes": attributes,
                "messageAttributes": {},
                "md5OfBody": message.md5_of_body(),
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:updates.fifo",
                "awsRegion": "us-east-1"
            })
        })
        .collect();
    json!({ "Records": records })
}
