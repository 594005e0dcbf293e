//! What criterion has left: the median time of each benchmark that ran since a moment.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// One benchmark.
#[derive(Debug, PartialEq)]
pub struct Measured {
    /// When it was measured: the order of the suite.
    pub at: SystemTime,
    /// Its group.
    pub group: String,
    /// The runtime.
    pub runtime: String,
    /// Nanoseconds per operation.
    pub value: f64,
}

/// What was measured since then, in order. A benchmark that did not run, or left something else, is left out.
pub fn since(start: SystemTime, directory: &Path) -> Vec<Measured> {
    let mut found: Vec<_> = children(directory)
        .flat_map(|group| children(&group).collect::<Vec<_>>())
        .filter_map(|benchmark| {
            let at = fs::metadata(benchmark.join("new/estimates.json"));
            let at = at.and_then(|file| file.modified()).ok()?;
            let read = |name| fs::read_to_string(benchmark.join("new").join(name)).ok();
            (at >= start)
                .then(|| measured(at, &read("benchmark.json")?, &read("estimates.json")?))
                .flatten()
        })
        .collect();
    found.sort_by_key(|measured| measured.at);
    found
}

fn children(directory: &Path) -> impl Iterator<Item = std::path::PathBuf> + use<> {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
}

fn measured(at: SystemTime, benchmark: &str, estimates: &str) -> Option<Measured> {
    let median = after(estimates, "median")?;
    let nanos: f64 = number(after(median, "point_estimate")?)?;
    let operations = after(benchmark, "Elements").and_then(number).unwrap_or(1.0);
    Some(Measured {
        at,
        group: text(after(benchmark, "group_id")?)?,
        runtime: text(after(benchmark, "function_id")?)?,
        value: nanos / operations,
    })
}

/// What follows the first `"key":` of some JSON. Enough for files whose keys are known, and written by a machine.
pub fn after<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let key = format!("\"{key}\":");
    json.split_once(&key).map(|(_, rest)| rest.trim_start())
}

/// The text that begins here, if one does. It has no escapes: names and paths of this project.
pub fn text(json: &str) -> Option<String> {
    let rest = json.strip_prefix('"')?;
    rest.split_once('"').map(|(text, _)| text.to_owned())
}

/// The number that begins here.
fn number(json: &str) -> Option<f64> {
    let end = json.find([',', '}', ']']).unwrap_or(json.len());
    json[..end].trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ESTIMATES: &str = r#"{"mean":{"confidence_interval":{"confidence_level":0.95,"lower_bound":1.0,"upper_bound":2.0},"point_estimate":7.5,"standard_error":0.1},"median":{"confidence_interval":{"confidence_level":0.95,"lower_bound":1.0,"upper_bound":2.0},"point_estimate":1500.0,"standard_error":0.1},"median_abs_dev":{"point_estimate":3.0}}"#;

    #[test]
    fn the_median_per_operation_is_read() {
        let benchmark = r#"{"group_id":"ping_pong","function_id":"tokio","value_str":null,"throughput":{"Elements":1000},"full_id":"ping_pong/tokio"}"#;
        let at = SystemTime::UNIX_EPOCH;
        let read = measured(at, benchmark, ESTIMATES).unwrap();
        assert_eq!(
            (read.group.as_str(), read.runtime.as_str(), read.value),
            ("ping_pong", "tokio", 1.5)
        );
    }

    #[test]
    fn without_throughput_a_round_is_one_operation() {
        let benchmark = r#"{"group_id":"a","function_id":"b","throughput":null}"#;
        let at = SystemTime::UNIX_EPOCH;
        assert_eq!(measured(at, benchmark, ESTIMATES).unwrap().value, 1500.0);
        assert_eq!(measured(at, "{}", ESTIMATES), None);
    }

    #[test]
    fn what_is_older_than_the_run_is_not_taken() {
        let directory = std::env::temp_dir().join(format!("bench-report-{}", std::process::id()));
        let new = directory.join("group/tokio/new");
        fs::create_dir_all(&new).unwrap();
        let benchmark = r#"{"group_id":"group","function_id":"tokio","throughput":null}"#;
        fs::write(new.join("benchmark.json"), benchmark).unwrap();
        fs::write(new.join("estimates.json"), ESTIMATES).unwrap();
        let all = since(SystemTime::UNIX_EPOCH, &directory);
        let later = all[0].at + std::time::Duration::from_secs(1);
        let none = since(later, &directory);
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!((all.len(), none.len()), (1, 0));
    }
}
