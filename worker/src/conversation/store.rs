//! The bucket: load with ETag, save with a condition, pictures beside.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::primitives::ByteStream;
use shared::ConversationKey;

use super::{Conversation, Picture, VERSION};

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
    /// Kept as it is for whoever looks into it; never overwritten.
    #[error("the conversation object cannot be read ({0})")]
    Unreadable(String),
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
        let bytes = object.body.collect().await.map_err(|error| Error::Bucket(error.to_string()))?;
        let conversation: Conversation = serde_json::from_slice(&bytes.into_bytes())
            .map_err(|error| Error::Unreadable(format!("{:?} error at byte {}", error.classify(), error.column())))?;
        if conversation.version > VERSION {
            return Err(Error::Unreadable(format!("of version {}, newer than this worker", conversation.version)));
        }
        Ok(Loaded { conversation, etag })
    }

    /// Replaces what was loaded, or creates what was not there.
    ///
    /// # Errors
    /// [`Error::Lost`] when the object is no longer the one that was loaded.
    pub async fn save(&self, key: ConversationKey, loaded: &mut Loaded) -> Result<(), Error> {
        let body = serde_json::to_vec(&loaded.conversation).map_err(|error| Error::Unreadable(error.to_string()))?;
        let put = self.s3.put_object().bucket(&self.bucket).key(key.object_key());
        let put = match &loaded.etag {
            Some(etag) => put.if_match(etag),
            None => put.if_none_match("*"),
        };
        let saved = put.content_type("application/json").body(ByteStream::from(body)).send().await;
        loaded.etag = saved.map_err(|error| write_error(&error))?.e_tag().map(str::to_owned);
        Ok(())
    }

    /// A drawn picture gets an object of its own; a repeated turn draws into the same one.
    pub async fn save_picture(
        &self,
        key: ConversationKey,
        update_id: u64,
        mime: &str,
        bytes: Vec<u8>,
    ) -> Result<Picture, Error> {
        let picture = Picture { key: format!("pictures/{}/{update_id}", key.chat_id), mime: mime.to_owned() };
        let put = self.s3.put_object().bucket(&self.bucket).key(&picture.key).content_type(mime);
        put.body(ByteStream::from(bytes)).send().await.map_err(|error| write_error(&error))?;
        Ok(picture)
    }

    /// `None` when it has expired.
    pub async fn load_picture(&self, picture: &Picture) -> Result<Option<Vec<u8>>, Error> {
        let object = match self.s3.get_object().bucket(&self.bucket).key(&picture.key).send().await {
            Ok(object) => object,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(read_error(&error)),
        };
        let bytes = object.body.collect().await.map_err(|error| Error::Bucket(error.to_string()))?;
        Ok(Some(bytes.to_vec()))
    }
}

fn read_error<E>(error: &SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let text = DisplayErrorContext(error).to_string();
    match error.code() {
        Some("AccessDenied" | "NoSuchBucket") => Error::Closed(text),
        _ => Error::Bucket(text),
    }
}

/// The SDK has no variants for these two; If-Match on an object that is gone answers NoSuchKey.
fn write_error(error: &SdkError<PutObjectError>) -> Error {
    match error.code() {
        Some("PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey") => Error::Lost,
        _ => read_error(error),
    }
}
