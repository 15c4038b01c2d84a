//! Why an update lies in the dead-letter queue: the worker wrote it into the conversation's object.

use std::collections::HashMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use futures_util::future::join_all;
use serde::Deserialize;
use shared::{ConversationKey, Failed};

use crate::letter::{Content, Letter};

/// The class when nobody wrote one: the worker crashed, or ran out of time, or others have failed since.
pub const UNKNOWN: &str = "unknown";
/// The class of what the worker could not read.
pub const UNDECODABLE: &str = "undecodable";

pub struct Reasons {
    client: Client,
    bucket: String,
    known: HashMap<ConversationKey, Result<Vec<Failed>, String>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    pub class: String,
    pub error: Option<String>,
    /// How often the worker tried; SQS's own count rises with each look into the dead-letter queue.
    pub attempts: Option<u32>,
    pub failed_at_ms: Option<u64>,
}

impl Reasons {
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket, known: HashMap::new() }
    }

    /// Reads the conversations of these letters, each once.
    pub async fn look_up(&mut self, letters: &[Letter]) {
        let mut missing: Vec<ConversationKey> = Vec::new();
        for conversation in letters.iter().filter_map(Letter::conversation) {
            if !self.known.contains_key(&conversation) && !missing.contains(&conversation) {
                missing.push(conversation);
            }
        }
        let read = join_all(missing.iter().map(|conversation| self.read(*conversation))).await;
        self.known.extend(missing.into_iter().zip(read));
    }

    pub fn of(&self, letter: &Letter) -> Reason {
        let conversation = match &letter.content {
            Content::Foreign(why) => return Reason::new(UNDECODABLE, Some(why.clone()), None),
            Content::Update { conversation, .. } => conversation,
        };
        match self.known.get(conversation) {
            Some(Ok(all)) => match all.iter().rev().find(|failed| Some(failed.update_id) == letter.update_id()) {
                Some(Failed { class, error, attempts, at_ms, .. }) => {
                    let attempts = Some(*attempts).filter(|count| *count > 0);
                    Reason { attempts, ..Reason::new(class, Some(error.clone()), Some(*at_ms)) }
                }
                None => Reason::new(UNKNOWN, None, None),
            },
            Some(Err(error)) => Reason::new(UNKNOWN, Some(error.clone()), None),
            None => Reason::new(UNKNOWN, None, None),
        }
    }

    /// Why nothing is known of this letter, although something may have been written.
    pub fn unread(&self, letter: &Letter) -> Option<&str> {
        self.known.get(&letter.conversation()?)?.as_ref().err().map(String::as_str)
    }

    async fn read(&self, conversation: ConversationKey) -> Result<Vec<Failed>, String> {
        /// The rest of the object is none of our business.
        #[derive(Deserialize)]
        struct Object {
            #[serde(default)]
            failed: Vec<Failed>,
        }
        let get = self.client.get_object().bucket(&self.bucket).key(conversation.object_key()).send().await;
        let object = match get {
            Ok(object) => object,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(Vec::new()),
            Err(error) => {
                return Err(format!("the bucket did not tell why: {}", error.code().unwrap_or("no answer")));
            }
        };
        let bytes = object.body.collect().await.map_err(|_| "the bucket did not tell why: cut off".to_owned())?;
        let object: Object = serde_json::from_slice(&bytes.into_bytes())
            .map_err(|_| "the conversation's object cannot be read".to_owned())?;
        Ok(object.failed)
    }
}

impl Reason {
    fn new(class: &str, error: Option<String>, failed_at_ms: Option<u64>) -> Self {
        Self { class: class.to_owned(), error, attempts: None, failed_at_ms }
    }
}
