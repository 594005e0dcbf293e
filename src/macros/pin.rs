//! `pin!`: pins local variables where they are.
//!
//! Tokio's form, which takes names and gives them back pinned, on top of std's, which takes an expression. Std's
//! asks no promise of us, and so this one needs none either.

/// Pins local variables where they are, under the same names.
///
/// A future that an `async fn` returns must not be moved once it is polled. `.await` sees to that, but takes the
/// future. To poll one by reference, again and again (in a [`select!`](crate::select) in a loop), it must be pinned
/// first: in a [`Box::pin`], or without an allocation by this macro. After `pin!(x)`, `x` is a
/// [`Pin<&mut _>`](std::pin::Pin) to what it was, and ends with the block.
///
/// It takes **names**, not expressions. It is a statement; the expression is [`std::pin::pin!`].
///
/// # Examples
///
/// ```
/// # #[samovar::main(flavor = "current_thread")]
/// # async fn main() {
/// async fn boil() -> u32 {
///     100
/// }
///
/// let water = boil();
/// samovar::pin!(water);
/// assert_eq!((&mut water).await, 100);
/// # }
/// ```
///
/// Declaring and pinning in one go:
///
/// ```
/// # #[samovar::main(flavor = "current_thread")]
/// # async fn main() {
/// # async fn boil() -> u32 { 100 }
/// samovar::pin! {
///     let one = boil();
///     let other = boil();
/// }
///
/// samovar::select! {
///     degrees = &mut one => assert_eq!(degrees, 100),
///     degrees = &mut other => assert_eq!(degrees, 100),
/// }
/// # }
/// ```
///
/// An expression is refused:
///
/// ```compile_fail
/// async fn boil() {}
///
/// samovar::pin!(boil());
/// ```
#[macro_export]
macro_rules! pin {
    ($($name:ident),* $(,)?) => {
        // The second variable hides the first, which so can never be moved again.
        $(
            #[allow(unused_mut)]
            let mut $name = $crate::macros::support::pin!($name);
        )*
    };
    ($(let $name:ident = $value:expr;)*) => {
        $(
            let $name = $value;
            $crate::pin!($name);
        )*
    };
}
