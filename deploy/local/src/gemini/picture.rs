//! What the simulated image model answers: a sentence and a picture that has to do with the prompt.
//! Magic words: "no image" and "unsafe picture".

use super::draw;
use super::reply::{Outcome, Part};
use super::request::Request;

pub(crate) fn of(request: &Request) -> Outcome {
    let prompt = request.words();
    let said = prompt.to_lowercase();
    if said.contains("unsafe picture") {
        let message = "Unable to show the generated image. The image was filtered out because it violated Google's Generative AI Prohibited Use policy.";
        return Outcome::Cut { reason: "IMAGE_SAFETY", message: Some(message), parts: vec![] };
    }
    if said.contains("no image") {
        let words = Part::Text("I will not draw this, but I can say so. (Simulated Gemini.)".to_owned());
        return Outcome::Cut { reason: "NO_IMAGE", message: None, parts: vec![words] };
    }
    let mut parts = vec![];
    if request.wants("TEXT") {
        parts.push(Part::Text(format!("Drawn by the simulated Gemini: {prompt}")));
    }
    if request.wants("IMAGE") {
        match draw::png(&prompt, request.aspect_ratio()) {
            Some(png) => parts.push(Part::Png(png)),
            None => return Outcome::Cut { reason: "IMAGE_OTHER", message: None, parts: vec![] },
        }
    }
    Outcome::Parts(parts)
}
