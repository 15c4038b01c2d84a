//! The last attempt has failed and the queue gives the update up: its conversation remembers why, for whoever reads
//! the dead-letter queue, and the person is told once.

use std::cell::Cell;

use shared::{ConversationKey, Envelope, Failed};
use tracing::warn;

use super::{Bot, answer};
use crate::conversation::{Conversation, Conversations};
use crate::failure::{self, Class, Failure, Verdict};
use crate::router::Route;
use crate::telegram::Target;
use crate::update::Update;
use crate::words;

/// Never fails: what cannot be told is logged.
pub async fn tell_of_failure(
    bot: &Bot,
    envelope: &Envelope<'_>,
    attempts: u32,
    replay: Option<&str>,
    failure: &Failure,
) {
    match remember(&bot.conversations, envelope, attempts, failure).await {
        Ok(true) => {}
        Ok(false) => return,
        Err(error) => {
            warn!(error = error.error, "could not remember the failure");
            // The person hears of it all the same; of a replay's failure they have heard before.
            if replay.is_some() {
                return;
            }
        }
    }
    // Another worker has it: whether this ends well is for that one to say.
    if failure.class == Class::Contended && failure.wait_s.is_some() {
        return;
    }
    let Ok(Update { message: Some(message) }) = serde_json::from_str::<Update>(envelope.update.get()) else { return };
    let writer = message.from.as_ref().map(|from| from.id);
    if matches!(bot.route(&message).await, Err(_) | Ok(Route::Silent(_))) || !bot.allowed.has(message.chat.id, writer) {
        return;
    }
    let text = match failure.class {
        Class::Configuration => words::out_of_order(envelope.update_id),
        _ => words::failed(envelope.update_id),
    };
    let mut target = Target { conversation: envelope.conversation, reply_to: Some(message.message_id) };
    let words = answer::words(&text);
    let Err(error) = bot.telegram.send_message(target, &words).await else { return };
    match failure::judge_send(error) {
        Verdict::Moved(chat_id) => {
            target = Target { conversation: ConversationKey { chat_id, thread_id: None }, reply_to: None }
        }
        Verdict::Detached => (target.conversation.thread_id, target.reply_to) = (None, None),
        verdict => return warn!(?verdict, "could not tell of the failure"),
    }
    if let Err(error) = bot.telegram.send_message(target, &words).await {
        warn!(%error, "could not tell of the failure");
    }
}

/// Whether the person is to be told: for each update once, that the bot is out of order once a day.
async fn remember(
    conversations: &Conversations,
    envelope: &Envelope<'_>,
    attempts: u32,
    failure: &Failure,
) -> Result<bool, Failure> {
    /// Older ones are found in the log. Whose record is gone is told once more when a replay fails too.
    const FAILED_MAX: usize = 500;
    const DAY_MS: u64 = 24 * 3_600_000;
    let (update_id, at_ms) = (envelope.update_id, shared::now_ms());
    let class = failure.class.name().to_owned();
    let record = Failed { update_id, class, error: failure.error.clone(), attempts, at_ms };
    let mut loaded = conversations.load(envelope.conversation).await?;
    let told = Cell::new(false);
    let note = |conversation: &mut Conversation| {
        if conversation.is_done(update_id) {
            // The answer is there; what failed came after it.
            told.set(true);
            return Ok(());
        }
        let known = |failed: &Failed| {
            let out_of_order =
                failure.class == Class::Configuration && failed.class == record.class && failed.at_ms + DAY_MS > at_ms;
            failed.update_id == update_id || out_of_order
        };
        // Our own record: the write had its effect, and its answer got lost. It has replaced the one before then.
        let before = conversation.failed.iter().any(|failed| *failed != record && known(failed));
        told.set(told.get() || before);
        conversation.failed.retain(|failed| failed.update_id != update_id);
        conversation.failed.push(record.clone());
        let surplus = conversation.failed.len().saturating_sub(FAILED_MAX);
        conversation.failed.drain(..surplus);
        Ok(())
    };
    let written = conversations.change(envelope.conversation, &mut loaded, note).await;
    if told.get() { Ok(false) } else { written.map(|()| true) }
}
