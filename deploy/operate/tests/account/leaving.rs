//! What leaving an account comes upon.

use serde_json::{Value, json};

use crate::fake::{Account, absent, stack};

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
