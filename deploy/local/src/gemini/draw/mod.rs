//! Draws what a prompt asks for, as far as a small program can: a scene of the things that it knows (`scene.rs`),
//! else a composition in colours that come from the prompt (`abstraction.rs`).

mod abstraction;
mod animals;
mod canvas;
mod scene;
mod things;

use canvas::Canvas;

/// A PNG for the prompt, with about as many pixels as a square of [`SIDE`]; none if memory is short.
pub(crate) fn png(prompt: &str, aspect_ratio: &str) -> Option<Vec<u8>> {
    let (width, height) = size(aspect_ratio);
    let mut canvas = Canvas::new(width, height)?;
    if !scene::draw(&mut canvas, &prompt.to_lowercase()) {
        abstraction::draw(&mut canvas, prompt);
    }
    canvas.png()
}

/// The API's 1K.
const SIDE: f32 = 1024.0;

fn size(aspect_ratio: &str) -> (u32, u32) {
    let ratio = aspect_ratio.split_once(':').and_then(|(width, height)| {
        let (width, height): (f32, f32) = (width.parse().ok()?, height.parse().ok()?);
        (width > 0.0 && height > 0.0).then_some(width / height)
    });
    let root = ratio.unwrap_or(1.0).clamp(0.1, 10.0).sqrt();
    ((SIDE * root).round() as u32, (SIDE / root).round() as u32)
}

#[cfg(test)]
mod tests {
    use super::{png, size};

    #[test]
    fn the_aspect_ratio_decides_the_shape_and_not_the_area() {
        assert_eq!(size("1:1"), (1024, 1024));
        assert_eq!(size("4:1"), (2048, 512));
        assert_eq!(size("nonsense"), (1024, 1024));
    }

    #[test]
    fn the_same_prompt_gives_the_same_picture_and_another_one_another() {
        assert_eq!(png("rhythm", "1:1"), png("rhythm", "1:1"));
        assert_ne!(png("rhythm", "1:1"), png("melody", "1:1"));
    }
}
