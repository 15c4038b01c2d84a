//! What leaving an account comes upon.

use serde_json::{Value, json};

use crate::fake::{Account, TOKEN, absent, error, stack};

const DESCRIBE: &str = "cloudformation describe-stacks";
const DELETE: &str = "cloudformation delete-stack";
const CONFIRMED: [(&str, &str); 1] = [("CONFIRM", "lambdagram")];

#[tokio::test]
async fn a_full_bucket_is_emptied_in_portions_that_s3_takes() {
    let mut account = Account::start().await;
    account.answers(DESCRIBE, &[absent(), stack("CREATE_COMPLETE"), stack("CREATE_COMPLETE"), absent()]);
    account.answers(DELETE, &[Value::Null]);
    let objects = |count| (0..count).map(|n| json!({ "Key": "conversations/1.json", "VersionId": n.to_string() }));
    let full = json!({
        "Versions": objects(1000).collect::<Vec<_>>(), "DeleteMarkers": objects(1001).collect::<Vec<_>>()
    });
    account.answers("s3api list-object-versions", &[full, Value::Null]);
    account.answers("s3api delete-objects", &[Value::Null]);
    account.answers("s3api delete-bucket", &[Value::Null]);
    let ended = account.run("destroy-data", &CONFIRMED).await;
    assert_eq!(ended.code, 0, "{}", ended.out);
    assert!(ended.out.contains("conversations: 2001 versions deleted"), "{}", ended.out);
    assert_eq!(account.calls().iter().filter(|call| *call == "s3api delete-objects").count(), 3);
}

#[tokio::test]
async fn the_buckets_go_before_the_stack_that_names_them() {
    let mut account = Account::start().await;
    account.answers(DESCRIBE, &[absent(), stack("CREATE_COMPLETE"), stack("CREATE_COMPLETE"), absent()]);
    account.answers(DELETE, &[Value::Null]);
    account.answers("s3api list-object-versions", &[Value::Null]);
    account.answers("s3api delete-bucket", &[Value::Null]);
    let ended = account.run("destroy-data", &CONFIRMED).await;
    assert_eq!(ended.code, 0, "{}", ended.out);
    let calls = account.calls();
    let removed: Vec<&str> = calls.iter().map(String::as_str).filter(|call| call.contains(" delete-")).collect();
    assert_eq!(removed, ["s3api delete-bucket", "s3api delete-bucket", DELETE]);
}

#[tokio::test]
async fn a_webhook_outlives_a_stack_that_was_deleted_by_hand_no_longer_than_that() {
    let mut account = Account::start().await;
    let stored = json!({ "Name": "/lambdagram/telegram-token", "Value": TOKEN, "Version": 1 });
    account.answers("ssm get-parameters", &[json!({ "Parameters": [stored] })]);
    account.answers("ssm delete-parameters", &[Value::Null]);
    let http = local::http::loopback().build().unwrap();
    for (url, told) in [
        ("https://abc.lambda-url.eu-west-1.on.aws/", "is another program's, and stays"),
        ("https://abc.lambda-url.us-east-1.on.aws/", "removed; what people write"),
        ("", "removed before"),
    ] {
        if !url.is_empty() {
            let set = http.post(format!("{}/bot{TOKEN}/setWebhook", account.telegram.url()));
            assert!(set.json(&json!({ "url": url })).send().await.unwrap().status().is_success());
        }
        let ended = account.run("destroy", &[]).await;
        assert!(ended.code == 0 && ended.out.contains(told), "{url}: {}", ended.out);
    }
}

#[tokio::test]
async fn a_deletion_that_failed_half_way_goes_on() {
    let mut account = Account::start().await;
    let mut left = stack("DELETE_FAILED");
    let outputs = ["QueueUrl", "DlqUrl"].map(|name| json!({ "OutputKey": name, "OutputValue": "https://sqs/gone" }));
    left["Stacks"][0]["Outputs"] = json!(outputs);
    account.answers(DESCRIBE, &[left.clone(), left.clone(), left, absent()]);
    let words = "The specified queue does not exist.";
    let gone = error("AWS.SimpleQueueService.NonExistentQueue", "GetQueueAttributes", words);
    account.answers("sqs get-queue-attributes", &[gone]);
    account.answers(DELETE, &[Value::Null]);
    account.answers("ssm delete-parameters", &[Value::Null]);
    let ended = account.run("destroy", &[]).await;
    assert!(ended.code == 0 && account.calls().contains(&DELETE.to_owned()), "{}", ended.out);
}

#[tokio::test]
async fn a_stack_that_is_still_being_made_is_waited_for_before_it_is_removed() {
    let mut account = Account::start().await;
    let (busy, made) = (stack("CREATE_IN_PROGRESS"), stack("CREATE_COMPLETE"));
    account.answers(DESCRIBE, &[busy.clone(), busy, made.clone(), made.clone(), made, absent()]);
    account.answers("cloudformation describe-stack-events", &[json!({ "StackEvents": [] })]);
    account.answers(DELETE, &[Value::Null]);
    account.answers("ssm delete-parameters", &[Value::Null]);
    let ended = account.run("destroy", &[]).await;
    assert_eq!(ended.code, 0, "{}", ended.out);
    let calls = account.calls();
    let asked = calls.iter().take_while(|call| *call != DELETE).filter(|call| *call == DESCRIBE).count();
    assert_eq!(asked, 5, "{calls:?}");
}
