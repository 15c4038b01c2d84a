//! A calm composition of discs, arcs and dots, whose colours and places come from the prompt alone.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::canvas::Canvas;

/// Background from and to, and four colours that go with it.
const PALETTES: &[[u32; 6]] = &[
    [0xfdf0d5, 0xf7d9b7, 0xc1121f, 0x003049, 0x669bbc, 0xf4a259],
    [0x0b132b, 0x1c2541, 0x5bc0be, 0x6fffe9, 0xf4d35e, 0xee6c4d],
    [0xf1faee, 0xd8ecea, 0xe63946, 0x457b9d, 0x1d3557, 0xa8dadc],
    [0x2b193d, 0x4b2e5e, 0xf2b5d4, 0xeff7f6, 0x7bdff2, 0xf7a072],
    [0xe9f5db, 0xcfe1b9, 0x718355, 0x31572c, 0xf2cc8f, 0xe07a5f],
    [0xfff8f0, 0xfbe3e8, 0x5d5fef, 0xff6b6b, 0xffd166, 0x06a77d],
];

pub(super) fn draw(canvas: &mut Canvas, prompt: &str) {
    let mut dice = Dice::new(prompt);
    let Some(palette) = PALETTES.get(dice.below(PALETTES.len())) else { return };
    let [from, to, inks @ ..] = palette;
    canvas.band(0.0, 100.0, *from, *to);
    let ink = |dice: &mut Dice, alpha: u32| inks.get(dice.below(inks.len())).copied().unwrap_or(0) | alpha;
    for _ in 0..5 {
        let (x, y, radius) = (dice.within(0.1, 0.9) * canvas.width, dice.within(10.0, 90.0), dice.within(12.0, 30.0));
        let rgba = ink(&mut dice, 0xb000_0000);
        canvas.circle(x, y, radius, rgba);
    }
    for _ in 0..4 {
        let (x, y, reach) = (dice.within(0.0, 0.8) * canvas.width, dice.within(10.0, 90.0), dice.within(20.0, 50.0));
        let rgba = ink(&mut dice, 0xe000_0000);
        let bend = dice.within(-40.0, 40.0);
        canvas.line(
            &format!("M {x} {y} Q {} {} {} {y}", x + reach / 2.0, y + bend, x + reach),
            dice.within(0.8, 3.5),
            rgba,
        );
    }
    let (left, top) = (dice.within(0.1, 0.6) * canvas.width, dice.within(15.0, 60.0));
    let rgba = ink(&mut dice, 0);
    for dot in 0..25_u8 {
        canvas.circle(left + f32::from(dot % 5) * 4.0, top + f32::from(dot / 5) * 4.0, 0.8, rgba);
    }
}

/// Numbers that depend on nothing but the prompt (SplitMix64).
struct Dice(u64);

impl Dice {
    fn new(prompt: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        prompt.hash(&mut hasher);
        Self(hasher.finish())
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end.max(1) as u64) as usize
    }

    fn within(&mut self, from: f32, to: f32) -> f32 {
        from + (to - from) * (self.roll() % 10_000) as f32 / 10_000.0
    }
}
