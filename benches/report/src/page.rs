//! The page: the tables in Markdown, and the short one in `README.md`.

use std::fmt::Write;

use crate::Failure;
use crate::results::{FLAVORS, Flavor, Kind, Ratio, Results, Row, as_shown, geometric_mean};
use crate::targets::Targets;

/// The rows that the README shows, in its words.
const README_ROWS: [(&str, &str); 12] = [
    ("spawn_many_local", "spawn 10,000 tasks and await them"),
    ("spawn_many_worker", "the same, from inside a task"),
    ("spawn_join", "spawn one, await it"),
    ("ping_pong", "1,000 pairs that play ping-pong"),
    ("yield_many", "yield, 200 tasks"),
    ("mutex_uncontended", "mutex, uncontended"),
    ("mpsc_uncontended", "mpsc, uncontended"),
    ("timeout_pending", "`timeout` of a future that waits"),
    ("sleep_1ms_lateness", "`sleep(1 ms)`: too late by"),
    ("sleep_cancel", "`sleep`, dropped unfired"),
    ("echo_1", "echo over TCP, 1 connection"),
    ("echo_64", "echo over TCP, 64 connections"),
];

/// Where the README's figures are.
const BEGIN: &str = "<!-- figures: .ci/bench writes them -->";
const END: &str = "<!-- end of the figures -->";

/// Where a target or Tokio's time was missed.
const MISSED: &str = "✗";

/// All of `BENCHMARKS.md`.
pub fn page(results: &Results, targets: &Targets, notes: &str) -> String {
    let [many, one] = FLAVORS;
    let (many_plot, one_plot) = (many.plot, one.plot);
    let tables = tables(results, targets);
    let (facts, notes) = (facts(results, ".ci/bench"), notes.trim());
    format!(
        "\
# Benchmarks

Samovar against Tokio, and other runtimes for comparison, on the same work in the same run. **A ratio is Samovar's time over
Tokio's: below 1 Samovar takes less.** The multi-thread runtimes have 2 workers each.

What one operation is, and what each benchmark does, is said in the first lines of the files in `benches`; the rules of the
comparison are in `benches/support/mod.rs`. What each mechanism of the runtime brings is in
[docs/ablation.md](docs/ablation.md).

![Samovar's time over Tokio's, multi_thread]({many_plot})

<details><summary>current_thread against current_thread</summary>

![Samovar's time over Tokio's, current_thread]({one_plot})

</details>

{tables}
{notes}

## How it was measured

Each round runs every benchmark once; within a benchmark the runtimes take turns. A ratio is taken within a round, and the
table has the median of the rounds' ratios and, beside it, the lowest and the highest. A time is the median of the rounds' medians.
`{MISSED}` marks a target that is missed; all judgements are of the figures as shown. The geometric mean is that of all rows
whose values are times of an operation: those that end in `_p99` or `_lateness` (how late), in `_cpu` or `_user` (processor time)
and bytes do not count in it.

{facts}"
    )
}

/// The summary and both tables: what the script prints.
pub fn tables(results: &Results, targets: &Targets) -> String {
    let mut text = String::new();
    for flavor in FLAVORS {
        let (name, summary) = (flavor.name, summary(results, flavor));
        let missed = missed(results, targets, flavor);
        let _ = writeln!(text, "- {name}: {summary}; {missed}");
    }
    for failed in results.failed() {
        let _ = writeln!(text, "- **did not run**: {failed}");
    }
    let missing = targets.without_row(results);
    if !missing.is_empty() {
        let _ = writeln!(text, "- not measured: {}", missing.join(", "));
    }
    let (ratios, values) = (ratios(results, targets), values(results));
    let _ = write!(text, "\n## Ratios\n\n{ratios}\n## Times\n\n{values}");
    text + &ladder(results)
}

/// The mean, and how many rows are over 1.
pub fn summary(results: &Results, flavor: &Flavor) -> String {
    let rows = results.ratios(flavor);
    let times: Vec<f64> = rows
        .iter()
        .filter(|(row, _)| row.kind() == Kind::Time)
        .map(|(_, ratio)| ratio.median)
        .collect();
    let Some(mean) = geometric_mean(&times) else {
        return "not measured".into();
    };
    let over = rows.iter().filter(|(_, ratio)| is_over(ratio)).count();
    let (mean, times, rows) = (ratio(mean), times.len(), rows.len());
    format!("geometric mean **{mean}** of {times} times; {over} of {rows} rows over 1.00")
}

