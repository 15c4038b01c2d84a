//! Refuses what the API refuses: JSON that is none, names and types (`schema.rs`), the order of turns (`turns.rs`),
//! and parameters that the model at hand does not take.

use serde_json::Value;

use super::models::{Model, Purpose};
use super::refusal::Refusal;
use super::request::{Request, field};
use super::{schema, turns};

/// The ratios and sizes of the image models; 512 went away with gemini-3.1-flash-image.
const RATIOS: &[&str] =
    &["1:1", "1:4", "1:8", "2:3", "3:2", "3:4", "4:1", "4:3", "4:5", "5:4", "8:1", "9:16", "16:9", "21:9"];
const SIZES: &[&str] = &["1K", "2K", "4K"];

pub(crate) fn parse(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::invalid(format!("Invalid JSON payload received. {error}")))
}

pub(crate) fn check(json: &Value, model: &Model) -> Result<(), Refusal> {
    schema::check(json)?;
    turns::check(json)?;
    functions(json, model)?;
    let request = Request::new(json.clone());
    sampling(&request, model)?;
    thinking(&request, model)?;
    modalities(&request, model)
}

fn functions(json: &Value, model: &Model) -> Result<(), Refusal> {
    let tools = field(json, "tools").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let declared = tools.iter().filter_map(|tool| field(tool, "functionDeclarations")?.as_array()).flatten();
    for (index, function) in declared.enumerate() {
        let name = function.get("name").and_then(Value::as_str).unwrap_or_default();
        if !is_function_name(name) {
            return Err(Refusal::invalid(format!(
                "* GenerateContentRequest.tools[0].function_declarations[{index}].name: Invalid function name. Must start with a \
                 letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes \
                 (-), with a maximum length of 64.\n"
            )));
        }
        if model.purpose == Purpose::Image {
            return Err(Refusal::invalid(format!("Function calling is not enabled for models/{}", model.id)));
        }
    }
    Ok(())
}

fn is_function_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && name.len() <= 64
        && letters.all(|letter| letter.is_ascii_alphanumeric() || "_.:-".contains(letter))
}

fn sampling(request: &Request, model: &Model) -> Result<(), Refusal> {
    let given = |name: &str| request.generation(name).filter(|value| !value.is_null());
    if given("candidateCount").and_then(Value::as_i64).is_some_and(|count| count > 1) {
        return Err(Refusal::invalid("Multiple candidates is not enabled for this model"));
    }
    if !model.takes_penalties && (given("frequencyPenalty").is_some() || given("presencePenalty").is_some()) {
        return Err(Refusal::invalid(format!("Penalty is not enabled for models/{}", model.id)));
    }
    if given("maxOutputTokens").and_then(Value::as_i64).is_some_and(|limit| !(1..=65_536).contains(&limit)) {
        return Err(Refusal::invalid(
            "* GenerateContentRequest.generation_config.max_output_tokens: max_output_tokens must be in the range [1, 65536].\n",
        ));
    }
    if given("responseSchema").is_some() && given("responseJsonSchema").is_some() {
        return Err(Refusal::invalid("Only one of response_schema and response_json_schema can be set."));
    }
    Ok(())
}

fn thinking(request: &Request, model: &Model) -> Result<(), Refusal> {
    let Some(config) = request.generation("thinkingConfig") else { return Ok(()) };
    let level = field(config, "thinkingLevel").and_then(Value::as_str).map(str::to_uppercase);
    let budget = field(config, "thinkingBudget").filter(|value| !value.is_null());
    if budget.is_some() && level.is_some() {
        return Err(Refusal::invalid("You can only set only one of thinking budget and thinking level."));
    }
    if budget.is_some() && !model.takes_budget {
        return Err(Refusal::invalid("Thinking budget is not supported for this model. Use thinking level instead."));
    }
    match level {
        Some(level) if level != "THINKING_LEVEL_UNSPECIFIED" && !model.levels.contains(&level.as_str()) => {
            Err(Refusal::invalid(format!("Thinking level {level} is not supported for this model.")))
        }
        _ => Ok(()),
    }
}

fn modalities(request: &Request, model: &Model) -> Result<(), Refusal> {
    let asked = request.generation("responseModalities").and_then(Value::as_array);
    let asked: Vec<String> = asked.into_iter().flatten().filter_map(Value::as_str).map(str::to_uppercase).collect();
    let refused = match model.purpose {
        Purpose::Text => asked.iter().any(|one| one != "TEXT"),
        Purpose::Image => asked.iter().any(|one| one == "AUDIO"),
    };
    if refused {
        let accepted = if model.purpose == Purpose::Text { "* TEXT" } else { "* IMAGE\n* TEXT, IMAGE" };
        return Err(Refusal::invalid(format!(
            "The requested combination of response modalities ({}) is not supported by the model. models/{} accepts the \
             following combinations of response modalities:\n{accepted}\n",
            asked.join(", "),
            model.id
        )));
    }
    picture_shape(request, model)
}

fn picture_shape(request: &Request, model: &Model) -> Result<(), Refusal> {
    let Some(config) = request.generation("imageConfig") else { return Ok(()) };
    if model.purpose == Purpose::Text {
        return Err(Refusal::invalid(format!("Image config is not supported for models/{}", model.id)));
    }
    let wrong = |name: &str, known: &[&str]| {
        field(config, name).and_then(Value::as_str).filter(|value| !known.contains(value)).map(str::to_owned)
    };
    if let Some(ratio) = wrong("aspectRatio", RATIOS) {
        return Err(Refusal::invalid(format!(
            "aspect_ratio \"{ratio}\" is not supported: use one of {}.",
            RATIOS.join(", ")
        )));
    }
    match wrong("imageSize", SIZES) {
        Some(size) => {
            Err(Refusal::invalid(format!("image_size \"{size}\" is not supported: use one of {}.", SIZES.join(", "))))
        }
        None => Ok(()),
    }
}
