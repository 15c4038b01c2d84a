//! Changing a secret while the bot is at work. No update is lost, and each rotation may be interrupted and repeated.

use anyhow::{Result, anyhow, ensure};
use secrecy::{ExposeSecret, SecretString};

use crate::cloudformation::{self, Template};
use crate::deploy::{of_secrets, tell};
use crate::gemini::Gemini;
use crate::place::{self, Deployed, Place, given};
use crate::say::{good, note, say, step};
use crate::secrets::{self, GEMINI_KEY, NEXT_WEBHOOK_SECRET, Stored, TELEGRAM_TOKEN, WEBHOOK_SECRET};
use crate::telegram::Telegram;
use crate::trigger::{self, Trigger};
use crate::{terminal, webhook};

const IN_USE: &str = "this is the one in use: nothing is left to rotate\n    ▸ if there is a new one, unset {variable} or \
    give the new one in it; make smoke tries the bot as it is";

/// The ingress knows both secrets before Telegram has the new one, and forgets the old one last. A delivery that is
/// still under way with the old one then is refused, and Telegram repeats it with the new one.
///
/// # Errors
/// What is wrong; repeated, it goes on.
pub async fn webhook_secret(place: &Place) -> Result<()> {
    let mut stored = place.deployed().await?.stored;
    step("The ingress takes both secrets");
    // One that an interrupted rotation made may be with Telegram already.
    let next = match stored.next_webhook_secret {
        Some(next) => next,
        None => secrets::keep(place, NEXT_WEBHOOK_SECRET, secrets::random()?).await?,
    };
    stored.next_webhook_secret = Some(next.clone());
    let deployed = tell_the_functions(place, stored).await?;
    step("Telegram gets the new one");
    webhook::point(place, &deployed, &deployed.telegram()?, &next.value).await?;
    step("The ingress forgets the old one");
    let mut stored = deployed.stored;
    stored.webhook_secret = Some(secrets::keep(place, WEBHOOK_SECRET, next.value).await?);
    secrets::forget(place, &[NEXT_WEBHOOK_SECRET]).await?;
    stored.next_webhook_secret = None;
    tell_the_functions(place, stored).await?;
    Ok(())
}

/// What is under way ends with the old key; what begins after has the new one.
///
/// # Errors
/// When Gemini refuses the new key: the old one stays.
pub async fn gemini_key(place: &Place) -> Result<()> {
    let mut before = place.deployed().await?;
    let key = secrets::ask("GEMINI_API_KEY").await?;
    let known = same(before.stored.gemini_key.as_ref(), &key);
    ensure!(!(known && in_use(&before)), IN_USE.replace("{variable}", "GEMINI_API_KEY"));
    step("The new key");
    Gemini::new(&place::gemini_url(Some(&before.stack.parameters)), key.clone())?.check_key().await?;
    good("Gemini takes it");
    if known {
        good("it is the one that is stored");
    } else {
        before.stored.gemini_key = Some(secrets::keep(place, GEMINI_KEY, key).await?);
    }
    step("The worker reads it");
    tell_the_functions(place, before.stored).await?;
    note("what was under way may use the old key for two minutes more; after that it can be deleted");
    Ok(())
}

/// BotFather makes the old token void at the moment in which it gives the new one. So the worker stops before, and
/// what comes meanwhile waits: at Telegram, and on the queue.
///
/// # Errors
/// When Telegram refuses the new token or it is another bot's. The worker then stays paused, and nothing is lost.
pub async fn telegram_token(place: &Place) -> Result<()> {
    let before = place.deployed().await?;
    secrets::can_ask("TELEGRAM_TOKEN")?;
    let trigger = Trigger::of(place, &before)?;
    // As a rotation leaves it that is cut off: then what it has done already is no reason to stop.
    let goes_on = trigger.is_paused().await?;
    if let Some(token) = given("TELEGRAM_TOKEN").map(SecretString::from) {
        refuse_the_one_in_use(&before, &token, goes_on)?;
    }
    step("The worker pauses");
    trigger.pause().await?;
    trigger::drained(place, &before).await?;
    // Whatever ends the rotation half-way, the old token may be void by then: nobody could be answered with it.
    replace_token(place, before, goes_on).await.map_err(|error| {
        anyhow!(
            "{error:#}\n    ▸ the worker stays paused, and what people write waits: make rotate-telegram-token with the \
             right token goes on; where the stored one is valid, make resume does"
        )
    })?;
    step("The worker goes on");
    trigger.resume().await
}

async fn replace_token(place: &Place, mut before: Deployed, goes_on: bool) -> Result<()> {
    let token = new_token().await?;
    step("The new token");
    let telegram = Telegram::new(&place::telegram_url(Some(&before.stack.parameters)), token.clone())?;
    let me = telegram.me().await?;
    let old = before.stored.telegram_token.as_ref().map(|old| old.value.expose_secret().to_owned()).unwrap_or_default();
    ensure!(
        old.is_empty() || old.split(':').next() == token.expose_secret().split(':').next(),
        "this token is @{}'s, another bot than the one deployed here",
        me.username
    );
    good(&format!("@{} takes it", me.username));
    if same(before.stored.telegram_token.as_ref(), &token) {
        refuse_the_one_in_use(&before, &token, goes_on)?;
        good("it is the one that is stored");
    } else {
        before.stored.telegram_token = Some(secrets::keep(place, TELEGRAM_TOKEN, token).await?);
    }
    step("The worker reads it");
    let deployed = tell_the_functions(place, before.stored).await?;
    step("The webhook");
    webhook::point(place, &deployed, &telegram, &deployed.webhook_secret()?).await
}

fn refuse_the_one_in_use(before: &Deployed, token: &SecretString, goes_on: bool) -> Result<()> {
    let known = same(before.stored.telegram_token.as_ref(), token);
    ensure!(goes_on || !(known && in_use(before)), IN_USE.replace("{variable}", "TELEGRAM_TOKEN"));
    Ok(())
}

async fn new_token() -> Result<SecretString> {
    if given("TELEGRAM_TOKEN").is_none() && terminal::present() {
        note(
            "the worker is paused, and what people write waits. Ctrl-C leaves it so: then make rotate-telegram-token goes \
             on, or make resume with the token that is stored",
        );
        say(
            "  Now ask @BotFather for a new token: /mybots ▸ the bot ▸ API Token ▸ Revoke current token. Paste it here.",
        );
    }
    secrets::ask("TELEGRAM_TOKEN").await
}

/// Whether the functions have been told of what is stored: then nothing of a rotation is left to do.
fn in_use(deployed: &Deployed) -> bool {
    !deployed.stack.is_busy() && deployed.stack.parameters.get("Generation") == Some(&deployed.stored.generation())
}

fn same(stored: Option<&secrets::Secret>, given: &SecretString) -> bool {
    stored.is_some_and(|stored| stored.value.expose_secret() == given.expose_secret())
}

/// New hashes for the ingress, new processes for the worker; the bot as it is then. SSM is not asked again: for a moment
/// it may still answer with what was stored before.
async fn tell_the_functions(place: &Place, stored: Stored) -> Result<Deployed> {
    let deployed = cloudformation::deploy(&place.aws, &place.stack, Template::Same, &of_secrets(&stored)?).await?;
    Ok(Deployed { stack: tell(deployed), stored })
}
