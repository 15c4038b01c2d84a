//! The bucket: load with ETag, save with a condition, pictures beside.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::primitives::{AggregatedBytes, ByteStream};
use shared::ConversationKey;
use tracing::error;

use super::{Conversation, Picture, VERSION};
use crate::aws;
use crate::failure::Failure;

/// Many times what the bounds of a conversation allow: what is larger was not written by this worker.
const OBJECT_MAX_BYTES: i64 = 16 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else wrote since it was loaded: load again and decide anew.
    #[error("the conversation changed meanwhile")]
    Lost,
    #[error("S3: {0}")]
    Bucket(String),
    /// The bucket is missing or closed to this function; waiting does not help.
    #[error("S3 refuses: {0}")]
    Closed(String),
    /// Of a newer version: that worker will come back.
    #[error("the conversation object is of version {0}, newer than this worker")]
    Newer(u32),
}

/// All that can be read of an object of a later version.
#[derive(serde::Deserialize)]
struct Versioned {
    version: u32,
}

/// A conversation, and what the bucket must still hold for it to be replaced.
#[derive(Debug)]
pub struct Loaded {
    pub conversation: Conversation,
    etag: Option<String>,
}

#[derive(Clone)]
pub struct Conversations {
    s3: Client,
    bucket: String,
}

impl Conversations {
    pub fn new(s3: Client, bucket: String) -> Self {
        Self { s3, bucket }
    }

    /// A chat that never wrote has an empty conversation.
    pub async fn load(&self, key: ConversationKey) -> Result<Loaded, Error> {
        let object = match self.s3.get_object().bucket(&self.bucket).key(key.object_key()).send().await {
            Ok(object) => object,
            Err(error) if error.code() == Some("NoSuchKey") => {
                return Ok(Loaded { conversation: Conversation::default(), etag: None });
            }
            Err(error) => return Err(read_error(&error)),
        };
        let etag = object.e_tag().map(str::to_owned);
        if object.content_length().is_some_and(|bytes| bytes > OBJECT_MAX_BYTES) {
            return self.start_afresh(key, etag, "too large").await;
        }
        let bytes = read(object.body).await?.into_bytes();
        match serde_json::from_slice::<Conversation>(&bytes) {
            Ok(conversation) if conversation.version <= VERSION => {
                Ok(Loaded { conversation: Conversation { version: VERSION, ..conversation }, etag })
            }
            _ => match serde_json::from_slice(&bytes) {
                Ok(Versioned { version }) if version > VERSION => Err(Error::Newer(version)),
                _ => self.start_afresh(key, etag, "not a conversation").await,
            },
        }
    }

    /// What cannot be read is copied aside, for whoever looks into it, and the conversation begins anew:
    /// a chat that never answers again helps nobody.
    async fn start_afresh(&self, key: ConversationKey, etag: Option<String>, why: &str) -> Result<Loaded, Error> {
        let tag = etag.as_deref().unwrap_or_default().trim_matches('"');
        let aside = format!("{}.unreadable-{tag}", key.object_key());
        error!(why, "the conversation object cannot be read: copied aside, and begun anew");
        let copy = self.s3.copy_object().bucket(&self.bucket).key(aside);
        let copied = copy.copy_source(format!("{}/{}", self.bucket, key.object_key())).send().await;
        copied.map_err(|error| read_error(&error))?;
        Ok(Loaded { conversation: Conversation::default(), etag })
    }

    /// Replaces what was loaded, or creates what was not there.
    ///
    /// # Errors
    /// [`Error::Lost`] when the object is no longer the one that was loaded.
    async fn save(&self, key: ConversationKey, loaded: &mut Loaded) -> Result<(), Error> {
        let body = serde_json::to_vec(&loaded.conversation).map_err(|error| Error::Bucket(error.to_string()))?;
        let put = self.s3.put_object().bucket(&self.bucket).key(key.object_key());
        let put = match &loaded.etag {
            Some(etag) => put.if_match(etag),
            None => put.if_none_match("*"),
        };
        let put = put.content_type("application/json").body(ByteStream::from(body));
        let saved = put.customize().disable_payload_signing().send().await;
        loaded.etag = saved.map_err(|error| write_error(&error))?.e_tag().map(str::to_owned);
        Ok(())
    }

    /// Changes the conversation and saves it; when somebody else wrote meanwhile, loads it again and decides anew.
    /// So `change` may run several times, also on an object that holds its effect already.
    pub async fn change(
        &self,
        key: ConversationKey,
        loaded: &mut Loaded,
        change: impl Fn(&mut Conversation) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        const TRIES: usize = 4;
        for _ in 0..TRIES {
            change(&mut loaded.conversation)?;
            match self.save(key, loaded).await {
                Err(Error::Lost) => *loaded = self.load(key).await?,
                saved => return Ok(saved?),
            }
        }
        Err(Failure::from(Error::Lost))
    }

    /// A drawn picture gets an object of its own, under a name that no other invocation uses.
    pub async fn save_picture(
        &self,
        key: ConversationKey,
        name: &str,
        mime: &str,
        bytes: Vec<u8>,
    ) -> Result<Picture, Error> {
        let picture = Picture { key: format!("pictures/{}/{name}", key.chat_id), mime: mime.to_owned() };
        let put = self.s3.put_object().bucket(&self.bucket).key(&picture.key).content_type(mime);
        let put = put.body(ByteStream::from(bytes)).customize().disable_payload_signing();
        put.send().await.map_err(|error| write_error(&error))?;
        Ok(picture)
    }

    /// `None` when it has expired.
    pub async fn load_picture(&self, picture: &Picture) -> Result<Option<Vec<u8>>, Error> {
        let object = match self.s3.get_object().bucket(&self.bucket).key(&picture.key).send().await {
            Ok(object) => object,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(read_error(&error)),
        };
        Ok(Some(read(object.body).await?.to_vec()))
    }
}

/// The client's own time-outs end with the headers.
async fn read(body: ByteStream) -> Result<AggregatedBytes, Error> {
    const TIMEOUT: Duration = Duration::from_secs(10);
    match tokio::time::timeout(TIMEOUT, body.collect()).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) | Err(_) => Err(Error::Bucket("the object broke off".to_owned())),
    }
}

fn read_error<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Error {
    match error.code() {
        Some("AccessDenied" | "NoSuchBucket") => Error::Closed(aws::said(error)),
        _ => Error::Bucket(aws::said(error)),
    }
}

/// The SDK has no variants for these two; If-Match on an object that is gone answers NoSuchKey.
fn write_error(error: &SdkError<PutObjectError>) -> Error {
    match error.code() {
        _ if error.raw_response().is_some_and(|answer| matches!(answer.status().as_u16(), 409 | 412)) => Error::Lost,
        Some("PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey") => Error::Lost,
        _ => read_error(error),
    }
}
