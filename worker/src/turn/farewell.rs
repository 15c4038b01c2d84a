//! The last attempt has failed and the queue gives the update up: its conversation remembers why, for whoever reads
//! the dead-letter queue, and the person is told once.

use shared::{Envelope, Failed};
use tracing::warn;

use super::{Bot, answer};
use crate::conversation::{self, Conversations, Loaded};
use crate::failure::{Class, Failure};
use crate::router::Route;
use crate::telegram::Target;
use crate::update::Update;
use crate::words;

/// Never fails: what cannot be told is logged.
pub async fn tell_of_failure(bot: &Bot, envelope: &Envelope<'_>, failure: &Failure) {
    // Another worker has it: whether this ends well is for that one to say.
    if failure.class == Class::Contended {
        return;
    }
    match remember(&bot.conversations, envelope, failure).await {
        Ok(true) => {}
        Ok(false) => return,
        // Without the bucket nobody knows whether it was told before: silence is better than a repetition at each replay.
        Err(error) => return warn!(%error, "could not remember the failure"),
    }
    let Ok(Update { message: Some(message) }) = serde_json::from_str::<Update>(envelope.update.get()) else { return };
    if matches!(bot.route(&message).await, Err(_) | Ok(Route::Silent(_))) {
        return;
    }
    let text = match failure.class {
        Class::Configuration => words::out_of_order(envelope.update_id),
        _ => words::failed(envelope.update_id),
    };
    let target = Target { conversation: envelope.conversation, reply_to: Some(message.message_id) };
    if let Err(error) = bot.telegram.send_message(target, &answer::words(&text)).await {
        warn!(%error, "could not tell of the failure");
    }
}

/// Whether this is the first time that the update is given up.
async fn remember(
    conversations: &Conversations,
    envelope: &Envelope<'_>,
    failure: &Failure,
) -> Result<bool, conversation::Error> {
    const TRIES: usize = 3;
    for _ in 0..TRIES {
        let mut loaded = conversations.load(envelope.conversation).await?;
        let first = note(&mut loaded, envelope.update_id, failure);
        match conversations.save(envelope.conversation, &mut loaded).await {
            Err(conversation::Error::Lost) => {}
            saved => return saved.map(|()| first),
        }
    }
    Err(conversation::Error::Lost)
}

fn note(loaded: &mut Loaded, update_id: u64, failure: &Failure) -> bool {
    /// Older ones are found in the log.
    const FAILED_MAX: usize = 50;
    let failed = &mut loaded.conversation.failed;
    let before = failed.len();
    failed.retain(|failed| failed.update_id != update_id);
    let first = failed.len() == before;
    failed.push(Failed {
        update_id,
        class: failure.class.name().to_owned(),
        error: failure.error.clone(),
        at_ms: crate::now_ms(),
    });
    failed.drain(..failed.len().saturating_sub(FAILED_MAX));
    first
}
