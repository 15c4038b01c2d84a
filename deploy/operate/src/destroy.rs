//! Taking the bot down, in the order in which nothing is lost unseen; the conversations go only when they are named.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::aws::{Aws, STDIN};
use crate::cloudformation::{self, Stack};
use crate::place::{self, Deployed, Place, given};
use crate::queue::{self, Depth};
use crate::say::{good, note, step};
use crate::secrets::{self, GEMINI_KEY, NEXT_WEBHOOK_SECRET, TELEGRAM_TOKEN, WEBHOOK_SECRET};
use crate::telegram::Telegram;
use crate::trigger::LONGEST_TURN;
use crate::trouble::Trouble;
use crate::{budget, code, terminal, webhook};

/// SQS's figures are approximate: they count once they have stayed the same for this long.
const SETTLED: Duration = Duration::from_secs(12);
/// As many as one call of S3 deletes.
const BATCH: usize = 1000;
const NO_WEBHOOK: &str = "there is none that could be this bot's";

/// Webhook ▸ what is queued ▸ application ▸ secrets. The foundation stays, with the conversations.
///
/// # Errors
/// When updates still wait and nobody agrees to lose them; what AWS or Telegram refuse.
pub async fn destroy(place: &Place) -> Result<()> {
    if cloudformation::wait(&place.aws, &place.stack).await?.is_some() {
        let deployed = place.deployed().await?;
        step("Webhook");
        match deployed.outputs.get("FunctionUrl") {
            Some(ours) if deployed.stored.telegram_token.is_some() => {
                remove_webhook(&deployed.telegram()?, |url| url == ours).await?;
            }
            _ => note(NO_WEBHOOK),
        }
        step("Queue");
        look_at_what_is_queued(place, &deployed).await?;
        step("Application");
        cloudformation::delete(&place.aws, &place.stack).await?;
        good(&format!("stack {} is gone, with its functions, queues and logs", place.stack));
    } else {
        good(&format!("stack {} is not there", place.stack));
        step("Webhook");
        remove_webhook_left_behind(place).await?;
    }
    if let Err(error) = budget::remove(place).await {
        note(&format!("the budget's stack, if there is one, stays: {error:#}"));
    }
    step("Secrets");
    secrets::forget(place, &[TELEGRAM_TOKEN, GEMINI_KEY, WEBHOOK_SECRET, NEXT_WEBHOOK_SECRET]).await?;
    code::forget_history(place).await?;
    good(&format!("nothing is stored below /{}/ any more", place.stack));
    let foundation = Stack::find(&place.aws, &place.foundation()).await?;
    if let Some(bucket) = foundation.as_ref().and_then(|stack| stack.outputs.get("ConversationsBucketName")) {
        note(&format!(
            "the conversations are kept in s3://{bucket}: make deploy-all goes on with them, \
             make destroy-data CONFIRM={} deletes them",
            place.stack
        ));
    }
    Ok(())
}

/// Somebody deleted the stack by hand: which function URL it had is not known any more, only in which region.
async fn remove_webhook_left_behind(place: &Place) -> Result<()> {
    let Some(token) = secrets::stored(place).await?.telegram_token else {
        note(NO_WEBHOOK);
        return Ok(());
    };
    let telegram = Telegram::new(&place::telegram_url(None), token.value)?;
    let region = place.aws.region().await;
    remove_webhook(&telegram, |url| region.is_some() && webhook::region_of(url) == region.as_deref()).await
}

