//! `select!`: waits for the first of several futures, and drops the others.
//!
//! It is a reader of branches that calls itself once per branch, and one expansion: a `poll_fn` that polls every branch
//! in place. The technique of the reader is Tokio's; what it expands to is not, see [`__select!`](crate::__select).
//! Rejected: `futures::select!`'s rule that every future be `FusedFuture + Unpin` (a burden on the user for what a flag
//! per branch does), and keeping temporaries of the expressions alive while waiting (a lock guard among them would be
//! held all that time).

/// Waits for the first of several branches, cancels the others, and runs the handler of the one that was first.
///
/// ```text
/// select! {
///     <pattern> = <future> (, if <condition>)? => <handler>,
///     ..
///     else => <expression>
/// }
/// ```
///
/// It must be used in an async function, block or closure, takes 1 to 64 branches, and is an expression: all handlers
/// have the same type. A handler in braces needs no comma after it. `<future>` is anything that implements
/// [`IntoFuture`](std::future::IntoFuture). `else` is optional, and comes last.
///
/// # What happens
///
/// 1. Every `<condition>` is evaluated. A branch whose condition is false is disabled, until this `select!` is done.
/// 2. Every `<future>` expression is evaluated, also those of disabled branches. Temporaries of the expressions (a lock
///    guard, say) are dropped here, except for `&mut <temporary>`, which is a branch.
/// 3. The futures of the enabled branches are polled, on the current task, until one is ready.
/// 4. If its value matches `<pattern>`, that branch has won: **all** futures are dropped, and then its handler runs.
///    What a losing future had borrowed is free in the handler. If the value does not match, the branch is disabled
///    and the others go on.
/// 5. When all branches are disabled, `else` runs.
///
/// The handler is outside of every loop and closure of the macro: `?`, `return`, `break`, `continue` and `.await` in
/// it mean what they mean around the `select!`. While a handler waits, no branch is polled.
///
/// The branches run concurrently, not in parallel: they share the task, and one that blocks the thread blocks them all.
/// For parallelism, [`spawn`](crate::spawn()) the futures and select among their join handles.
///
/// # Panics
///
/// If all branches are disabled, by their conditions or by values that did not match, and there is no `else`.
///
/// # Fairness
///
/// Each time it is polled, a `select!` begins with a branch chosen at random, so that in a loop no branch which is
/// always ready starves the others. `biased;` in front of the branches makes it begin with the first, always:
///
/// - if the order has a meaning, such as "look for the shutdown signal before the next message",
/// - or if the few nanoseconds for a random number matter.
///
/// Fairness is yours then: a first branch that is always ready starves all others, for ever. Put the branch with much
/// to do last.
///
/// A task has a budget of operations (messages, reads) per turn. When it is spent, `select!` lets other tasks run
/// before it polls a branch again.
///
/// # Cancel safety
///
/// The losing futures are dropped, wherever they are. In a loop, this is harmless only for a future that is *cancel
/// safe*: one which, dropped before it is done, has done nothing. For an `async fn`, look at each `.await`, for that
/// is where it would stop: would starting again lose something?
///
/// Cancel safe are
///
/// - `recv` of `mpsc::Receiver`, `mpsc::UnboundedReceiver` and `broadcast::Receiver`, and `changed` of
///   `watch::Receiver`;
/// - `accept` of `TcpListener`;
/// - `read` of `AsyncReadExt` and `write` of `AsyncWriteExt`;
/// - `tick` of `Interval`, and `next` of a stream;
/// - `&mut future`, whatever the future is: only the reference is dropped, and the next `select!` goes on with it.
///
/// Not cancel safe, because what was read or written before is lost, are `read_exact`, `read_to_end`,
/// `read_to_string` and `write_all`.
///
/// Cancel safe but for the place in the queue, which is lost, are `lock` of `Mutex`, `read` and `write` of
/// `RwLock`, `acquire` of `Semaphore`, and `notified` of `Notify`.
///
/// # Examples
///
/// Whichever is first:
///
/// ```
/// use samovar::sync::oneshot;
///
/// # #[samovar::main(flavor = "current_thread")]
/// # async fn main() {
/// let (tea, first) = oneshot::channel();
/// let (_coffee, second) = oneshot::channel::<&str>();
/// samovar::spawn(async move { tea.send("tea") });
///
/// let cup = samovar::select! {
///     cup = first => cup.unwrap(),
///     cup = second => cup.unwrap(),
/// };
/// assert_eq!(cup, "tea");
/// # }
/// ```
///
/// Two streams until both have ended. `None` does not match `Some(n)`, so it disables its branch; `else` runs when
/// both are:
///
/// ```
/// use futures::stream::{self, StreamExt};
///
/// # #[samovar::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut odd = stream::iter([1, 3, 5]);
/// let mut even = stream::iter([2, 4]);
/// let mut all = Vec::new();
///
/// loop {
///     samovar::select! {
///         Some(n) = odd.next() => all.push(n),
///         Some(n) = even.next() => all.push(n),
///         else => break,
///     }
/// }
///
/// all.sort();
/// assert_eq!(all, [1, 2, 3, 4, 5]);
/// # }
/// ```
///
/// One future over many rounds, by reference. It must be pinned for that: here, one timer limits the whole loop.
///
/// ```
/// use futures::stream::{self, StreamExt};
/// use samovar::time::{Duration, sleep};
///
/// # #[samovar::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut cups = stream::iter(["one", "two", "three"]);
/// let closing_time = sleep(Duration::from_secs(10));
/// samovar::pin!(closing_time);
///
/// loop {
///     samovar::select! {
///         cup = cups.next() => match cup {
///             Some(cup) => println!("{cup}"),
///             None => break,
///         },
///         () = &mut closing_time => {
///             println!("we are closing");
///             break;
///         }
///     }
/// }
/// # }
/// ```
///
/// Conditions, so that a future which is done is not polled again:
///
/// ```
/// # #[samovar::main(flavor = "current_thread")]
/// # async fn main() {
/// samovar::pin! {
///     let water = async { "hot" };
///     let leaves = async { "black" };
/// }
/// let (mut a, mut b) = (None, None);
///
/// while a.is_none() || b.is_none() {
///     samovar::select! {
///         x = &mut water, if a.is_none() => a = Some(x),
///         x = &mut leaves, if b.is_none() => b = Some(x),
///     }
/// }
/// assert_eq!((a, b), (Some("hot"), Some("black")));
/// # }
/// ```
///
/// In the order of the text:
///
/// ```
/// # #[samovar::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut cups = 0;
///
/// loop {
///     samovar::select! {
///         biased;
///
///         () = async {}, if cups < 1 => cups = 1,
///         () = async {}, if cups < 2 => cups = 2,
///         () = async {} => break,
///     }
/// }
/// assert_eq!(cups, 2);
/// # }
/// ```
///
/// ## A race to avoid
///
/// A condition disables a branch, so it must not ask what the future itself is there to tell. This can hang:
///
/// ```no_run
/// # use samovar::time::{Duration, sleep};
/// # async fn boil() {}
/// # #[samovar::main(flavor = "current_thread")]
/// # async fn main() {
/// let timer = sleep(Duration::from_millis(50));
/// samovar::pin!(timer);
///
/// while !timer.is_elapsed() {
///     samovar::select! {
///         () = &mut timer, if !timer.is_elapsed() => println!("too late"),
///         () = boil() => println!("boiled"),
///     }
/// }
/// # }
/// ```
///
/// If the time runs out between the `while` and the `if`, the branch is disabled, and `boil` is waited for however long
/// it takes. Without the two questions (`loop`, and `break` in the first handler) there is nothing to race.
#[macro_export]
macro_rules! select {
    ($(biased;)?) => {
        ::core::compile_error!("select! needs at least one branch")
    };
    ($(biased;)? else => $else:expr $(,)?) => {
        $else
    };
    (biased; $($branches:tt)+) => {
        $crate::__select!(InOrder [] $($branches)+)
    };
    ($($branches:tt)+) => {
        $crate::__select!(Random [] $($branches)+)
    };
}

