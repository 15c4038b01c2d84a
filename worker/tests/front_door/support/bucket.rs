//! The bucket as the world has it.

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use serde_json::Value;

use super::World;

impl World {
    pub(crate) async fn object(&self, key: &str) -> Option<Vec<u8>> {
        let object = self.s3.get_object().bucket(&self.name).key(key).send().await.ok()?;
        Some(object.body.collect().await.unwrap().to_vec())
    }

    /// The conversation's object as text; empty if there is none.
    pub(crate) async fn history(&self, chat: &str) -> String {
        let object = self.object(&format!("conversations/{chat}.json")).await.unwrap_or_default();
        String::from_utf8(object).unwrap()
    }

    /// What the conversation remembers of updates that failed for good: their ids and classes.
    pub(crate) async fn failed(&self, chat: &str) -> Vec<(u64, String)> {
        let object: Value = serde_json::from_str(&self.history(chat).await).unwrap();
        let failed = object["failed"].as_array().into_iter().flatten();
        failed.map(|one| (one["update_id"].as_u64().unwrap(), one["class"].as_str().unwrap().to_owned())).collect()
    }

    pub(crate) async fn objects(&self) -> Vec<String> {
        let list = self.s3.list_objects_v2().bucket(&self.name).send().await.unwrap();
        list.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
    }

    pub(crate) async fn put_object(&self, key: &str, bytes: &[u8]) {
        let put = self.s3.put_object().bucket(&self.name).key(key);
        put.body(bytes.to_vec().into()).send().await.unwrap();
    }
}

pub(super) fn s3(endpoint: &str) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    aws_sdk_s3::Client::from_conf(config.build())
}