fn missed(results: &Results, targets: &Targets, flavor: &Flavor) -> String {
    let rows = results.ratios(flavor);
    let missed = rows
        .iter()
        .filter(|(row, ratio)| misses(results, targets, flavor, row, ratio));
    let names: Vec<String> = missed.map(|(row, _)| format!("`{}`", row.name)).collect();
    match names.len() {
        0 => "no target missed".into(),
        count => format!("{count} targets missed: {}", names.join(", ")),
    }
}

fn misses(results: &Results, targets: &Targets, flavor: &Flavor, row: &Row, ratio: &Ratio) -> bool {
    let must = targets.find(&row.name, flavor);
    let ours = results.value(row, flavor.ours).unwrap_or(f64::NAN);
    must.is_some_and(|must| !must.is_met(ratio.median, ours))
}

/// Whether Samovar takes more than Tokio.
pub fn is_over(ratio: &Ratio) -> bool {
    as_shown(ratio.median) > 1.0
}

/// The table of ratios.
fn ratios(results: &Results, targets: &Targets) -> String {
    let others: Vec<&str> = ["smol", "nio"]
        .into_iter()
        .filter(|it| results.has(it))
        .collect();
    let mut table = String::from("| benchmark |");
    for flavor in FLAVORS {
        let _ = write!(table, " {} | min–max | must |", flavor.name);
    }
    for other in &others {
        let _ = write!(table, " {other} |");
    }
    let columns = 6 + others.len();
    let _ = writeln!(table, "\n|---|{}", "---:|".repeat(columns));
    for (row, begins) in in_sections(results) {
        if begins {
            let _ = writeln!(table, "| *{}* |{}", row.section, " |".repeat(columns));
        }
        let _ = write!(table, "| `{}` |", row.name);
        for flavor in FLAVORS {
            table += &compared(results, targets, flavor, &row);
        }
        for other in &others {
            let over_tokio = results.ratio(&row, other, FLAVORS[0].theirs);
            let shown = over_tokio.map_or("–".into(), |over| ratio(over.median));
            let _ = write!(table, " {shown} |");
        }
        table.push('\n');
    }
    table
}

/// The cells of one flavor: ratio, spread and target.
fn compared(results: &Results, targets: &Targets, flavor: &Flavor, row: &Row) -> String {
    let Some(found) = results.ratio(row, flavor.ours, flavor.theirs) else {
        return " – | | |".into();
    };
    let must = match targets.find(&row.name, flavor) {
        None => String::new(),
        Some(must) => must.to_string(),
    };
    let mark = if misses(results, targets, flavor, row, &found) {
        format!(" {MISSED}")
    } else {
        String::new()
    };
    let (median, min, max) = (ratio(found.median), ratio(found.min), ratio(found.max));
    format!(" **{median}** | {min}–{max} | {must}{mark} |")
}

/// The table of times and bytes.
fn values(results: &Results) -> String {
    let runtimes: Vec<&str> = ["samovar", "tokio", "samovar_ct", "tokio_ct", "smol", "nio"]
        .into_iter()
        .filter(|runtime| results.has(runtime))
        .collect();
    let mut table = String::from("| benchmark |");
    for runtime in &runtimes {
        let _ = write!(table, " {runtime} |");
    }
    let _ = writeln!(table, "\n|---|{}", "---:|".repeat(runtimes.len()));
    for (row, _) in in_sections(results) {
        let _ = write!(table, "| `{}` |", row.name);
        for runtime in &runtimes {
            let value = results.value(&row, runtime);
            let value = value.map_or("–".into(), |value| amount(value, row.kind()));
            let _ = write!(table, " {value} |");
        }
        table.push('\n');
    }
    table
}

