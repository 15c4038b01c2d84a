//! From nothing to a running bot, through all that happens to it, and back.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::processes::Watch;
use crate::rotations::{
    gemini_key_changes_only_for_one_that_works, people_write_during_a_pause, telegram_token_changes_while_people_write,
    webhook_secret_changes_under_fire,
};
use crate::world::World;

pub(crate) const TOKEN: &str = "987654321:AAHcanary-the-first-token-of-the-bot";
pub(crate) const NEW_TOKEN: &str = "987654321:AAHcanary-the-second-token-of-it";
pub(crate) const KEY: &str = "canary-the-first-key-of-gemini";
pub(crate) const NEW_KEY: &str = "canary-the-second-key-of-gemini";

/// Under another name than the usual one, from which every other name must follow.
/// One test, since each step needs the one before, and a deployment takes its time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_is_deployed_updated_rotated_and_destroyed_and_loses_nothing() {
    let mut world = World::start(TOKEN, KEY).await;
    world.set("STACK", "second-bot");
    let watch = Watch::begin();
    let mut secrets = vec![TOKEN.to_owned(), NEW_TOKEN.to_owned(), KEY.to_owned(), NEW_KEY.to_owned()];

    deployed_in_spite_of_an_interruption(&mut world).await;
    deployed_again_nothing_changes(&mut world).await;
    secrets.push(world.webhook_secret());
    smoke_check_sees_what_is_wrong(&mut world).await;
    code_goes_forth_and_back(&mut world).await;
    webhook_secret_changes_under_fire(&mut world).await;
    secrets.push(world.webhook_secret());
    gemini_key_changes_only_for_one_that_works(&mut world).await;
    people_write_during_a_pause(&mut world).await;
    telegram_token_changes_while_people_write(&mut world).await;
    settings_change_alone(&mut world).await;
    let stored = everything_that_is_kept(&world).await;
    destroyed_in_order(&mut world).await;

    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    assert_eq!(watch.seen(&secrets), [""; 0], "in a process's arguments");
    let places =
        [("printed", &world.printed), ("the emulator's log", &world.emulators_log()), ("stacks and logs", &stored)];
    for (place, text) in places {
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "{place}:\n{text}");
    }
}

async fn deployed_in_spite_of_an_interruption(world: &mut World) {
    let told = world.refuses("deploy-all.sh").await;
    assert!(told.contains("no token") && told.contains("@BotFather") && told.contains("no key"), "{told}");

    world.set("TELEGRAM_TOKEN", TOKEN);
    world.set("GEMINI_API_KEY", KEY);
    let mut first = world.begin("deploy-all.sh");
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().expect("it ends before the code is uploaded");
        if line.contains("Code") {
            break;
        }
    }
    let group = format!("-{}", first.id().unwrap());
    assert!(std::process::Command::new("kill").args(["-s", "KILL", "--", &group]).status().unwrap().success());
    first.wait().await.unwrap();

    let told = world.does("deploy-all.sh").await;
    assert!(told.contains("stack second-bot made") && told.contains("went through"), "{told}");
    assert!(told.contains("a stranger is refused: 401") && told.contains("webhook is what was set"), "{told}");
    // From here on the stored ones are meant.
    world.set("TELEGRAM_TOKEN", "");
    world.set("GEMINI_API_KEY", "");
    world.asks("hello").await;
    assert_eq!(world.calls_of("sendMessage"), 1, "the smoke check said something to somebody");
}

async fn deployed_again_nothing_changes(world: &mut World) {
    let before = world.stack("second-bot").await;
    let told = world.does("deploy-all.sh").await;
    for line in [
        "stack second-bot-foundation: nothing changed",
        "worker: unchanged",
        "stack second-bot: nothing changed",
        "menu: unchanged",
    ] {
        assert!(told.contains(line), "no {line}:\n{told}");
    }
    assert!(!told.contains("stored\n"), "{told}");
    assert_eq!(world.stack("second-bot").await, before);
    assert_eq!(world.calls_of("setMyCommands"), 1);
}