/// Only ours: one that points elsewhere is another program's by now.
async fn remove_webhook(telegram: &Telegram, ours: impl Fn(&str) -> bool) -> Result<()> {
    match telegram.webhook().await {
        Ok(info) if info["url"].as_str().is_some_and(ours) => {
            telegram.call("deleteWebhook", &json!({ "drop_pending_updates": false })).await?;
            good("removed; what people write from now on waits at Telegram for a day");
        }
        Ok(info) if info["url"] == "" => good("removed before"),
        Ok(info) => note(&format!("{} is another program's, and stays", info["url"].as_str().unwrap_or_default())),
        // With a void token there is nothing left at Telegram that could be removed.
        Err(error) if format!("{error}").contains("refuses the token") => {
            note("the stored token is void: nothing to remove")
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn look_at_what_is_queued(place: &Place, deployed: &Deployed) -> Result<()> {
    let (Ok(queue), Ok(dlq)) = (deployed.output("QueueUrl"), deployed.output("DlqUrl")) else { return Ok(()) };
    let (waiting, dead) = settled(&place.aws, queue, dlq).await?;
    if waiting + dead == 0 {
        good("empty: everybody has an answer");
        return Ok(());
    }
    let loss = format!("{waiting} updates wait for an answer and {dead} lie in the dead-letter queue");
    if given("CONFIRM").as_deref() == Some(place.stack.as_str()) {
        note(&format!("{loss}: they are lost with the queues, as CONFIRM={} says", place.stack));
        return Ok(());
    }
    if terminal::present() && terminal::agrees(&format!("  {loss}. Lose them?")) {
        return Ok(());
    }
    bail!(
        "{loss}, and would be lost\n    ▸ let them be answered first (make resume, make replay), or make destroy \
         CONFIRM={}; the webhook is removed already, make deploy-all sets it again",
        place.stack
    )
}

/// What is in both queues once nothing is under way any more.
async fn settled(aws: &Aws, queue: &str, dlq: &str) -> Result<(u64, u64)> {
    let (began, mut since, mut last) = (Instant::now(), Instant::now(), None);
    loop {
        let both = tokio::try_join!(depth(aws, queue), depth(aws, dlq))?;
        if last != Some(both) {
            (since, last) = (Instant::now(), Some(both));
        }
        let (queue, dlq) = both;
        if queue.in_flight == 0 && since.elapsed() > SETTLED || began.elapsed() > LONGEST_TURN {
            return Ok((queue.waiting + queue.in_flight, dlq.waiting + dlq.in_flight));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// One that a deletion cut off half-way took along holds nothing any more.
async fn depth(aws: &Aws, url: &str) -> Result<Depth> {
    match queue::depth(aws, url).await {
        Err(error) if Trouble::says(&error, "queue does not exist") => Ok(Depth { waiting: 0, in_flight: 0 }),
        outcome => outcome,
    }
}

/// The conversations, the pictures, all code: everything that a destroyed bot left.
///
/// # Errors
/// When it is not confirmed, or the bot is not destroyed yet.
pub async fn destroy_data(place: &Place) -> Result<()> {
    if given("CONFIRM").as_deref() != Some(place.stack.as_str()) {
        bail!(
            "this deletes every conversation of {stack}, for good\n    ▸ if that is meant: make destroy-data CONFIRM={stack}",
            stack = place.stack
        );
    }
    if Stack::find(&place.aws, &place.stack).await?.is_some() {
        bail!("the bot is still there\n    ▸ make destroy first");
    }
    let Some(foundation) = Stack::find(&place.aws, &place.foundation()).await? else {
        good(&format!("stack {} is not there", place.foundation()));
        return Ok(());
    };
    let names = ["ConversationsBucketName", "ArtifactsBucketName"];
    let buckets: Vec<&String> = names.iter().filter_map(|name| foundation.outputs.get(*name)).collect();
    step("Buckets");
    for bucket in &buckets {
        let deleted = empty(place, bucket).await.with_context(|| format!("emptying {bucket}"))?;
        good(&format!("{bucket}: {deleted} versions deleted"));
    }
    // Before the stack: only it knows their names, should this be interrupted. The template keeps them, so that no
    // mistake with the stack deletes a conversation.
    for bucket in &buckets {
        match place.aws.call(&["s3api", "delete-bucket", "--bucket", bucket]).await {
            Err(error) if !Trouble::is(&error, "NoSuchBucket") => return Err(error),
            _ => good(&format!("{bucket} is gone")),
        }
    }
    step("Foundation");
    cloudformation::delete(&place.aws, &place.foundation()).await?;
    good(&format!("stack {} is gone", place.foundation()));
    Ok(())
}

/// Every version of every object, and every mark of a deletion; how many.
async fn empty(place: &Place, bucket: &str) -> Result<usize> {
    let mut deleted = 0;
    loop {
        let args = ["s3api", "list-object-versions", "--bucket", bucket, "--max-items", "1000"];
        let listed = match place.aws.call(&args).await {
            Ok(listed) => listed,
            Err(error) if Trouble::is(&error, "NoSuchBucket") => return Ok(deleted),
            Err(error) => return Err(error),
        };
        let all = ["Versions", "DeleteMarkers"].into_iter().filter_map(|list| listed[list].as_array()).flatten();
        let objects: Vec<Value> =
            all.map(|object| json!({ "Key": object["Key"], "VersionId": object["VersionId"] })).collect();
        if objects.is_empty() {
            return Ok(deleted);
        }
        // The CLI counts the versions alone; the marks of deletions come on top.
        for batch in objects.chunks(BATCH) {
            delete(place, bucket, batch).await?;
        }
        deleted += objects.len();
    }
}

async fn delete(place: &Place, bucket: &str, objects: &[Value]) -> Result<()> {
    let request = json!({ "Objects": objects, "Quiet": true }).to_string();
    let args = ["s3api", "delete-objects", "--bucket", bucket, "--delete", STDIN];
    let answer = place.aws.call_with(&args, &request).await?;
    if let Some(refused) = answer["Errors"].get(0) {
        bail!("S3 keeps {}: {}", refused["Key"], refused["Message"]);
    }
    Ok(())
}
