//! The `entities` array as the Bot API server reads it. An array that cannot be read at all is as good as absent;
//! an entity that cannot refuses the message.

use serde_json::{Map, Value, json};

use super::super::entity::{Entity, Kind};
use super::super::params::Params;
use super::super::refusal::Refusal;

pub(super) fn entities(params: &Params, name: &str) -> Result<Vec<Entity>, Refusal> {
    let given = params.json::<Vec<Value>>(name).unwrap_or_default();
    let mut entities = Vec::new();
    for value in &given {
        let unparsed = |why| Refusal::bad_request(format!("can't parse MessageEntity: {why}"));
        entities.extend(entity(value).map_err(unparsed)?);
    }
    Ok(entities)
}

/// `None`: of a kind that Telegram finds by itself.
fn entity(value: &Value) -> Result<Option<Entity>, String> {
    let object = value.as_object().ok_or("expected an Object")?;
    let (offset, length) = (integer(object, "offset")?, integer(object, "length")?);
    let name = text(object, "type")?;
    if name.is_empty() {
        return Err("Type is not specified".to_owned());
    }
    let kind: Kind = serde_json::from_value(json!(name)).map_err(|_| "Unsupported type specified")?;
    if kind.is_found() {
        return Ok(None);
    }
    let mut entity = Entity::new(kind, offset, length);
    match kind {
        Kind::Pre => entity.language = optional_text(object, "language")?.filter(|language| !language.is_empty()),
        Kind::TextLink => entity.url = Some(text(object, "url")?),
        Kind::TextMention => {
            let user = object.get("user").ok_or_else(|| missing("user"))?;
            let user = user.as_object().ok_or(r#"Field "user" must be of type Object"#)?;
            entity.user = Some(json!({ "id": integer(user, "id")? }));
        }
        Kind::CustomEmoji => entity.custom_emoji_id = Some(integer(object, "custom_emoji_id")?.to_string()),
        Kind::DateTime => {
            entity.unix_time = Some(integer(object, "unix_time")?);
            entity.date_time_format = optional_text(object, "date_time_format")?.filter(|format| !format.is_empty());
            let format = entity.date_time_format.as_deref().unwrap_or_default();
            if !matches!(format, "r" | "R") && format.contains(|c| !"tTdDwW".contains(c)) {
                return Err("Invalid date-time format specified".to_owned());
            }
        }
        _ => {}
    }
    Ok(Some(entity))
}

fn missing(name: &str) -> String {
    format!("Can't find field \"{name}\"")
}

/// A number, or a number in a text.
fn integer(object: &Map<String, Value>, name: &str) -> Result<i64, String> {
    match object.get(name) {
        Some(Value::Number(number)) => {
            number.as_i64().ok_or_else(|| format!("Can't parse as an integer string \"{number}\""))
        }
        Some(Value::String(text)) => text.parse().map_err(|_| format!("Can't parse as an integer string \"{text}\"")),
        Some(_) => Err(format!("Field \"{name}\" must be a Number")),
        None => Err(missing(name)),
    }
}

fn text(object: &Map<String, Value>, name: &str) -> Result<String, String> {
    optional_text(object, name)?.ok_or_else(|| missing(name))
}

fn optional_text(object: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match object.get(name) {
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(format!("Field \"{name}\" must be of type String")),
        None => Ok(None),
    }
}
