//! What the simulated text model says: it shows what it was given, in Markdown, and lets magic words show the rare endings.

use serde_json::{Value, json};

use super::media;
use super::reply::{Outcome, Part};
use super::request::Request;

const DRAW: &str = "generate_image";
/// Words that ask for a picture, in lower case; the prompt is what follows them.
const ASKS_FOR_A_PICTURE: &[&str] =
    &["draw me ", "draw ", "paint me ", "paint ", "picture of ", "sketch of ", "sketch ", "нарисуй мне ", "нарисуй "];

/// The answer to a request. The magic words: "unsafe prompt", "unsafe answer", "empty", "max tokens", "markdown", "long".
pub(crate) fn to(request: &Request) -> Outcome {
    let words = request.words();
    let said = words.to_lowercase();
    let has = |magic: &str| said.contains(magic);
    if request.function_responses().contains(&DRAW) {
        return text(
            "Here is the picture. (I am the *simulated* Gemini, so it was drawn by a small program.)".to_owned(),
        );
    }
    if has("unsafe prompt") {
        return Outcome::Blocked("SAFETY");
    }
    if has("unsafe answer") {
        return Outcome::Cut { reason: "SAFETY", message: None, parts: vec![] };
    }
    if has("max tokens") {
        let begun = Part::Text("This answer was going to be a long one, but the limit of output tokens".to_owned());
        return Outcome::Cut { reason: "MAX_TOKENS", message: None, parts: vec![begun] };
    }
    if said.trim() == "empty" || has("empty answer") {
        return Outcome::Parts(vec![]);
    }
    if let Some(prompt) = picture_prompt(&words).or_else(|| request.must_call().then(|| words.clone())) {
        return draw(request, json!({"prompt": prompt}));
    }
    if let Some(prompt) = request.last_drawn().and_then(|drawn| changed(&drawn, &words)) {
        return draw(request, json!({"prompt": prompt, "change_last": true}));
    }
    if has("markdown") || has("show me formatting") {
        return text(MARKDOWN.to_owned());
    }
    if said.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == "long") {
        return text(long());
    }
    text(echo(request, &words))
}

fn text(text: String) -> Outcome {
    Outcome::Parts(vec![Part::Text(text)])
}

fn draw(request: &Request, args: Value) -> Outcome {
    if request.may_call(DRAW) {
        return Outcome::Parts(vec![Part::Call { name: DRAW, args }]);
    }
    let prompt = args["prompt"].as_str().unwrap_or_default();
    text(format!("I would draw *{prompt}*, but this request declares no tool `{DRAW}`. (Simulated Gemini.)"))
}

/// What to draw, if the words ask for a picture.
fn picture_prompt(words: &str) -> Option<String> {
    let lower = words.to_lowercase();
    let asks = ASKS_FOR_A_PICTURE.iter().find_map(|ask| starts_a_word(&lower, ask).map(|at| at + ask.len()))?;
    // Lower case may be longer or shorter than the original; then the lower case has to do.
    let prompt = words.get(asks..).filter(|_| lower.len() == words.len()).or_else(|| lower.get(asks..))?;
    let prompt = prompt.trim().trim_end_matches(['.', '!', '?']);
    (!prompt.is_empty()).then(|| prompt.to_owned())
}

/// The last picture's prompt with what is to be changed, if the words ask for a change: "now with a hat".
fn changed(drawn: &str, words: &str) -> Option<String> {
    let change = ["now ", "make it ", "add "].iter().find_map(|ask| {
        let begins = words.get(..ask.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(ask));
        begins.then(|| words.get(ask.len()..)).flatten()
    })?;
    Some(format!("{drawn}, {}", change.trim().trim_end_matches(['.', '!', '?'])))
}

fn starts_a_word(text: &str, word: &str) -> Option<usize> {
    let found = text.match_indices(word).find(|(at, _)| !text[..*at].ends_with(char::is_alphanumeric));
    found.map(|(at, _)| at)
}

fn echo(request: &Request, words: &str) -> String {
    let mut answer = "**Simulated Gemini** here: no real model was asked.\n\n".to_owned();
    for media in request.media() {
        answer.push_str(&format!("I see {}.\n\n", media::describe(&media)));
    }
    if !words.is_empty() {
        answer.push_str(&format!("You wrote:\n\n> {}\n\n", words.replace('\n', "\n> ")));
    }
    answer.push_str(&remembered(request));
    answer
}

/// Shows that the conversation so far has arrived.
fn remembered(request: &Request) -> String {
    match request.earlier_words().last() {
        None => "This is the **first message** of our conversation that I see.".to_owned(),
        Some(previous) => format!(
            "I see **{} messages** of our conversation, yours and mine. Before this one, you wrote: *{}*",
            request.turn_count(),
            excerpt(previous)
        ),
    }
}

/// One line without marks that would end the emphasis around it.
fn excerpt(words: &str) -> String {
    let line: String = words.replace(['*', '_', '`', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

const MARKDOWN: &str = include_str!("markdown.md");

/// Over 10 000 characters, with code blocks, numbered so that a missing piece shows.
fn long() -> String {
    let mut answer =
        "# A long answer\n\nThe simulated Gemini counts paragraphs, so that a missing one shows.\n".to_owned();
    for number in 1..=32 {
        answer.push_str(&format!(
            "\n## Part {number}\n\nThis is paragraph **{number}** of 32. It is here to fill more than one message: Telegram takes \
             4096 UTF-16 units at a time, so a long answer must be *cut in good places* and no word may be lost. 🦊\n"
        ));
        if number % 4 == 0 {
            answer.push_str(&format!("\n```rust\n{}```\n", code(number)));
        }
    }
    answer
}

fn code(number: usize) -> String {
    let line = |step: usize| format!("    let step_{step} = fox.jump(over(\"lazy dog {number}.{step}\"))?;\n");
    format!("fn part_{number}() -> Result<()> {{\n{}    Ok(())\n}}\n", (1..=8).map(line).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::{changed, picture_prompt};

    #[test]
    fn the_prompt_is_what_follows_the_request_to_draw() {
        assert_eq!(picture_prompt("draw a fox").as_deref(), Some("a fox"));
        assert_eq!(picture_prompt("Please, Draw me a House!").as_deref(), Some("a House"));
        assert_eq!(picture_prompt("a picture of the sea, please").as_deref(), Some("the sea, please"));
        assert_eq!(picture_prompt("Нарисуй лису").as_deref(), Some("лису"));
    }

    #[test]
    fn a_picture_is_changed_in_the_words_that_follow_it() {
        assert_eq!(changed("a fox", "Now with a hat!").as_deref(), Some("a fox, with a hat"));
        assert_eq!(changed("a fox", "thank you"), None);
    }

    #[test]
    fn a_word_that_only_ends_like_one_asks_for_nothing() {
        assert_eq!(picture_prompt("I withdraw money"), None);
        assert_eq!(picture_prompt("draw "), None);
    }
}