/// The executors of `examples/ladder` beside the library and Tokio, if they were measured.
fn ladder(results: &Results) -> String {
    let mut rows = results.rows();
    rows.retain(Row::is_of_the_ladder);
    if rows.is_empty() {
        return String::new();
    }
    let runtimes = [
        "rung_1",
        "rung_2",
        "rung_3",
        "rung_4",
        "rung_5",
        "samovar_ct",
        "tokio_ct",
        "rung_6",
        "samovar",
        "tokio",
    ];
    let mut table = String::from(
        "\n## The ladder\n\nThe executors of [examples/ladder](examples/ladder), each with one idea, on work that they can do. These rows \
         count in no mean. Up to `tokio_ct` all have one thread; from `rung_6` on, two workers.\n\n| benchmark |",
    );
    for runtime in runtimes {
        let _ = write!(table, " {runtime} |");
    }
    let _ = writeln!(table, "\n|---|{}", "---:|".repeat(runtimes.len()));
    for row in rows {
        let _ = write!(table, "| `{}` |", row.name.trim_start_matches("ladder_"));
        for runtime in runtimes {
            let value = results.value(&row, runtime);
            let value = value.map_or("–".into(), |value| amount(value, row.kind()));
            let _ = write!(table, " {value} |");
        }
        table.push('\n');
    }
    table
}

/// The rows of the comparison, each with whether its section begins with it.
fn in_sections(results: &Results) -> Vec<(Row, bool)> {
    let mut last = String::new();
    let rows = results.rows().into_iter();
    let compared = rows.filter(|row| !row.is_of_the_ladder());
    let with_begin = compared.map(|row| {
        let begins = row.section != last;
        last.clone_from(&row.section);
        (row, begins)
    });
    with_begin.collect()
}

/// How it was measured: `command` and what is known of the run.
pub fn facts(results: &Results, command: &str) -> String {
    let rounds = results.rounds_run();
    let mut table = format!("| | |\n|---|---|\n| command | `{command} {rounds}` |\n");
    for (name, fact) in &results.facts {
        let _ = writeln!(table, "| {name} | {} |", fact.replace('|', "/"));
    }
    table + "| profile | `bench`: thin LTO, one codegen unit |\n"
}

/// The README with the figures of these results.
pub fn replace_figures(readme: &str, results: &Results) -> Result<String, Failure> {
    let parts = readme
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        return Err(format!(
            "README.md has no place for the figures: {BEGIN} ... {END}"
        ));
    };
    let [many, _] = FLAVORS;
    let summary = summary(results, many);
    let mut table =
        format!("{summary}.\n\n| benchmark | Samovar | Tokio | ratio |\n|---|---:|---:|---:|\n");
    if let Some(first) = table.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    for (name, words) in README_ROWS {
        let Some(row) = results.rows().into_iter().find(|row| row.name == name) else {
            continue;
        };
        let value = |runtime| Some(amount(results.value(&row, runtime)?, row.kind()));
        let ratio = results
            .ratio(&row, many.ours, many.theirs)
            .map(|it| ratio(it.median));
        if let (Some(ours), Some(theirs), Some(ratio)) =
            (value(many.ours), value(many.theirs), ratio)
        {
            let _ = writeln!(table, "| {words} | {ours} | {theirs} | {ratio} |");
        }
    }
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

/// A ratio: two decimals, three where it is small.
pub fn ratio(ratio: f64) -> String {
    let shown = as_shown(ratio);
    if shown < 0.0995 {
        format!("{shown:.3}")
    } else {
        format!("{shown:.2}")
    }
}

