//! Medians over rounds and slices, in which contenders take turns: what disturbs one disturbs all alike.

use std::collections::BTreeMap;

use serde::Serialize;

/// All that was measured of one contender: each figure's samples, by its name.
#[derive(Debug, Default)]
pub struct Samples(BTreeMap<&'static str, Vec<f64>>);

impl Samples {
    pub fn add(&mut self, figure: &'static str, value: f64) {
        self.0.entry(figure).or_default().push(value);
    }

    pub fn add_all(&mut self, figure: &'static str, values: impl IntoIterator<Item = f64>) {
        self.0.entry(figure).or_default().extend(values);
    }

    /// The value below which `share` of the samples lie; `None` if there are none.
    pub fn quantile(&self, figure: &str, share: f64) -> Option<f64> {
        let mut values = self.0.get(figure)?.clone();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        values.get((last as f64 * share).round() as usize).copied()
    }

    pub fn median(&self, figure: &str) -> Option<f64> {
        self.quantile(figure, 0.5)
    }
}

/// One line of the report: what is measured, its unit, and each contender's figure in their order.
#[derive(Debug, Serialize)]
pub struct Line {
    pub what: String,
    pub unit: &'static str,
    pub values: Vec<Option<f64>>,
}

impl Line {
    pub fn median(what: &str, unit: &'static str, figure: &str, all: &[Samples]) -> Self {
        Self::quantile(what, unit, figure, 0.5, all)
    }

    pub fn quantile(what: &str, unit: &'static str, figure: &str, share: f64, all: &[Samples]) -> Self {
        let values = all.iter().map(|samples| samples.quantile(figure, share)).collect();
        Self { what: what.to_owned(), unit, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_and_a_quantile_lies_beside_it() {
        let mut samples = Samples::default();
        samples.add_all("x", [5.0, 1.0, 3.0]);
        assert_eq!(samples.median("x"), Some(3.0));
        assert_eq!(samples.quantile("x", 0.99), Some(5.0));
        assert_eq!(samples.median("y"), None);
    }
}
