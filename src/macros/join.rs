//! `join!` and `try_join!`: wait for several futures at once, on the task that calls.
//!
//! Both are the same loop over the branches that are not done; [`Branch`](crate::macros::support::Branch) holds a
//! future until it is done, and its output from then on. Tokio's `MaybeDone` is one enum of the two, which takes
//! unchecked code to reach through a pin; a pinned `Option` and an output beside it do not. Rejected: polling in the order
//! of the text by default. A first branch that never runs out of work would use up the task's budget at every poll,
//! and the second would never get any.

/// Waits for all of several futures, on the current task, and returns a tuple of what they returned.
///
/// It must be used in an async function, block or closure. A branch is anything that implements
/// [`IntoFuture`](std::future::IntoFuture). Nothing is allocated: the futures are part of the one around them. Each is
/// dropped as soon as it is done.
///
/// All branches are waited for, also when one returns an `Err`; [`try_join!`](crate::try_join) stops there.
///
/// The branches run concurrently, not in parallel: they share the task, and one that blocks the thread blocks them all.
/// For parallelism, [`spawn`](crate::spawn()) the futures and join their handles.
///
/// # Fairness
///
/// Each poll begins with another branch, the next one, so that a branch which uses up the task's budget at every poll
/// cannot starve the others. `biased;` in front of the branches makes every poll begin with the first; fairness is
/// yours then.
///
/// # Cancel safety
///
/// Dropping the whole before it is done drops every branch that is not done, and the values of those that are.
///
/// # Examples
///
/// ```
/// # #[samovar::main(flavor = "current_thread")]
/// # async fn main() {
/// async fn boil() -> u32 {
///     100
/// }
/// async fn choose() -> &'static str {
///     "black"
/// }
///
/// let (degrees, leaves) = samovar::join!(boil(), choose());
/// assert_eq!((degrees, leaves), (100, "black"));
///
/// // In the order of the text, at every poll:
/// let (degrees, leaves) = samovar::join!(biased; boil(), choose());
/// assert_eq!((degrees, leaves), (100, "black"));
/// # }
/// ```
#[macro_export]
macro_rules! join {
    ($(biased;)?) => {
        async {}.await
    };
    (biased; $($future:expr),+ $(,)?) => {{
        let $crate::macros::support::Ok(outputs) = $crate::__join!(poll InOrder [] $($future,)+);
        outputs
    }};
    ($($future:expr),+ $(,)?) => {{
        let $crate::macros::support::Ok(outputs) = $crate::__join!(poll Rotating [] $($future,)+);
        outputs
    }};
}

/// Waits until all of several futures have returned `Ok`, or the first has returned `Err`.
///
/// It returns `Ok` of a tuple of the values, or that `Err`; the branches that are not done are dropped then. All
/// branches return a `Result` with the same error type. In all else it is [`join!`](crate::join): it must be used in
/// async code, allocates nothing, polls another branch first each time unless it begins with `biased;`, and gives
/// concurrency, not parallelism.
///
/// # Errors
///
/// The first error that a branch returns. If several fail at the same poll, it is that of the branch polled first.
///
/// # Cancel safety
///
/// Like that of [`join!`](crate::join). An error cancels the other branches, wherever they are.
///
/// # Examples
///
/// ```
/// # #[samovar::main(flavor = "current_thread")]
/// # async fn main() {
/// async fn boil() -> Result<u32, String> {
///     Ok(100)
/// }
/// async fn choose(leaves: &str) -> Result<&str, String> {
///     match leaves {
///         "none" => Err("we are out of tea".to_owned()),
///         some => Ok(some),
///     }
/// }
///
/// assert_eq!(samovar::try_join!(boil(), choose("black")), Ok((100, "black")));
///
/// let failed = samovar::try_join!(boil(), choose("none"), std::future::pending::<Result<(), _>>());
/// assert_eq!(failed.unwrap_err(), "we are out of tea");
/// # }
/// ```
///
/// With spawned tasks, a panic and an error both end it:
///
/// ```
/// use samovar::task::JoinHandle;
/// use std::error::Error;
///
/// async fn flatten<T>(
///     handle: JoinHandle<Result<T, std::num::ParseIntError>>,
/// ) -> Result<T, Box<dyn Error>> {
///     Ok(handle.await??)
/// }
///
/// # #[samovar::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn Error>> {
/// let one = samovar::spawn(async { "1".parse::<u32>() });
/// let two = samovar::spawn(async { "2".parse::<u32>() });
///
/// let (one, two) = samovar::try_join!(flatten(one), flatten(two))?;
/// assert_eq!(one + two, 3);
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! try_join {
    ($(biased;)?) => {
        async { $crate::macros::support::Ok(()) }.await
    };
    (biased; $($future:expr),+ $(,)?) => {
        $crate::__join!(try_poll InOrder [] $($future,)+)
    };
    ($($future:expr),+ $(,)?) => {
        $crate::__join!(try_poll Rotating [] $($future,)+)
    };
}

/// The work of [`join!`] and [`try_join!`], which differ in how a branch is polled: `poll` never fails, `try_poll` may.
///
/// One expression at a time goes into the list in brackets, beside a variable of its own: as in `select!`, every step
/// of the recursion makes its `branch` another name.
#[doc(hidden)]
#[macro_export]
macro_rules! __join {
    ($poll:ident $order:ident [$($read:tt)*] $future:expr, $($rest:tt)*) => {
        $crate::__join!($poll $order [$($read)* { 1 branch ($future) }] $($rest)*)
    };
    ($poll:ident $order:ident [$({ $one:literal $branch:ident ($future:expr) })+]) => {{
        $( let $branch = $future; )+
        $(
            let $branch = $crate::macros::support::pin!($crate::macros::support::Some(
                $crate::macros::support::IntoFuture::into_future($branch)
            ));
            let mut $branch = $crate::macros::support::Branch::new($branch);
        )+
        let mut order = $crate::macros::support::$order::new();
        $crate::macros::support::poll_fn(|cx| {
            let mut pending = false;
            let first = order.first(0 $(+ $one)+);
            $crate::__each_from!(first, $({
                match $branch.$poll(cx) {
                    $crate::macros::support::Poll::Pending => pending = true,
                    $crate::macros::support::Poll::Ready($crate::macros::support::Ok(())) => {}
                    #[allow(unreachable_code, unreachable_patterns)]
                    $crate::macros::support::Poll::Ready($crate::macros::support::Err(error)) => {
                        return $crate::macros::support::Poll::Ready($crate::macros::support::Err(error));
                    }
                }
            })+);
            if pending {
                return $crate::macros::support::Poll::Pending;
            }
            // With an output that cannot exist (`Infallible`) this is not reached.
            #[allow(unreachable_code)]
            {
                $crate::macros::support::Poll::Ready($crate::macros::support::Ok(($($branch.take(),)+)))
            }
        })
        .await
    }};
}
