//! Questions about a type's traits that the compiler answers.
#![allow(unused_macros, reason = "no test needs both")]

/// Compiles only if the type has the traits.
macro_rules! assert_is {
    ($type:ty: $($traits:tt)+) => {{
        fn check<T: ?Sized + $($traits)+>() {}
        check::<$type>();
    }};
}

/// Compiles only if the type lacks the trait: else two implementations fit, and `_` is ambiguous.
macro_rules! assert_is_not {
    ($type:ty: $trait:ident) => {{
        trait Ambiguous<A> {
            fn check() {}
        }
        struct Second;
        impl<T: ?Sized> Ambiguous<()> for T {}
        impl<T: ?Sized + $trait> Ambiguous<Second> for T {}
        let _ = <$type as Ambiguous<_>>::check;
    }};
}
