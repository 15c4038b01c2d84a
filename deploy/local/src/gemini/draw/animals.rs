//! A fox and a cat, sitting, in a box of 100 × 100 with the ground at its bottom.

use super::canvas::Canvas;

const FUR: u32 = 0xe8762c;
const FUR_DARK: u32 = 0xc95a1b;
const FUR_LIGHT: u32 = 0xf39146;
const CREAM: u32 = 0xfff1dc;
const INK: u32 = 0x3a2418;

pub(super) fn fox(canvas: &mut Canvas) {
    canvas.ellipse(52.0, 97.0, 42.0, 4.5, 0x3016_2010);
    fox_tail(canvas);
    fox_body(canvas);
    fox_head(canvas);
}

fn fox_tail(canvas: &mut Canvas) {
    canvas
        .shape("M 56 95 C 84 100 104 84 98 62 C 95 50 88 42 90 30 C 78 36 72 48 74 60 C 76 72 70 80 56 82 Z", FUR_DARK);
    canvas.shape("M 56 95 C 80 98 99 84 94 64 C 91 52 86 44 90 30 C 79 38 75 49 77 60 C 79 74 71 83 56 85 Z", FUR);
    canvas.shape("M 90 30 C 78 36 72 48 74 58 C 78 53 81 57 84 52 C 86 56 90 54 93.5 57 C 92 47 88 41 90 30 Z", CREAM);
}

fn fox_body(canvas: &mut Canvas) {
    canvas.shape("M 28 50 C 20 66 22 86 28 96 L 64 96 C 72 84 68 64 58 50 Z", FUR);
    canvas.shape("M 50 70 C 66 68 74 84 66 96 L 50 96 C 46 88 45 77 50 70 Z", FUR_DARK);
    canvas.shape("M 52 73 C 65 72 71 85 64 96 L 52 96 C 48 88 47 79 52 73 Z", FUR);
    canvas.shape("M 34 50 C 28 60 33 72 43 80 C 52 72 56 60 52 50 Z", CREAM);
    for x in [32.5, 46.5] {
        canvas.at(x, 0.0, 1.0, |leg| {
            leg.shape("M 0 74 C 1 69 8 69 9 74 L 9 94 C 9 97 1 97 1 94 Z", FUR_LIGHT);
            leg.shape("M 0.5 84 L 0.5 94 C -1 98 10 98 9 94 L 9 84 C 6 87 3 82 0.5 84 Z", INK);
        });
    }
    canvas.shape("M 52 92 C 58 89 67 90 68 94 C 68 97 52 97 51 95 Z", INK);
}

fn fox_head(canvas: &mut Canvas) {
    for (x, side) in [(0.0, 1.0), (86.0, -1.0)] {
        let m = |at: f32| x + side * at;
        canvas.shape(
            &format!(
                "M {} 30 C {} 18 {} 8 {} 3 C {} 8 {} 15 {} 22 Z",
                m(20.0),
                m(19.0),
                m(20.0),
                m(22.0),
                m(31.0),
                m(37.0),
                m(40.0)
            ),
            FUR_DARK,
        );
        canvas.shape(
            &format!(
                "M {} 27 C {} 18 {} 12 {} 8 C {} 12 {} 17 {} 22 Z",
                m(23.0),
                m(22.0),
                m(22.5),
                m(23.5),
                m(29.0),
                m(33.0),
                m(35.0)
            ),
            INK,
        );
    }
    canvas.shape("M 43 17 C 56 17 66 24 68 35 C 70 40 74 43 77 44 C 70 52 58 55 50 60 Q 43 65 36 60 C 28 55 16 52 9 44 C 12 43 16 40 18 35 C 20 24 30 17 43 17 Z", FUR);
    canvas.shape("M 43 17.5 C 47 17.5 48 26 45.5 44 Q 43 48 40.5 44 C 38 26 39 17.5 43 17.5 Z", FUR_LIGHT);
    canvas.shape("M 9 44 C 18 46 25 41 33 42 C 38 44 40 47 43 47 C 46 47 48 44 53 42 C 61 41 68 46 77 44 C 70 52 58 55 50 60 Q 43 65 36 60 C 28 55 16 52 9 44 Z", CREAM);
    for x in [31.0, 55.0] {
        canvas.ellipse(x, 37.5, 3.1, 3.7, INK);
        canvas.circle(x + 1.0, 36.1, 1.1, 0xffffff);
    }
    canvas.shape("M 38 53.5 C 39 51 47 51 48 53.5 C 48 57 44.5 59 43 59 C 41.5 59 38 57 38 53.5 Z", INK);
    canvas.ellipse(41.6, 53.6, 1.5, 0.8, 0x80ff_ffff);
}

