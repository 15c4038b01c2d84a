//! Metrics by the period: their number of values, their sum and their largest one. CloudWatch has them; on the emulated
//! AWS, which makes no metrics of log lines, the functions' own are read from the log itself.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};
use shared::metrics::NAMESPACE;

use crate::aws::{Aws, STDIN};
use crate::cloudformation::Stack;
use crate::place::Place;
use crate::watch::clock;
use crate::watch::log::{Line, Log};

/// One metric of CloudWatch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Metric {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Names and values, in the order of their names.
    pub(crate) dimensions: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) count: f64,
    pub(crate) sum: f64,
    pub(crate) max: f64,
}

/// Figures by the beginning of their period, in ms since 1970.
pub(crate) type Series = BTreeMap<u64, Figures>;

/// From when on, and how finely.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) since_ms: u64,
    pub(crate) until_ms: u64,
    pub(crate) period_s: u64,
}

pub(crate) struct Measured<'a> {
    aws: &'a Aws,
    functions: [String; 2],
    window: Window,
    /// On the emulated AWS: what stands for CloudWatch's metrics.
    lines: Option<Vec<Line>>,
}

impl Metric {
    pub(crate) fn of(namespace: &str, name: &str, dimension: (&str, &str)) -> Self {
        let dimensions = BTreeMap::from([(dimension.0.to_owned(), dimension.1.to_owned())]);
        Self { namespace: namespace.to_owned(), name: name.to_owned(), dimensions }
    }

    /// The failure's class, of a failed attempt.
    pub(crate) fn class(&self) -> Option<&str> {
        self.dimensions.get("Class").map(String::as_str)
    }
}

impl Figures {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.max = self.max.max(value);
    }

    pub(crate) fn and(self, other: &Self) -> Self {
        Self { count: self.count + other.count, sum: self.sum + other.sum, max: self.max.max(other.max) }
    }

    pub(crate) fn average(&self) -> f64 {
        if self.count > 0.0 { self.sum / self.count } else { 0.0 }
    }
}

pub(crate) fn together(series: &Series) -> Figures {
    series.values().fold(Figures::default(), Figures::and)
}

impl<'a> Measured<'a> {
    /// # Errors
    /// When the stack has no functions yet; as a call of the AWS CLI.
    pub(crate) async fn over(window: Window, place: &'a Place, stack: &Stack) -> Result<Self> {
        let functions = [stack.output("IngressFunctionName")?, stack.output("WorkerFunctionName")?];
        let lines = match place.aws.endpoint() {
            Some(_) => Some(Log::of(place, stack)?.read(window.since_ms, "").await?),
            None => None,
        };
        Ok(Self { aws: &place.aws, functions: functions.map(str::to_owned), window, lines })
    }

    /// Those of the functions' own metrics that have been seen lately.
    ///
    /// # Errors
    /// As a call of the AWS CLI.
    pub(crate) async fn own(&self) -> Result<Vec<Metric>> {
        let mut found: Vec<Metric> = Vec::new();
        if let Some(lines) = &self.lines {
            for (metric, ..) in lines.iter().flat_map(values) {
                if !found.contains(&metric) {
                    found.push(metric);
                }
            }
            return Ok(found);
        }
        let listed = self.aws.call(&["cloudwatch", "list-metrics", "--namespace", NAMESPACE]).await?;
        found.extend(listed["Metrics"].as_array().into_iter().flatten().filter_map(listed_metric));
        found.retain(|metric| metric.dimensions.get("FunctionName").is_some_and(|name| self.functions.contains(name)));
        Ok(found)
    }

    /// One series for each metric, in the same order; empty where nothing was measured.
    ///
    /// # Errors
    /// As a call of the AWS CLI.
    pub(crate) async fn of(&self, metrics: &[Metric]) -> Result<Vec<Series>> {
        let Some(lines) = &self.lines else { return self.ask(metrics).await };
        let theirs: Vec<Metric> = metrics.iter().filter(|metric| metric.namespace != NAMESPACE).cloned().collect();
        let mut theirs = self.ask(&theirs).await?.into_iter();
        let mut all = Vec::new();
        for metric in metrics {
            let own = metric.namespace == NAMESPACE;
            all.push(if own { self.logged(lines, metric) } else { theirs.next().unwrap_or_default() });
        }
        Ok(all)
    }

