//! A house, trees, a boat, flowers: each in a box of 100 × 100 that stands on its bottom, or loose around its origin.

use super::canvas::Canvas;

pub(super) fn house(canvas: &mut Canvas) {
    canvas.ellipse(50.0, 97.0, 50.0, 4.0, 0x3016_2010);
    canvas.shape("M 68 22 L 68 8 L 78 8 L 78 32 Z", 0x9c4a3a);
    canvas.circle(75.0, 1.0, 4.0, 0x66ff_ffff);
    canvas.circle(81.0, -5.0, 6.0, 0x4cff_ffff);
    canvas.shape("M 14 46 L 86 46 L 86 97 L 14 97 Z", 0xf6e6c8);
    canvas.shape("M 14 46 L 86 46 L 86 52 L 14 52 Z", 0x3060_4020);
    canvas.shape("M 50 12 L 96 48 L 90 52 L 10 52 L 4 48 Z", 0xb5523f);
    canvas.shape("M 50 12 L 96 48 L 90 52 L 50 20 L 10 52 L 4 48 Z", 0x97402f);
    canvas.shape("M 42 97 L 42 70 Q 50 60 58 70 L 58 97 Z", 0x6b4a35);
    canvas.circle(55.0, 84.0, 1.3, 0xf0c75e);
    for x in [21.0, 65.0] {
        canvas.shape(&format!("M {x} 60 L {} 60 L {} 76 L {x} 76 Z", x + 14.0, x + 14.0), 0xffffff);
        canvas.shape(
            &format!("M {} 61.5 L {} 61.5 L {} 74.5 L {} 74.5 Z", x + 1.5, x + 12.5, x + 12.5, x + 1.5),
            0xffd97a,
        );
        canvas.line(&format!("M {} 61 L {} 75", x + 7.0, x + 7.0), 1.2, 0xffffff);
        canvas.line(&format!("M {} 68 L {} 68", x + 1.0, x + 13.0), 1.2, 0xffffff);
    }
    canvas.circle(50.0, 36.0, 6.0, 0xffffff);
    canvas.circle(50.0, 36.0, 4.6, 0x8ec7e8);
}

pub(super) fn tree(canvas: &mut Canvas) {
    canvas.ellipse(50.0, 97.0, 24.0, 3.0, 0x3016_2010);
    canvas.shape("M 45 97 C 47 80 46 70 45 58 L 55 58 C 54 70 53 80 56 97 Z", 0x7a5236);
    for (x, y, radius, rgb) in [
        (50.0, 30.0, 25.0, 0x3f8f4f),
        (31.0, 46.0, 18.0, 0x3f8f4f),
        (69.0, 46.0, 18.0, 0x37834a),
        (50.0, 50.0, 20.0, 0x449a57),
        (43.0, 24.0, 16.0, 0x58ad66),
        (30.0, 42.0, 11.0, 0x58ad66),
    ] {
        canvas.circle(x, y, radius, rgb);
    }
}

pub(super) fn fir(canvas: &mut Canvas) {
    canvas.shape("M 46 97 L 46 82 L 54 82 L 54 97 Z", 0x6b4a35);
    for (top, bottom, half, rgb) in
        [(46.0, 88.0, 26.0, 0x1f5a45), (26.0, 66.0, 21.0, 0x276b51), (8.0, 44.0, 15.0, 0x307d5e)]
    {
        canvas.shape(
            &format!("M 50 {top} L {} {bottom} Q 50 {} {} {bottom} Z", 50.0 + half, bottom + 4.0, 50.0 - half),
            rgb,
        );
    }
}

pub(super) fn boat(canvas: &mut Canvas) {
    canvas.line("M 50 10 L 50 78", 1.6, 0x6b4a35);
    canvas.shape("M 52 10 C 78 30 84 52 84 68 L 52 70 Z", 0xffffff);
    canvas.shape("M 48 18 C 30 38 24 54 22 68 L 48 70 Z", 0xf7d9c4);
    canvas.shape("M 12 76 L 90 76 C 86 90 76 94 66 94 L 34 94 C 22 94 16 88 12 76 Z", 0xc2493d);
    canvas.shape("M 12 76 L 90 76 L 89 81 L 13.5 81 Z", 0xffffff);
}

pub(super) fn flower(canvas: &mut Canvas, petal: u32) {
    canvas.line("M 0 0 Q -0.6 3 0 6", 0.6, 0x2f7a45);
    for (x, y) in [(0.0, -1.6), (1.5, -0.5), (1.0, 1.3), (-1.0, 1.3), (-1.5, -0.5)] {
        canvas.circle(x, y, 1.1, petal);
    }
    canvas.circle(0.0, 0.0, 0.9, 0xffd34d);
}

pub(super) fn cloud(canvas: &mut Canvas) {
    for (x, y, radius) in [(0.0, 0.0, 5.0), (6.0, -2.5, 6.5), (13.0, 0.0, 5.0), (6.5, 1.5, 4.5)] {
        canvas.circle(x, y, radius, 0x00fb_fdff);
    }
}

pub(super) fn star(canvas: &mut Canvas, size: f32) {
    canvas.at(0.0, 0.0, size, |star| {
        star.shape("M 0 -1 Q 0.1 -0.1 1 0 Q 0.1 0.1 0 1 Q -0.1 0.1 -1 0 Q -0.1 -0.1 0 -1 Z", 0xfff6d6)
    });
}