/// A value with its unit, in three digits.
pub fn amount(value: f64, kind: Kind) -> String {
    if kind == Kind::Memory {
        return format!("{value:.0} B");
    }
    let units = ["ns", "us", "ms", "s"];
    let (mut value, mut unit) = (value, 0);
    // What would be rounded to 1000 is the next unit's.
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1_000.0;
        unit += 1;
    }
    let digits = match value {
        small if small < 9.995 => 2,
        middle if middle < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {}", units[unit])
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::results::Figure;

    /// Two rounds of two times, of which one is over 1, and of two rows of other kinds, one of them without Tokio.
    pub fn some_results() -> Results {
        let mut results = Results::default();
        results.facts.push(("machine".into(), "2 x CPU".into()));
        for round in 1..=2_u32 {
            let slower = f64::from(round);
            for (section, row, runtime, value) in [
                ("executor", "yield_one", "samovar", 10.0),
                ("executor", "yield_one", "tokio", 100.0),
                ("executor", "oneshot_pair", "samovar", 120.0),
                ("executor", "oneshot_pair", "tokio", 100.0 / slower),
                ("timers", "sleep_1ms_lateness", "samovar", 77_000.0),
                ("timers", "sleep_fire_cpu", "samovar", 5.0),
                ("timers", "sleep_fire_cpu", "tokio", 10.0),
            ] {
                let (section, row, runtime) = (section.into(), row.into(), runtime.into());
                results.figures.push(Figure {
                    round,
                    section,
                    row,
                    runtime,
                    value,
                });
            }
        }
        results
    }

    fn targets() -> Targets {
        Targets::parse("yield_one 0.2\necho_1 0.45\n* 1.0 0.9").unwrap()
    }

    #[test]
    fn the_table_has_ratios_spread_and_targets() {
        let table = ratios(&some_results(), &targets());
        assert!(
            table.contains("| `yield_one` | **0.10** | 0.10–0.10 | 0.20 | – | | |\n"),
            "{table}"
        );
        assert!(
            table.contains("| `oneshot_pair` | **1.80** | 1.20–2.40 | 1.00 ✗ | – | | |\n"),
            "{table}"
        );
        assert!(table.contains("| *timers* |"), "{table}");
        assert!(!table.contains("smol"), "{table}");
        let columns = |line: &str| line.matches('|').count();
        let widths: Vec<usize> = table.lines().map(columns).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{table}");
    }

    #[test]
    fn the_summary_counts() {
        let text = tables(&some_results(), &targets());
        assert!(text.contains("geometric mean **0.42** of 2 times; 1 of 3 rows over 1.00; 1 targets missed: `oneshot_pair`"), "{text}");
        assert!(text.contains("current_thread: not measured"), "{text}");
        assert!(text.contains("not measured: echo_1\n"), "{text}");
    }

    #[test]
    fn the_ladder_stands_apart_and_counts_nowhere() {
        let mut results = some_results();
        assert!(!tables(&results, &targets()).contains("ladder"));
        let before = summary(&results, FLAVORS[0]);
        for (runtime, value) in [("rung_2", 3.0), ("samovar", 200.0), ("tokio", 100.0)] {
            results.figures.push(Figure {
                round: 1,
                section: "ladder".into(),
                row: "ladder_spawn_many".into(),
                runtime: runtime.into(),
                value,
            });
        }
        assert_eq!(summary(&results, FLAVORS[0]), before);
        assert!(!ratios(&results, &targets()).contains("spawn_many"));
        assert!(!values(&results).contains("spawn_many"));
        let text = tables(&results, &targets());
        let row = "| `spawn_many` | – | 3.00 ns | – | – | – | – | – | – | 200 ns | 100 ns |\n";
        assert!(text.contains(row), "{text}");
        assert!(!text.contains("`ladder_spawn_many`"), "{text}");
    }

    #[test]
    fn the_notes_and_the_facts_are_on_the_page() {
        let page = page(&some_results(), &targets(), "## Why rows miss\n");
        assert!(page.contains("## Why rows miss\n"), "{page}");
        assert!(page.contains("| command | `.ci/bench 2` |"), "{page}");
        assert!(page.contains("docs/benchmarks.svg"), "{page}");
        assert!(
            page.contains("| `sleep_1ms_lateness` | 77.0 us | – |"),
            "{page}"
        );
    }

    #[test]
    fn the_readme_keeps_what_is_around_its_figures() {
        let readme = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let new = replace_figures(&readme, &some_results()).unwrap();
        assert!(
            new.starts_with("before\n") && new.ends_with("\nafter\n"),
            "{new}"
        );
        assert!(!new.contains("old"), "{new}");
        assert_eq!(replace_figures(&new, &some_results()), Ok(new));
        assert!(replace_figures("nothing", &some_results()).is_err());
    }

    #[test]
    fn amounts_have_three_digits_and_a_unit() {
        let time = |nanos| amount(nanos, Kind::Time);
        assert_eq!(time(1.916), "1.92 ns");
        assert_eq!(time(9.996), "10.0 ns");
        assert_eq!(time(99.96), "100 ns");
        assert_eq!(time(999.6), "1.00 us");
        assert_eq!(time(1_080_000.0), "1.08 ms");
        assert_eq!(time(12_300_000_000.0), "12.3 s");
        assert_eq!(amount(119.6, Kind::Memory), "120 B");
    }

    #[test]
    fn small_ratios_have_three_decimals() {
        assert_eq!(ratio(0.0302), "0.030");
        assert_eq!(ratio(0.0997), "0.10");
        assert_eq!(ratio(1.806), "1.81");
    }
}