    fn logged(&self, lines: &[Line], wanted: &Metric) -> Series {
        let mut series = Series::new();
        let values = lines.iter().flat_map(values).filter(|(metric, ..)| metric == wanted);
        for (_, at_ms, value) in
            values.filter(|(_, at_ms, _)| (self.window.since_ms..self.window.until_ms).contains(at_ms))
        {
            let period_ms = self.window.period_s * 1000;
            series.entry(at_ms / period_ms * period_ms).or_default().add(value);
        }
        series
    }

    async fn ask(&self, metrics: &[Metric]) -> Result<Vec<Series>> {
        /// What GetMetricData takes in one call.
        const QUERIES_MAX: usize = 500;
        let mut all = Vec::new();
        for metrics in metrics.chunks(QUERIES_MAX / STATISTICS.len()) {
            let queries: Vec<Value> =
                metrics.iter().enumerate().flat_map(|(index, metric)| self.queries(index, metric)).collect();
            let (since, until) = (clock::iso(self.window.since_ms), clock::iso(self.window.until_ms));
            let args = ["cloudwatch", "get-metric-data", "--start-time", &since, "--end-time", &until];
            let args = [&args[..], &["--metric-data-queries", STDIN]].concat();
            let answer = self.aws.call_with(&args, &Value::from(queries).to_string()).await?;
            let mut series = vec![Series::new(); metrics.len()];
            for result in answer["MetricDataResults"].as_array().into_iter().flatten() {
                fill(&mut series, result);
            }
            all.extend(series);
        }
        Ok(all)
    }