/// The work of [`select!`]: reads one branch at a time into the list in brackets, then expands the list.
///
/// Each branch gets variables of its own although the text gives all of them the same names: every step of the
/// recursion is a new expansion, and names from different expansions are different names. That is what spares a tuple
/// with one `_` per earlier branch, and an enum with one variant per branch, which only a procedural macro can write.
#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    // ----- Reading: the end and `else` come first, because `else` where a pattern is expected is an error at once.

    ($order:ident [$($read:tt)+]) => {
        $crate::__select!(@expand $order [$($read)+]
            ::core::panic!("all branches are disabled and there is no else branch"))
    };
    ($order:ident [$($read:tt)+] else => $else:expr $(,)?) => {
        $crate::__select!(@expand $order [$($read)+] $else)
    };
    // A handler in braces needs no comma after it; any other does, unless it is the last.
    ($order:ident [$($read:tt)*] $p:pat = $f:expr $(, if $c:expr)? => $h:block, $($rest:tt)*) => {
        $crate::__select!($order [$($read)*
            { 1 future enabled output ($p) ($f) (true $(&& $c)?) ($h) }] $($rest)*)
    };
    ($order:ident [$($read:tt)*] $p:pat = $f:expr $(, if $c:expr)? => $h:block $($rest:tt)*) => {
        $crate::__select!($order [$($read)*
            { 1 future enabled output ($p) ($f) (true $(&& $c)?) ($h) }] $($rest)*)
    };
    ($order:ident [$($read:tt)*] $p:pat = $f:expr $(, if $c:expr)? => $h:expr) => {
        $crate::__select!($order [$($read)*
            { 1 future enabled output ($p) ($f) (true $(&& $c)?) ($h) }])
    };
    ($order:ident [$($read:tt)*] $p:pat = $f:expr $(, if $c:expr)? => $h:expr, $($rest:tt)*) => {
        $crate::__select!($order [$($read)*
            { 1 future enabled output ($p) ($f) (true $(&& $c)?) ($h) }] $($rest)*)
    };

    // ----- The expansion.

    (@expand $order:ident [$({
        $one:literal $future:ident $enabled:ident $output:ident
        ($pattern:pat) ($expression:expr) ($condition:expr) ($handler:expr)
    })+] $else:expr) => {{
        $( let mut $enabled: bool = $condition; )+

        // At most one of the outputs is filled. This block ends the futures' lives, so that a handler can use again
        // what a losing future had borrowed.
        #[allow(unused_mut)]
        let ($(mut $output,)+) = {
            // A `let` of its own: it extends the life of temporaries, so that `&mut ready(())` can be a branch.
            $( let $future = $expression; )+
            $(
                let mut $future = $crate::macros::support::pin!(
                    $crate::macros::support::IntoFuture::into_future($future)
                );
            )+
            $crate::macros::support::poll_fn(|cx| {
                if $crate::macros::support::poll_budget(cx).is_pending() {
                    return $crate::macros::support::Poll::Pending;
                }
                let mut pending = false;
                $( let mut $output = $crate::macros::support::None; )+
                'search: {
                    let first = $crate::macros::support::$order::new().first(0 $(+ $one)+);
                    $crate::__each_from!(first, $({
                        #[allow(unreachable_code, unreachable_patterns, unused_mut, unused_variables)]
                        'branch: {
                            if !$enabled {
                                break 'branch;
                            }
                            // Taken out of the `match`, and not used in it, so that a type which nothing decides
                            // (`_ = pending() => ..`) falls back to the compiler's default for arms that diverge.
                            let mut value = match $crate::macros::support::Future::poll($future.as_mut(), cx) {
                                $crate::macros::support::Poll::Ready(value) => value,
                                $crate::macros::support::Poll::Pending => {
                                    pending = true;
                                    break 'branch;
                                }
                            };
                            $enabled = false;
                            // The guard sees that the pattern matches, and refuses: nothing is moved or borrowed,
                            // whatever the pattern would bind.
                            let mut matches = false;
                            match value {
                                $pattern if { matches = true; false } => ::core::unreachable!(),
                                _ => {}
                            }
                            if matches {
                                $output = $crate::macros::support::Some(value);
                                break 'search;
                            }
                        }
                    })+);
                    if pending {
                        return $crate::macros::support::Poll::Pending;
                    }
                }
                $crate::macros::support::Poll::Ready(($($output,)+))
            })
            .await
        };

        // Outside of every loop and closure: `?`, `return`, `break`, `continue` and `.await` in a handler are the
        // user's own.
        $( if let $crate::macros::support::Some($pattern) = $output { $handler } else )+ { $else }
    }};
}
