//! Every update of the corpus through the real worker: the right reply, or none, and nothing left behind.

use base64::prelude::{BASE64_STANDARD, Engine};
use local::corpus::{self, Case, Reply};
use local::telegram::Call;
use serde_json::{Value, json};

use crate::support::{World, is_reply, quotes, text};

const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mM4UaGBFTEMLQkAUtVaASL5fhoAAAAASUVORK5CYII=";

#[tokio::test]
async fn every_queued_update_of_the_corpus_gets_its_reply() {
    let world = World::start("corpus").await;
    let mut wrong = Vec::new();
    for case in corpus::cases().filter(|case| case.conversation.is_some()) {
        if let Err(problem) = reply_to(&world, &case).await {
            wrong.push(format!("{} ({:?}): {problem}", case.name, case.reply));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(world.queue.depth().await.unwrap(), (0, 0));
}

async fn reply_to(world: &World, case: &Case) -> Result<(), String> {
    let (json, conversation) = (case.json().unwrap(), case.conversation.unwrap());
    let lossy: Value = serde_json::from_str(&json.replace(r"\ud83d:", ":")).unwrap();
    known_to_telegram(world, &json, &lossy, conversation).await;
    let (calls, asked) = (world.calls_so_far(), world.asked());

    world.enqueue(&lossy["update_id"].to_string(), conversation, &json).await;
    let kept = world.work_on(&world.queue.receive().await.unwrap()).await;
    for message in &kept {
        // So that it does not come back among the others.
        world.queue.delete(message).await.unwrap();
    }
    if kept.is_empty() == (case.reply == Reply::Stays) {
        return Err(format!("{} messages stay on the queue", kept.len()));
    }
    let calls = world.telegram.calls().split_off(calls);
    let replies: Vec<&Call> = calls.iter().filter(|call| is_reply(call)).collect();
    if let Some(refused) = calls.iter().find(|call| call.status != 200) {
        return Err(format!("{} was refused", refused.method));
    }
    let message = &lossy["message"];
    judge(case.reply, &replies, world.asked() - asked, calls.len())?;
    same_place(&replies, message, conversation)
}

fn judge(expected: Reply, replies: &[&Call], asked: usize, calls: usize) -> Result<(), String> {
    let first = replies.first().map(|call| text(call)).unwrap_or_default();
    let (one, photo) = (replies.len() == 1, replies.iter().any(|call| call.method == "sendPhoto"));
    let right = match expected {
        // The simulation repeats the question, so a long one fills two messages.
        Reply::Answer => !replies.is_empty() && !photo && asked == 1 && first.starts_with("Simulated Gemini"),
        Reply::Picture => one && photo && asked >= 1,
        Reply::Command => one && !photo && asked == 0 && !first.contains("cannot read") || first.contains("/new"),
        Reply::Notice => one && !photo && asked == 0 && first.contains("cannot read"),
        Reply::Silent | Reply::Stays => replies.is_empty() && asked == 0 && calls == 0,
        Reply::Any => replies.len() <= 1,
    };
    if right { Ok(()) } else { Err(format!("{} replies, {asked} questions to Gemini: {first:?}", replies.len())) }
}

/// The first one quotes the question; all are in its chat and topic.
fn same_place(replies: &[&Call], message: &Value, conversation: &str) -> Result<(), String> {
    let quoted = replies.first().map(|first| quotes(first));
    if quoted.is_some_and(|quoted| quoted != message["message_id"].as_i64()) {
        return Err(format!("it quotes {quoted:?}"));
    }
    for reply in replies {
        let thread = &reply.params["message_thread_id"];
        let thread_id = thread.as_i64().or_else(|| thread.as_str()?.parse().ok());
        let chat_id = reply.chat_id.unwrap_or_default();
        let place = thread_id.map_or_else(|| chat_id.to_string(), |thread_id| format!("{chat_id}:{thread_id}"));
        if place != conversation {
            return Err(format!("the reply went to {place}"));
        }
    }
    Ok(())
}

/// Telegram has the chat, the topic, the message and its photos before the bot hears of it.
async fn known_to_telegram(world: &World, json: &str, update: &Value, conversation: &str) {
    world.order("updates", json.to_owned()).await;
    if let Some((chat_id, thread_id)) = conversation.split_once(':') {
        let topic = json!({ "id": thread_id.parse::<i64>().unwrap(), "name": "A topic" });
        world.order(&format!("chats/{chat_id}"), json!({ "is_forum": true, "thread": topic }).to_string()).await;
    }
    for size in update["message"]["photo"].as_array().into_iter().flatten() {
        world.give_file(size["file_id"].as_str().unwrap(), BASE64_STANDARD.decode(PNG).unwrap()).await;
    }
}
