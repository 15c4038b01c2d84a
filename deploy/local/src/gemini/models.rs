//! The models that the simulation knows, as they stood in November 2026, and what each of them refuses.

use serde_json::{Value, json};

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Purpose {
    Text,
    Image,
}

/// One model; `levels` are the thinking levels it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    pub(crate) id: &'static str,
    pub(crate) purpose: Purpose,
    pub(crate) levels: &'static [&'static str],
    /// `thinkingBudget` is still taken.
    pub(crate) takes_budget: bool,
    /// `frequencyPenalty` and `presencePenalty` are still taken.
    pub(crate) takes_penalties: bool,
}

const LOW_UP: &[&str] = &["LOW", "MEDIUM", "HIGH"];
const LOW_TO_XHIGH: &[&str] = &["LOW", "MEDIUM", "HIGH", "XHIGH"];
const ALL: &[&str] = &["MINIMAL", "LOW", "MEDIUM", "HIGH"];
const PAINTERS: &[&str] = &["MINIMAL", "MEDIUM", "HIGH"];

const MODELS: &[Model] = &[
    gemini_4("gemini-4-neon"),
    gemini_4("gemini-4-hydrogen"),
    gemini_4("gemini-4-carbon"),
    gemini_4("gemini-4-argon"),
    Model { takes_budget: false, levels: LOW_UP, ..gemini_3("gemini-3.8-flash") },
    gemini_3("gemini-3.6-flash"),
    gemini_3("gemini-3.5-flash-lite"),
    gemini_3("gemini-3.1-flash-lite"),
    Model { levels: LOW_UP, ..gemini_3("gemini-3.1-pro-preview") },
    gemini_3("gemini-2.5-pro"),
    gemini_3("gemini-2.5-flash"),
    gemini_3("gemini-2.5-flash-lite"),
    painter("gemini-nano-banana-2.1"),
    painter("gemini-3.1-flash-lite-image"),
    painter("gemini-3-pro-image"),
];

/// Ids that are answered by another model, without a word except `modelVersion`.
const ROUTED: &[(&str, &str)] = &[
    ("gemini-3.7-flash", "gemini-3.8-flash"),
    ("gemini-3.5-flash", "gemini-3.6-flash"),
    ("gemini-flash-latest", "gemini-3.8-flash"),
    ("gemini-flash-lite-latest", "gemini-3.5-flash-lite"),
    ("gemini-pro-latest", "gemini-4-neon"),
];

const fn gemini_3(id: &'static str) -> Model {
    Model { id, purpose: Purpose::Text, levels: ALL, takes_budget: true, takes_penalties: true }
}

const fn gemini_4(id: &'static str) -> Model {
    Model { id, purpose: Purpose::Text, levels: LOW_TO_XHIGH, takes_budget: false, takes_penalties: false }
}

const fn painter(id: &'static str) -> Model {
    Model { id, purpose: Purpose::Image, levels: PAINTERS, takes_budget: false, takes_penalties: true }
}

/// The model that answers for `id`; none when it was never there or has been shut down.
pub(crate) fn find(id: &str) -> Option<Model> {
    let id = ROUTED.iter().find(|(old, _)| *old == id).map_or(id, |(_, new)| new);
    MODELS.iter().find(|model| model.id == id).copied()
}

/// The answer of ListModels.
pub(crate) fn list() -> Value {
    json!({"models": MODELS.iter().map(Model::describe).collect::<Vec<_>>()})
}

impl Model {
    pub(crate) fn describe(&self) -> Value {
        json!({
            "name": format!("models/{}", self.id), "version": self.id, "displayName": self.id,
            "description": "A simulated model: nobody was asked and nothing is charged.",
            "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
        })
    }
}
