//! Small charts of block characters, one column a value.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The largest value is a full block, what is above nothing at least the smallest, nothing a space.
pub(crate) fn blocks(values: &[f64]) -> String {
    let largest = values.iter().copied().fold(0.0, f64::max);
    let block = |value: &f64| {
        if *value <= 0.0 {
            return ' ';
        }
        let level = (value / largest * BLOCKS.len() as f64).ceil() as usize;
        BLOCKS[level.clamp(1, BLOCKS.len()) - 1]
    };
    values.iter().map(block).collect()
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_shows_proportions_and_hides_nothing() {
        assert_eq!(blocks(&[0.0, 1.0, 50.0, 100.0, 0.0]), " ▁▄█ ");
        assert_eq!(blocks(&[0.0, 0.0]), "  ");
        assert_eq!(blocks(&[]), "");
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!([0.0, 999.0, 1000.0, 1_234_567.4].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
