//! The methods of the Bot API by name, and the small ones.

use std::sync::Arc;

use serde_json::{Value, json};

use super::api::Answer;
use super::params::Params;
use super::refusal::Refusal;
use super::server::Shared;
use super::world::World;
use super::{files, send, webhook};

/// Names are case-insensitive.
pub(crate) async fn call(shared: &Arc<Shared>, method: &str, params: &Params) -> Result<Answer, Refusal> {
    let method = method.to_ascii_lowercase();
    if method == "getupdates" {
        return webhook::get_updates(shared, params).await.map(Answer::from);
    }
    shared.with(|world| match method.as_str() {
        "getme" => Ok(get_me(world).into()),
        "setwebhook" => webhook::set(world, params),
        "deletewebhook" => Ok(webhook::delete(world, params)),
        "getwebhookinfo" => Ok(webhook::info(world).into()),
        "sendmessage" => send::message(world, params).map(Answer::from),
        "sendphoto" => send::photo(shared, world, params).map(Answer::from),
        "senddocument" => send::document(shared, world, params).map(Answer::from),
        "sendchataction" => send::action(world, params).map(Answer::from),
        "sendmessagedraft" => send::draft(world, params).map(Answer::from),
        "editmessagetext" => send::edit(world, params).map(Answer::from),
        "deletemessage" => send::delete(world, params).map(Answer::from),
        "getfile" => files::get(world, params).map(Answer::from),
        "setmycommands" => set_my_commands(world, params).map(Answer::from),
        "getmycommands" => Ok(get_my_commands(world, params).into()),
        "answercallbackquery" => answer_callback_query(world, params).map(Answer::from),
        _ => Err(Refusal::new(404, "Not Found: method not found")),
    })
}

fn get_me(world: &World) -> Value {
    let mut me = json!(world.bot);
    me["can_join_groups"] = json!(true);
    me["can_read_all_group_messages"] = json!(world.can_read_all_group_messages);
    for off in [
        "supports_inline_queries",
        "supports_guest_queries",
        "can_connect_to_business",
        "has_main_web_app",
        "has_topics_enabled",
    ] {
        me[off] = json!(false);
    }
    me
}

fn scope(params: &Params) -> String {
    let scope: Value = params.json("scope").unwrap_or(json!({ "type": "default" }));
    format!("{scope} {}", params.text("language_code"))
}

fn set_my_commands(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let unparsed = || Refusal::bad_request("can't parse list of bot commands JSON object");
    let commands: Vec<Value> = params.json("commands").ok_or_else(unparsed)?;
    if commands.len() > 100 {
        return Err(Refusal::bad_request("BOT_COMMANDS_TOO_MUCH"));
    }
    for command in &commands {
        let name = command["command"].as_str().unwrap_or_default().trim_start_matches('/');
        let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || name.len() > 32 || !name.chars().all(valid) {
            return Err(Refusal::bad_request("BOT_COMMAND_INVALID"));
        }
        let description = command["description"].as_str().unwrap_or_default().chars().count();
        if !(1..=256).contains(&description) {
            return Err(Refusal::bad_request("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
    }
    world.commands.insert(scope(params), Value::Array(commands));
    Ok(json!(true))
}

fn get_my_commands(world: &World, params: &Params) -> Value {
    world.commands.get(&scope(params)).cloned().unwrap_or(json!([]))
}

fn answer_callback_query(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    if params.text("text").chars().count() > 200 {
        return Err(Refusal::bad_request("MESSAGE_TOO_LONG"));
    }
    if !world.callback_queries.remove(params.text("callback_query_id")) {
        let late = "query is too old and response timeout expired or query ID is invalid";
        return Err(Refusal::bad_request(late));
    }
    Ok(json!(true))
}
