//! A pixmap that is 100 units high whatever its size, and shapes on it in one line each.

use tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LinearGradient, Paint, PathBuilder, Pixmap, Point, Rect, Shader,
    SpreadMode, Stroke, Transform,
};

pub(super) struct Canvas {
    pixmap: Pixmap,
    /// In units; the height is 100.
    pub(super) width: f32,
    place: Transform,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32) -> Option<Self> {
        let unit = height as f32 / 100.0;
        let place = Transform::from_scale(unit, unit);
        Some(Self { pixmap: Pixmap::new(width, height)?, width: width as f32 / unit, place })
    }

    pub(super) fn png(&self) -> Option<Vec<u8>> {
        self.pixmap.encode_png().ok()
    }

    /// Draws with the origin at `x`, `y` and everything `scale` times as large.
    pub(super) fn at(&mut self, x: f32, y: f32, scale: f32, draw: impl FnOnce(&mut Self)) {
        let before = self.place;
        self.place = before.pre_translate(x, y).pre_scale(scale, scale);
        draw(self);
        self.place = before;
    }

    /// A vertical gradient from `top` to `bottom` over the whole width.
    pub(super) fn band(&mut self, top: f32, bottom: f32, from: u32, to: u32) {
        let Some(rect) = Rect::from_ltrb(0.0, top, self.width, bottom) else { return };
        let stops = vec![GradientStop::new(0.0, colour(from)), GradientStop::new(1.0, colour(to))];
        let (start, end) = (Point::from_xy(0.0, top), Point::from_xy(0.0, bottom));
        let shader = LinearGradient::new(start, end, stops, SpreadMode::Pad, Transform::identity());
        let paint = Paint { shader: shader.unwrap_or(Shader::SolidColor(colour(to))), ..Paint::default() };
        self.pixmap.fill_rect(rect, &paint, self.place, None);
    }

    /// Fills an outline in the letters of SVG: `M`, `L`, `Q`, `C`, `Z`, all absolute.
    pub(super) fn shape(&mut self, outline: &str, rgba: u32) {
        if let Some(path) = parse(outline) {
            self.pixmap.fill_path(&path, &solid(rgba), FillRule::Winding, self.place, None);
        }
    }

    pub(super) fn line(&mut self, outline: &str, width: f32, rgba: u32) {
        if let Some(path) = parse(outline) {
            let stroke = Stroke { width, line_cap: LineCap::Round, ..Stroke::default() };
            self.pixmap.stroke_path(&path, &solid(rgba), &stroke, self.place, None);
        }
    }

    pub(super) fn circle(&mut self, x: f32, y: f32, radius: f32, rgba: u32) {
        self.ellipse(x, y, radius, radius, rgba);
    }

    pub(super) fn ellipse(&mut self, x: f32, y: f32, rx: f32, ry: f32, rgba: u32) {
        let oval = Rect::from_ltrb(x - rx, y - ry, x + rx, y + ry).and_then(PathBuilder::from_oval);
        if let Some(path) = oval {
            self.pixmap.fill_path(&path, &solid(rgba), FillRule::Winding, self.place, None);
        }
    }
}

/// `0xRRGGBB`, or `0xAARRGGBB` where the alpha is not 00.
fn colour(rgba: u32) -> Color {
    let [alpha, red, green, blue] = rgba.to_be_bytes();
    Color::from_rgba8(red, green, blue, if alpha == 0 { 255 } else { alpha })
}

fn solid(rgba: u32) -> Paint<'static> {
    Paint { shader: Shader::SolidColor(colour(rgba)), anti_alias: true, ..Paint::default() }
}

fn parse(outline: &str) -> Option<tiny_skia::Path> {
    let mut builder = PathBuilder::new();
    let mut words = outline.split([' ', ',']).filter(|word| !word.is_empty()).peekable();
    while let Some(letter) = words.next() {
        let mut next = || words.next().and_then(|word| word.parse::<f32>().ok());
        match letter {
            "M" => builder.move_to(next()?, next()?),
            "L" => builder.line_to(next()?, next()?),
            "Q" => builder.quad_to(next()?, next()?, next()?, next()?),
            "C" => builder.cubic_to(next()?, next()?, next()?, next()?, next()?, next()?),
            "Z" => builder.close(),
            _ => return None,
        }
    }
    builder.finish()
}