/// Somebody changed the webhook by hand.
async fn smoke_check_sees_what_is_wrong(world: &mut World) {
    let secret = world.webhook_secret();
    let url = world.stack("second-bot").await["Outputs"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|output| (output["OutputKey"] == "FunctionUrl").then(|| output["OutputValue"].clone()));
    let by_hand = json!({ "url": url, "secret_token": secret, "max_connections": 3, "allowed_updates": ["poll"] });
    world.tells_telegram(TOKEN, "setWebhook", &by_hand).await;
    let told = world.refuses("operate.sh smoke").await;
    assert!(told.contains("allowed_updates is [\"poll\"], not [\"message\"]"), "{told}");
    let by_hand = json!({ "url": url, "secret_token": secret, "max_connections": 3, "allowed_updates": ["message"] });
    world.tells_telegram(TOKEN, "setWebhook", &by_hand).await;
    let told = world.refuses("operate.sh smoke").await;
    assert!(told.contains("max_connections is 3, not 40"), "{told}");
    world.does("operate.sh webhook").await;
    let told = world.does("operate.sh smoke").await;
    assert!(told.contains("_bot is deployed: https"), "{told}");
}

async fn code_goes_forth_and_back(world: &mut World) {
    let first = code(world).await;
    let told = world.refuses("operate.sh rollback").await;
    assert!(told.contains("no code was deployed before"), "{told}");
    let told = world.does("operate.sh info").await;
    assert!(told.contains("before it       no other code"), "{told}");

    world.change_the_workers_code("second").await;
    world.does("build.sh").await;
    world.cut("operate.sh deploy", "before cloudformation update-stack second-bot").await;
    assert_eq!(code(world).await, first);
    world.cut("operate.sh deploy", "after cloudformation update-stack second-bot").await;
    world.change_the_workers_code("third").await;
    let told = world.does("update.sh").await;
    assert!(told.contains("ingress: unchanged") && told.contains("went through"), "{told}");
    assert!(!told.contains("the template has changed"), "{told}");
    let third = code(world).await;
    world.asks("and with new code?").await;

    // Nobody has seen it, but it ran.
    world.does("operate.sh rollback").await;
    let second = code(world).await;
    assert!(second != first && second != third, "{first}\n{second}\n{third}");
    world.cut("operate.sh rollback", "before cloudformation update-stack").await;
    assert_eq!(code(world).await, second);
    world.cut("operate.sh rollback", "after cloudformation update-stack").await;
    let told = world.does("operate.sh rollback").await;
    assert!(told.contains("it runs already"), "{told}");
    assert_eq!(code(world).await, first);
    let told = world.refuses("operate.sh rollback").await;
    assert!(told.contains("no code was deployed before"), "{told}");
    world.asks("and with the old one?").await;
}

async fn code(world: &World) -> String {
    let stack = world.stack("second-bot").await;
    let parameters = stack["Parameters"].as_array().unwrap();
    parameters.iter().find(|parameter| parameter["ParameterKey"] == "WorkerCodeKey").unwrap().to_string()
}

