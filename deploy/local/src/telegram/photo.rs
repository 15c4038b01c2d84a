//! A picture's size, read from its header: PNG and JPEG.

/// Width and height; `None` if this is no such picture.
pub(crate) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") { png(bytes) } else { jpeg(bytes) }
}

/// `image/png` or `image/jpeg`, by the first bytes.
pub(crate) fn content_type(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" }
}

/// A grey PNG of the same shape, for the smallest of a photo's sizes; none for a picture that is as small itself.
pub(crate) fn thumbnail(width: u32, height: u32) -> Option<(Vec<u8>, u32, u32)> {
    const LONGEST: u32 = 90;
    let long = width.max(height);
    let scaled = |side: u32| (side * LONGEST / long).max(1);
    if long <= LONGEST {
        return None;
    }
    let mut pixels = tiny_skia::Pixmap::new(scaled(width), scaled(height))?;
    pixels.fill(tiny_skia::Color::from_rgba8(128, 128, 128, 255));
    Some((pixels.encode_png().ok()?, pixels.width(), pixels.height()))
}

fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let field = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    (bytes.get(12..16)? == b"IHDR").then_some(())?;
    Some((field(16)?, field(20)?))
}

/// Walks the segments to the first start-of-frame.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let field = |at: usize| Some(u32::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    let mut at = 2;
    loop {
        let marker = (*bytes.get(at)? == 0xff).then_some(*bytes.get(at + 1)?)?;
        match marker {
            // Fill bytes before a marker.
            0xff => at += 1,
            // Start of frame, but for the tables (DHT, JPG, DAC) that have numbers among them.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => return Some((field(at + 7)?, field(at + 5)?)),
            0x01 | 0xd0..=0xd8 => at += 2,
            0xd9 | 0xda => return None,
            _ => at += 2 + usize::try_from(field(at + 2)?).ok()?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn a_png_says_its_size_in_its_first_chunk() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        png.extend([0, 0, 1, 0x40, 0, 0, 0, 0xf0]);
        assert_eq!(size(&png), Some((320, 240)));
    }

    #[test]
    fn a_jpeg_says_its_size_in_its_frame_after_other_segments() {
        let jpeg = [
            &[0xff, 0xd8][..],
            &[0xff, 0xe0, 0, 4, 1, 2],
            &[0xff, 0xc4, 0, 3, 9],
            &[0xff, 0xff, 0xc2, 0, 11, 8, 0, 240, 1, 64, 3],
        ];
        assert_eq!(size(&jpeg.concat()), Some((320, 240)));
    }

    #[test]
    fn anything_else_has_no_size() {
        for bytes in
            [&b""[..], b"GIF89a", b"\x89PNG\r\n\x1a\n", &[0xff, 0xd8], &[0xff, 0xd8, 0xff, 0xda], &[0xff, 0xd8, 0xff]]
        {
            assert_eq!(size(bytes), None, "{bytes:?}");
        }
    }
}
