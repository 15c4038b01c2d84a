//! A landscape with the things that the prompt names: sky first, then from far to near.

use super::canvas::Canvas;
use super::{animals, things};

/// What a prompt names, in English, German or Russian.
struct Named {
    fox: bool,
    cat: bool,
    house: bool,
    tree: bool,
    sun: bool,
    mountains: bool,
    sea: bool,
    night: bool,
    dusk: bool,
    winter: bool,
    hat: bool,
}

/// Draws it and says so; a prompt that names nothing known is left to others.
pub(super) fn draw(canvas: &mut Canvas, prompt: &str) -> bool {
    let named = Named::read(prompt);
    if !named.anything() {
        return false;
    }
    sky(canvas, &named);
    if named.mountains {
        mountains(canvas, &named);
    }
    if named.sea {
        sea(canvas, &named);
    } else {
        hills(canvas, &named);
    }
    subjects(canvas, &named);
    true
}

impl Named {
    fn read(prompt: &str) -> Self {
        let has = |words: &[&str]| {
            prompt
                .split(|letter: char| !letter.is_alphabetic())
                .any(|word| words.iter().any(|known| word.starts_with(known)))
        };
        let is =
            |words: &[&str]| prompt.split(|letter: char| !letter.is_alphabetic()).any(|word| words.contains(&word));
        Self {
            fox: has(&["fox", "fuchs", "füchs", "лис"]),
            cat: is(&["cat", "cats"]) || has(&["kitten", "katze", "кот", "кош"]),
            house: has(&["house", "home", "cottage", "haus", "дом"]),
            tree: has(&["tree", "forest", "wood", "fir", "baum", "wald", "дерев", "лес"]),
            sun: is(&["sun", "sunny"]) || has(&["sonn", "солн"]),
            mountains: has(&["mountain", "hill", "alps", "berg", "гор"]),
            sea: is(&["sea", "boat", "ship", "lake"]) || has(&["ocean", "beach", "sail", "meer", "мор"]),
            night: has(&["night", "moon", "star", "nacht", "ноч", "лун"]),
            dusk: has(&["sunset", "sunrise", "dusk", "dawn", "evening", "закат"]),
            winter: has(&["snow", "winter", "schnee", "снег", "зим"]),
            hat: is(&["hat", "hats", "hut"]) || has(&["шляп"]),
        }
    }

    fn anything(&self) -> bool {
        let subject = self.fox || self.cat || self.house || self.tree || self.sun;
        subject || self.mountains || self.sea || self.night || self.dusk || self.winter
    }
}

fn sky(canvas: &mut Canvas, named: &Named) {
    let width = canvas.width;
    if named.night {
        canvas.band(0.0, 75.0, 0x101a3f, 0x3f4f86);
        for number in 0..40 {
            let (x, y) = (scatter(number, 0.618) * width, scatter(number, 0.414) * 60.0);
            canvas.at(x, y, 1.0, |at| things::star(at, 0.4 + scatter(number, 0.732) * 0.9));
        }
        canvas.circle(width * 0.78, 20.0, 9.0, 0x30ff_f3d0);
        canvas.circle(width * 0.78, 20.0, 7.0, 0xfff3d0);
        canvas.circle(width * 0.78 - 2.0, 18.5, 1.4, 0xeadfb8);
        canvas.circle(width * 0.78 + 2.2, 22.0, 1.0, 0xeadfb8);
        return;
    }
    let (from, to, sun, sun_y) =
        if named.dusk { (0x4a3b78, 0xffb27a, 0xffd9a0, 50.0) } else { (0x6fbdf0, 0xe6f5fb, 0xffd95a, 21.0) };
    canvas.band(0.0, 75.0, from, to);
    let radius = if named.sun || named.dusk { 11.0 } else { 7.0 };
    for (grow, alpha) in [(2.1, 0x1c00_0000), (1.55, 0x3000_0000)] {
        canvas.circle(width * 0.8, sun_y, radius * grow, sun | alpha);
    }
    canvas.circle(width * 0.8, sun_y, radius, sun);
    for (x, y, scale) in [(0.12, 20.0, 1.0), (0.45, 12.0, 0.75)] {
        canvas.at(width * x, y, scale, things::cloud);
    }
}

fn mountains(canvas: &mut Canvas, named: &Named) {
    let (far, near) = if named.night { (0x39477a, 0x2a3561) } else { (0x93a9c8, 0x6c86ab) };
    let width = canvas.width;
    for (x, peak, half, rgb) in
        [(0.2, 34.0, 30.0, far), (0.86, 38.0, 28.0, far), (0.5, 24.0, 34.0, near), (0.05, 46.0, 24.0, near)]
    {
        canvas.at(width * x, peak, 1.0, |at| {
            let foot = 78.0 - peak;
            at.shape(&format!("M 0 0 L {half} {foot} L {} {foot} Z", -half), rgb);
            let (snow, side) = (foot * 0.28, half * 0.28);
            at.shape(
                &format!(
                    "M 0 0 L {side} {snow} L {} {} L 0 {snow} L {} {} L {} {snow} Z",
                    side * 0.45,
                    snow * 0.75,
                    -side * 0.4,
                    snow * 0.7,
                    -side
                ),
                0xf7fbff,
            );
        });
    }
}

