//! Looks at what a user sent: its kind from its first bytes, its size, and the colour that it mostly has.

use std::collections::HashMap;

use tiny_skia::Pixmap;

use super::request::Media;

/// In words: "a PNG picture, 640 × 480 pixels (12345 bytes), mostly teal".
pub(crate) fn describe(media: &Media) -> String {
    let bytes = media.bytes.len();
    if let Some((width, height)) = jpeg_size(&media.bytes) {
        return format!("a JPEG picture, **{width} × {height}** pixels ({bytes} bytes)");
    }
    if let Ok(picture) = Pixmap::decode_png(&media.bytes) {
        let (width, height) = (picture.width(), picture.height());
        return format!(
            "a PNG picture, **{width} × {height}** pixels ({bytes} bytes), mostly *{}*",
            dominant(&picture)
        );
    }
    format!("something of the type `{}` ({bytes} bytes)", media.mime)
}

/// Whether the bytes begin as a picture does that the API reads: PNG, JPEG, WebP, HEIF.
pub(crate) fn is_picture(bytes: &[u8]) -> bool {
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let heif = bytes.get(4..8) == Some(b"ftyp");
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(b"\xff\xd8\xff") || webp || heif
}

/// Width and height from the frame header (SOF) of a JPEG.
fn jpeg_size(bytes: &[u8]) -> Option<(u16, u16)> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    loop {
        let [0xff, marker, high, low, ..] = *rest else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let [h1, h2, w1, w2] = *rest.get(5..9)? else { return None };
            return Some((u16::from_be_bytes([w1, w2]), u16::from_be_bytes([h1, h2])));
        }
        rest = rest.get(2 + length..)?;
    }
}

/// The name of the colour that most of the sampled pixels are nearest to.
fn dominant(picture: &Pixmap) -> &'static str {
    let pixels = picture.pixels();
    let step = (pixels.len() / 10_000).max(1);
    let mut votes = HashMap::new();
    for pixel in pixels.iter().step_by(step).map(|pixel| pixel.demultiply()) {
        let name = if pixel.alpha() < 128 { "transparent" } else { nearest(pixel.red(), pixel.green(), pixel.blue()) };
        *votes.entry(name).or_insert(0) += 1;
    }
    votes.into_iter().max_by_key(|(name, count)| (*count, *name)).map_or("nothing", |(name, _)| name)
}

const COLOURS: &[(&str, [u8; 3])] = &[
    ("black", [0, 0, 0]),
    ("white", [255, 255, 255]),
    ("grey", [128, 128, 128]),
    ("red", [220, 30, 30]),
    ("orange", [240, 130, 30]),
    ("yellow", [245, 220, 50]),
    ("green", [50, 160, 60]),
    ("dark green", [15, 75, 35]),
    ("teal", [20, 140, 140]),
    ("sky blue", [130, 195, 240]),
    ("blue", [40, 80, 220]),
    ("navy", [15, 25, 80]),
    ("purple", [120, 50, 160]),
    ("pink", [245, 150, 190]),
    ("brown", [120, 75, 40]),
    ("beige", [235, 220, 190]),
];

fn nearest(red: u8, green: u8, blue: u8) -> &'static str {
    let distance = |colour: &[u8; 3]| {
        [red, green, blue].iter().zip(colour).map(|(a, b)| (i32::from(*a) - i32::from(*b)).pow(2)).sum::<i32>()
    };
    COLOURS.iter().min_by_key(|(_, colour)| distance(colour)).map_or("grey", |(name, _)| name)
}