async fn settings_change_alone(world: &mut World) {
    world.set("ALLOWED_CHATS", "");
    world.set("TELEGRAM_API_URL", "");
    world.set("GEMINI_API_URL", "");
    let told = world.refuses("operate.sh update-env").await;
    assert!(told.contains("ALLOWED_CHATS=*") && told.contains("CHAT_MODEL="), "{told}");

    world.set("ALLOWED_CHATS", "1001,1002");
    world.set("INGRESS_RESERVED_CONCURRENCY", "12");
    // In any language, on a machine that speaks none.
    let prompt = "Ты — лис 🦊, отвечай коротко";
    world.set("SYSTEM_PROMPT", prompt);
    world.set("LC_ALL", "C");
    world.set("PYTHONUTF8", "0");
    world.does("operate.sh update-env").await;
    let told = world.does("operate.sh info").await;
    assert!(told.contains("ALLOWED_CHATS=1001,1002") && told.contains("webhook         set"), "{told}");
    assert!(told.contains(&format!("SYSTEM_PROMPT={prompt}")), "{told}");
    assert!(told.contains("#dashboards/dashboard/second-bot-"), "{told}");
    for name in ["LC_ALL", "PYTHONUTF8", "ALLOWED_CHATS", "INGRESS_RESERVED_CONCURRENCY", "SYSTEM_PROMPT"] {
        world.set(name, "");
    }
    let worker = ["lambda", "get-function-configuration", "--function-name", "second-bot-worker"];
    let worker: Value = serde_json::from_str(&world.aws(&worker).await).unwrap();
    assert_eq!(worker["Environment"]["Variables"]["SYSTEM_PROMPT"], prompt);
    let told = world.does("operate.sh webhook").await;
    assert!(told.contains("12 connections"), "{told}");
    world.does("operate.sh smoke").await;
    world.asks("am I let in?").await;
}

/// Everything of the stacks that AWS shows to who may look: parameters, outputs, events, templates, environments, logs.
async fn everything_that_is_kept(world: &World) -> String {
    let mut all = String::new();
    for stack in ["second-bot", "second-bot-foundation"] {
        for what in ["describe-stacks", "describe-stack-events", "get-template"] {
            all += &world.aws(&["cloudformation", what, "--stack-name", stack]).await;
        }
    }
    all += &world.aws(&["lambda", "list-functions"]).await;
    for group in ["/second-bot/ingress", "/second-bot/worker"] {
        all += &world.aws(&["logs", "filter-log-events", "--log-group-name", group]).await;
    }
    assert!(all.contains("turn ended") && !all.contains("lambdagram-"), "{all}");
    all + &world.unpacked().await
}

async fn destroyed_in_order(world: &mut World) {
    world.does("operate.sh pause").await;
    let told = world.does("operate.sh smoke").await;
    assert!(told.contains("is deployed, but paused (make resume)"), "{told}");
    world.writes("is anybody there?");
    let told = world.refuses("operate.sh destroy").await;
    assert!(told.contains("1 updates wait") && told.contains("CONFIRM=second-bot"), "{told}");
    assert_eq!(world.calls_of("deleteWebhook"), 1, "the webhook goes first");
    let told = world.refuses("operate.sh destroy-data").await;
    assert!(told.contains("CONFIRM=second-bot"), "{told}");

    world.set("CONFIRM", "second-bot");
    let told = world.refuses("operate.sh destroy-data").await;
    assert!(told.contains("make destroy first"), "{told}");
    // Once the stack is gone, nothing else knows where this Telegram is.
    let telegram = world.telegram.url();
    world.set("TELEGRAM_API_URL", &telegram);
    let told = world.cut("operate.sh destroy", "after cloudformation delete-stack").await;
    assert!(told.contains("are lost"), "{told}");
    world.cut("operate.sh destroy", "after ssm delete-parameters").await;
    let told = world.does("operate.sh destroy").await;
    assert!(told.contains("second-bot is not there") && told.contains("conversations are kept"), "{told}");
    let bucket = told.split("s3://").nth(1).unwrap().split(':').next().unwrap().to_owned();
    let kept = world.aws(&["s3api", "list-objects-v2", "--bucket", &bucket]).await;
    assert!(kept.contains("conversations/1001.json"), "{kept}");
    let parameters = world.aws(&["ssm", "describe-parameters"]).await;
    assert!(!parameters.contains("/second-bot/"), "{parameters}");

    world.cut("operate.sh destroy-data", "after s3api delete-objects").await;
    world.cut("operate.sh destroy-data", "after s3api delete-bucket").await;
    world.cut("operate.sh destroy-data", "before cloudformation delete-stack").await;
    world.does("operate.sh destroy-data").await;
    let buckets = world.aws(&["s3api", "list-buckets"]).await;
    assert!(!buckets.contains(&bucket), "{buckets}");
    world.does("operate.sh destroy-data").await;
}