fn hills(canvas: &mut Canvas, named: &Named) {
    let width = canvas.width;
    let [far, middle, near] = match (named.winter, named.night) {
        (true, _) => [0xcfdcec, 0xe3ecf6, 0xf6f9fd],
        (false, true) => [0x24406a, 0x1f4a55, 0x1b4a3f],
        (false, false) => [0xa5d391, 0x86c277, 0x6bb061],
    };
    let x = |part: f32| width * part;
    canvas.shape(
        &format!(
            "M 0 72 C {} 58 {} 60 {} 70 C {} 76 {} 62 {} 66 L {} 100 L 0 100 Z",
            x(0.2),
            x(0.35),
            x(0.5),
            x(0.65),
            x(0.8),
            x(1.0),
            x(1.0)
        ),
        far,
    );
    canvas.shape(
        &format!(
            "M 0 80 C {} 70 {} 84 {} 78 C {} 72 {} 74 {} 80 L {} 100 L 0 100 Z",
            x(0.25),
            x(0.4),
            x(0.6),
            x(0.75),
            x(0.9),
            x(1.0),
            x(1.0)
        ),
        middle,
    );
    canvas.shape(&format!("M 0 88 C {} 82 {} 90 {} 86 L {} 100 L 0 100 Z", x(0.3), x(0.7), x(1.0), x(1.0)), near);
    if named.winter {
        return;
    }
    for number in 0..14 {
        let (across, down) = (scatter(number, 0.618) * width, 88.0 + scatter(number, 0.414) * 9.0);
        let petal = [0xffffff, 0xf6a5c0, 0xffe08a][number % 3];
        canvas.at(across, down, 0.7, |at| things::flower(at, petal));
    }
}

fn sea(canvas: &mut Canvas, named: &Named) {
    let (from, to) = if named.night { (0x2a3f7a, 0x14224d) } else { (0x57b6d6, 0x1f6f9f) };
    canvas.band(62.0, 100.0, from, to);
    for number in 0..26 {
        let (x, y) = (scatter(number, 0.618) * canvas.width, 64.0 + scatter(number, 0.414) * 34.0);
        let length = 2.0 + (y - 60.0) / 6.0;
        canvas.line(&format!("M {x} {y} Q {} {} {} {y}", x + length / 2.0, y - 1.0, x + length), 0.5, 0x66ff_ffff);
    }
    if !(named.fox || named.cat || named.house) {
        let x = canvas.width * 0.5 - 19.0;
        canvas.at(x, 38.0, 0.38, things::boat);
    } else {
        let width = canvas.width;
        canvas.shape(
            &format!("M 0 90 C {} 80 {} 84 {width} 88 L {width} 100 L 0 100 Z", width * 0.3, width * 0.7),
            0xf0dcae,
        );
    }
}

/// The named things side by side, the animals in front.
fn subjects(canvas: &mut Canvas, named: &Named) {
    let centre = canvas.width / 2.0;
    let animal = named.fox || named.cat;
    if named.tree {
        trees(canvas, animal || named.house);
    }
    if named.house {
        let (x, y, scale) = if animal { (centre - 46.0, 36.0, 0.5) } else { (centre - 26.0, 36.0, 0.54) };
        canvas.at(x, y, scale, things::house);
    }
    let fox = |canvas: &mut Canvas| {
        animals::fox(canvas);
        if named.hat {
            animals::hat(canvas);
        }
    };
    match (named.fox, named.cat) {
        (true, true) => {
            canvas.at(centre - 46.0, 44.0, 0.52, fox);
            canvas.at(centre - 2.0, 46.0, 0.5, animals::cat);
        }
        (true, false) => canvas.at(if named.house { centre - 14.0 } else { centre - 34.0 }, 28.0, 0.68, fox),
        (false, true) => canvas.at(if named.house { centre - 12.0 } else { centre - 33.0 }, 30.0, 0.66, animals::cat),
        (false, false) => {}
    }
}

fn trees(canvas: &mut Canvas, aside: bool) {
    let width = canvas.width;
    for (x, y, scale) in [(0.02, 38.0, 0.42), (0.7, 36.0, 0.42), (0.84, 44.0, 0.36)] {
        canvas.at(width * x, y, scale, things::fir);
    }
    let (x, scale) = if aside { (width * 0.78, 0.46) } else { (width / 2.0 - 32.0, 0.64) };
    canvas.at(x, 93.0 - 97.0 * scale, scale, things::tree);
}

/// Spreads numbers evenly over 0..1, the same each time.
fn scatter(number: usize, step: f32) -> f32 {
    ((number + 1) as f32 * step).fract()
}
