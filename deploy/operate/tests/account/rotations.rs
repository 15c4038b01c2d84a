//! Secrets change while people write, and whatever cuts a rotation off, the same command goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::way::{NEW_KEY, NEW_TOKEN};
use crate::world::{ADA, World};

/// People write all the time, and everybody is answered once.
pub(crate) async fn webhook_secret_changes_under_fire(world: &mut World) {
    let old = world.webhook_secret();
    let (telegram, over) = (world.telegram.clone(), Arc::new(AtomicBool::new(false)));
    let until = over.clone();
    let writer = tokio::spawn(async move {
        let mut questions = Vec::new();
        while !until.load(Ordering::Relaxed) {
            let message = json!({ "chat_id": ADA, "text": format!("under fire {}", questions.len()) });
            questions.push(telegram.user_writes(serde_json::from_value(message).unwrap()).unwrap().message_id);
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        questions
    });
    // Each goes on where the one before was cut off.
    let rotate = "operate.sh rotate webhook-secret";
    world.cut(rotate, "after ssm put-parameter").await;
    world.cut(rotate, "after cloudformation update-stack").await;
    world.cut(rotate, "before ssm put-parameter").await;
    world.cut(rotate, "after ssm delete-parameters").await;
    world.does(rotate).await;
    over.store(true, Ordering::Relaxed);
    for question in writer.await.unwrap() {
        world.answer(question).await;
    }
    assert_ne!(world.webhook_secret(), old);
    assert_eq!(hashes(world).await.len(), 64, "the ingress still takes the old one");
}

async fn hashes(world: &World) -> String {
    let stack = world.stack("second-bot").await;
    let parameters = stack["Parameters"].as_array().unwrap();
    let parameter = parameters.iter().find(|parameter| parameter["ParameterKey"] == "WebhookSecretSha256").unwrap();
    parameter["ParameterValue"].as_str().unwrap().to_owned()
}

pub(crate) async fn gemini_key_changes_only_for_one_that_works(world: &mut World) {
    world.set("GEMINI_API_KEY", NEW_KEY);
    let told = world.refuses("operate.sh rotate gemini-key").await;
    assert!(told.contains("Gemini refuses the key"), "{told}");
    world.asks("still here?").await;

    world.replace_the_key(NEW_KEY).await;
    world.cut("operate.sh rotate gemini-key", "after ssm put-parameter").await;
    world.does("operate.sh rotate gemini-key").await;
    let told = world.refuses("operate.sh rotate gemini-key").await;
    assert!(told.contains("the one in use") && told.contains("unset GEMINI_API_KEY"), "{told}");
    world.set("GEMINI_API_KEY", "");
    world.asks("and with another key?").await;
}

/// While the worker pauses updates are accepted; then they are answered in order.
pub(crate) async fn people_write_during_a_pause(world: &mut World) {
    world.does("operate.sh pause").await;
    let (before, waits) = (world.calls_of("sendMessage"), ["first", "second"].map(|words| world.writes(words)));
    let told = world.does("operate.sh status").await;
    assert!(told.contains("paused: updates are accepted and wait"), "{told}");
    assert_eq!(world.calls_of("sendMessage"), before, "answered while paused");
    world.does("operate.sh resume").await;
    for question in waits {
        world.answer(question).await;
    }
    assert_eq!(world.answered_lately(2), waits);
}

/// The bot is paused before the token becomes void, as the README says; what comes meanwhile waits.
pub(crate) async fn telegram_token_changes_while_people_write(world: &mut World) {
    world.does("operate.sh pause").await;
    let waits = world.writes("does this wait?");
    world.revoke_the_token(NEW_TOKEN).await;
    world.set("TELEGRAM_TOKEN", "111111111:AAHanother-bot");
    let told = world.refuses("operate.sh rotate telegram-token").await;
    assert!(told.contains("Telegram refuses the token") && told.contains("stays paused"), "{told}");
    assert_eq!(world.calls_of("sendMessage"), 0, "answered while paused");

    world.set("TELEGRAM_TOKEN", NEW_TOKEN);
    let rotate = "operate.sh rotate telegram-token";
    world.cut(rotate, "after ssm put-parameter").await;
    world.cut(rotate, "after cloudformation update-stack").await;
    // The worker has been told, the webhook is not set; then it is, and the worker does not go on yet.
    world.cut(rotate, "before lambda get-account-settings").await;
    world.cut(rotate, "before lambda update-event-source-mapping").await;
    assert_eq!(world.calls_of("sendMessage"), 0, "answered while paused");
    let told = world.does(rotate).await;
    assert!(told.contains("running: what has waited"), "{told}");
    world.answer(waits).await;
    let told = world.refuses(rotate).await;
    assert!(told.contains("the one in use") && !told.contains("pauses"), "{told}");
    world.set("TELEGRAM_TOKEN", "");
    let told = world.refuses(rotate).await;
    assert!(told.contains("no terminal to ask at") && !told.contains("pauses"), "{told}");
}
