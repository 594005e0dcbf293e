// Wrong arguments. After `//~`: the text that the error points at, and the error.

#[samovar::main(flavour = "multi_thread")] //~ flavour => unknown argument `flavour`; there are `flavor`, `worker_threads`, `start_paused` and `crate`
pub async fn unknown_argument() {}

#[samovar::main(flavor = "many_threads")] //~ "many_threads" => the flavors are "multi_thread" and "current_thread"
pub async fn unknown_flavor() {}

#[samovar::main(flavor = multi_thread)] //~ multi_thread => the flavors are "multi_thread" and "current_thread"
pub async fn flavor_without_quotes() {}

#[samovar::main(flavor)] //~ flavor => `flavor` needs a value: `flavor = value`
pub async fn no_value() {}

#[samovar::main(worker_threads = )] //~ worker_threads => `worker_threads` needs a value: `worker_threads = value`
pub async fn no_expression() {}

#[samovar::main(worker_threads(2))] //~ worker_threads => `worker_threads` needs a value: `worker_threads = value`
pub async fn value_in_parentheses() {}

#[samovar::main(current_thread)] //~ current_thread => the flavor is an argument: write `flavor = "current_thread"`
pub async fn flavor_alone() {}

#[samovar::main("current_thread")] //~ "current_thread" => expected an argument: `name = value`
pub async fn no_name() {}

#[samovar::main(flavor = "multi_thread",, worker_threads = 2)] //~ , worker_threads => expected an argument: `name = value`
pub async fn two_commas() {}

#[samovar::main(worker_threads = 1, worker_threads = 2)] //~ worker_threads = 2 => `worker_threads` is given twice
pub async fn twice() {}

#[samovar::main(flavor = "current_thread", worker_threads = 2)] //~ worker_threads => `worker_threads` needs the flavor of many threads: add `flavor = "multi_thread"`
pub async fn workers_of_one_thread() -> Result<(), String> {
    std::future::ready(Ok(())).await
}

#[samovar::test(worker_threads = 2)] //~ worker_threads => `worker_threads` needs the flavor of many threads: add `flavor = "multi_thread"`
async fn workers_of_a_test() {}

#[samovar::main(crate = "not a path")] //~ "not a path" => expected the path of a crate or module
pub async fn not_a_path() {}

#[samovar::main(crate = 7)] //~ 7 => expected the path of a crate or module
pub async fn a_number() {}

#[samovar::test(start_paused = 1)] //~ 1 => expected `true` or `false`
async fn a_number_for_a_bool() {}

#[samovar::test(flavor = "multi_thread", start_paused = true)] //~ start_paused => `start_paused` needs the flavor of one thread: add `flavor = "current_thread"`
async fn several_threads_under_one_clock() {}

#[samovar::main(start_paused = true)] //~ start_paused => `start_paused` needs the flavor of one thread: add `flavor = "current_thread"`
pub async fn several_threads_by_default() {}

#[samovar::main(seeds = 0..10)] //~ seeds => `seeds` is for tests: `#[samovar::test(seeds = 0..1000)]`
pub async fn seeds_of_a_program() {}

#[samovar::test(seeds = 1000)] //~ 1000 => `seeds` is a range of numbers: `seeds = 0..1000`
async fn a_number_of_seeds() {}

#[samovar::test(seeds = "0..1000")] //~ "0..1000" => `seeds` is a range of numbers: `seeds = 0..1000`
async fn seeds_in_quotes() {}

#[samovar::test(flavor = "current_thread", worker_threads = 2, seeds = 0..10)] //~ worker_threads => `worker_threads` needs the flavor of many threads: add `flavor = "multi_thread"`
async fn simulated_workers_of_one_thread() {}