/// Between the fox's ears.
pub(super) fn hat(canvas: &mut Canvas) {
    canvas.shape("M 32 19 C 33 10 31 2 30 -4 Q 43 -8 56 -4 C 55 2 53 10 54 19 Z", 0x2b2f45);
    canvas.shape("M 32.2 17 L 32.6 11 Q 43 15 53.4 11 L 53.8 17 Q 43 21 32.2 17 Z", 0xc23b4a);
    canvas.ellipse(43.0, 18.5, 19.0, 3.2, 0x2b2f45);
}

pub(super) fn cat(canvas: &mut Canvas) {
    canvas.ellipse(50.0, 97.0, 38.0, 4.0, 0x3016_2010);
    canvas.line("M 64 92 C 92 96 94 74 84 66 C 78 60 84 52 90 56", 7.0, 0x46506b);
    canvas.shape("M 30 52 C 20 68 22 88 30 96 L 66 96 C 76 84 72 64 60 52 Z", 0x56617f);
    canvas.shape("M 37 56 C 33 68 37 78 45 82 C 53 78 57 68 53 56 Z", 0xe9edf7);
    for x in [34.0, 47.0] {
        canvas.at(x, 0.0, 1.0, |leg| leg.shape("M 0 76 C 1 71 8 71 9 76 L 9 93 C 10 98 -1 98 0 93 Z", 0x65708f));
        canvas.ellipse(x + 4.5, 95.0, 5.4, 2.6, 0xe9edf7);
    }
    cat_head(canvas);
}

fn cat_head(canvas: &mut Canvas) {
    for (x, side) in [(0.0, 1.0), (90.0, -1.0)] {
        let m = |at: f32| x + side * at;
        canvas.shape(
            &format!("M {} 36 L {} 7 C {} 11 {} 17 {} 22 Z", m(19.0), m(21.0), m(31.0), m(36.0), m(42.0)),
            0x56617f,
        );
        canvas.shape(
            &format!("M {} 30 L {} 13 C {} 16 {} 19 {} 23 Z", m(23.0), m(24.0), m(29.0), m(32.0), m(35.0)),
            0xf2a7b3,
        );
    }
    canvas.ellipse(45.0, 39.0, 27.0, 21.5, 0x56617f);
    canvas.line("M 45 19 L 45 27", 2.4, 0x46506b);
    canvas.line("M 38 20 L 39 26", 2.4, 0x46506b);
    canvas.line("M 52 20 L 51 26", 2.4, 0x46506b);
    canvas.ellipse(45.0, 49.0, 12.0, 9.0, 0xe9edf7);
    for x in [34.0, 56.0] {
        canvas.ellipse(x, 37.0, 5.4, 5.8, 0xf6d55c);
        canvas.ellipse(x, 37.0, 1.9, 5.0, 0x22283a);
        canvas.circle(x + 1.2, 34.8, 1.2, 0xffffff);
    }
    canvas.shape("M 42 45.5 L 48 45.5 Q 45 50 42 45.5 Z", 0xe2758a);
    canvas.line("M 45 48 Q 45 53 40 52.5", 1.0, 0x46506b);
    canvas.line("M 45 48 Q 45 53 50 52.5", 1.0, 0x46506b);
    for y in [46.0, 49.5] {
        canvas.line(&format!("M 31 {y} L 13 {}", y - 2.0), 0.6, 0xe9edf7);
        canvas.line(&format!("M 59 {y} L 77 {}", y - 2.0), 0.6, 0xe9edf7);
    }
}