    /// Ids such as `m3sum`: they begin with a small letter.
    fn queries(&self, index: usize, metric: &Metric) -> Vec<Value> {
        let dimensions: Vec<Value> =
            metric.dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
        let query = |(id, statistic): &(&str, &str)| {
            let what = json!({ "Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions });
            json!({ "Id": format!("m{index}{id}"), "MetricStat": { "Metric": what, "Period": self.window.period_s, "Stat": statistic } })
        };
        STATISTICS.iter().map(query).collect()
    }
}

const STATISTICS: [(&str, &str); 3] = [("count", "SampleCount"), ("sum", "Sum"), ("max", "Maximum")];

/// One result of GetMetricData: the figures of one statistic, and when each period began.
fn fill(series: &mut [Series], result: &Value) {
    let id = result["Id"].as_str().unwrap_or_default();
    let digits = id.trim_start_matches('m').find(|c: char| !c.is_ascii_digit()).unwrap_or_default();
    let (index, statistic) = id.trim_start_matches('m').split_at(digits);
    let Some(series) = index.parse::<usize>().ok().and_then(|index| series.get_mut(index)) else { return };
    let list = |name: &str| result[name].as_array().map(Vec::as_slice).unwrap_or_default();
    for (at, value) in list("Timestamps").iter().zip(list("Values")) {
        let (Some(at_ms), Some(value)) = (clock::read_ms(at), value.as_f64()) else { continue };
        let figures = series.entry(at_ms).or_default();
        match statistic {
            "count" => figures.count = value,
            "sum" => figures.sum = value,
            _ => figures.max = value,
        }
    }
}

fn listed_metric(listed: &Value) -> Option<Metric> {
    let dimensions = listed["Dimensions"].as_array()?.iter();
    let dimensions =
        dimensions.filter_map(|pair| Some((pair["Name"].as_str()?.to_owned(), pair["Value"].as_str()?.to_owned())));
    let text = |name: &str| listed[name].as_str().map(str::to_owned);
    Some(Metric { namespace: text("Namespace")?, name: text("MetricName")?, dimensions: dimensions.collect() })
}

/// What CloudWatch would take from this line: metric, time, value.
fn values(line: &Line) -> Vec<(Metric, u64, f64)> {
    let at_ms = line.fields["_aws"]["Timestamp"].as_u64().unwrap_or(line.at_ms);
    let mut found = Vec::new();
    for directive in line.fields["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten() {
        let names = directive["Dimensions"][0].as_array().into_iter().flatten().filter_map(Value::as_str);
        let dimensions = names.filter_map(|name| Some((name.to_owned(), line.fields[name].as_str()?.to_owned())));
        let dimensions: BTreeMap<String, String> = dimensions.collect();
        for name in directive["Metrics"].as_array().into_iter().flatten().filter_map(|metric| metric["Name"].as_str()) {
            let namespace = directive["Namespace"].as_str().unwrap_or_default().to_owned();
            let metric = Metric { namespace, name: name.to_owned(), dimensions: dimensions.clone() };
            found.extend(line.fields[name].as_f64().map(|value| (metric, at_ms, value)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::log::Function;

    /// As the CLI prints it: version 1 leaves the time as CloudWatch wrote it, version 2 writes it anew.
    #[test]
    fn three_statistics_of_an_answer_become_one_series() {
        let answer = json!([
            { "Id": "m0count", "Label": "TurnMs", "Timestamps": ["2026-11-22T15:05:00Z", "2026-11-22T15:04:00Z"],
              "Values": [2.0, 1.0], "StatusCode": "Complete" },
            { "Id": "m0sum", "Timestamps": ["2026-11-22T15:05:00+00:00"], "Values": [700.0], "StatusCode": "Complete" },
            { "Id": "m0max", "Timestamps": ["2026-11-22T15:05:00+00:00"], "Values": [400.0], "StatusCode": "Complete" },
            { "Id": "m12sum", "Timestamps": [], "Values": [] },
        ]);
        let mut series = vec![Series::new()];
        answer.as_array().unwrap().iter().for_each(|result| fill(&mut series, result));
        assert_eq!(series[0].len(), 2);
        assert_eq!(series[0][&1_795_359_900_000], Figures { count: 2.0, sum: 700.0, max: 400.0 });
        assert_eq!(together(&series[0]), Figures { count: 3.0, sum: 700.0, max: 400.0 });
    }

    #[test]
    fn a_log_line_gives_the_metrics_that_cloudwatch_would_make_of_it() {
        let message = r#"{"timestamp":"2026-11-22T15:04:05.123456Z","level":"WARN","message":"turn failed","TurnMs":400,
            "Class":"transient","FailedAttempts":1,"_aws":{"Timestamp":1795359845123,"CloudWatchMetrics":[
            {"Namespace":"Lambdagram","Dimensions":[["FunctionName"]],"Metrics":[{"Name":"TurnMs","Unit":"Milliseconds"}]},
            {"Namespace":"Lambdagram","Dimensions":[["FunctionName","Class"]],"Metrics":[{"Name":"FailedAttempts","Unit":"Count"}]}
            ]},"FunctionName":"fox-worker"}"#;
        let line = Line::read(Function::Worker, &json!({ "message": message, "timestamp": 1, "eventId": "1" }));
        let [(turn, _, took), (metric, at_ms, value)] = &values(&line)[..] else { panic!("two values") };
        assert_eq!((turn.name.as_str(), turn.class(), *took), ("TurnMs", None, 400.0));
        assert_eq!((metric.class(), *at_ms, *value), (Some("transient"), 1_795_359_845_123, 1.0));
        let listed = json!({ "Namespace": "Lambdagram", "MetricName": "FailedAttempts", "Dimensions": [
            { "Name": "FunctionName", "Value": "fox-worker" }, { "Name": "Class", "Value": "transient" }] });
        assert_eq!(listed_metric(&listed).as_ref(), Some(metric), "the same as CloudWatch lists it");
    }
}
