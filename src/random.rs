//! The one source of randomness: a generator per thread.
//!
//! Whom to steal from, which branch of a `select!` goes first: such choices have to be fair, not unpredictable. So a
//! xorshift (Marsaglia, <https://doi.org/10.18637/jss.v008.i14>) will do: three shifts, no lock, no system call.
//!
//! Because it is the only one, a [simulation](crate::scheduler) that puts its own state in place of the thread's decides
//! every choice that is made on that thread.

use std::cell::Cell;

use crate::shim;
use crate::shim::thread_local;

thread_local! {
    /// The state of this thread's generator; 0, which a xorshift never reaches, means "not seeded yet".
    static STATE: Cell<u64> = const { Cell::new(0) };
}

/// A number in `0..n`; 0 if `n` is 0.
#[inline]
pub(crate) fn below(n: u32) -> u32 {
    if n < 2 {
        return 0;
    }
    let random = STATE.try_with(|state| {
        let mut x = state.get();
        if x == 0 {
            x = fresh();
        }
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        state.set(x);
        x >> 32
    });
    // Scaling the upper half to `0..n` costs a multiplication where `%` would cost a division.
    ((random.unwrap_or(0) * u64::from(n)) >> 32) as u32
}

/// Puts another state in the place of this thread's, and returns that.
pub(crate) fn replace(state: u64) -> u64 {
    STATE.try_with(|mine| mine.replace(state)).unwrap_or(0)
}

/// The state that belongs to a seed. Neighbouring seeds get states that have nothing in common: this is the last step of
/// splitmix64 (<https://doi.org/10.1145/2660193.2660195>).
pub(crate) fn from_seed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)).max(1)
}

/// A state that differs between threads and runs.
#[cold]
fn fresh() -> u64 {
    shim::seed() | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_are_in_range_and_spread() {
        assert_eq!((below(0), below(1)), (0, 0));
        for n in [2, 3, 7, 64] {
            let mut seen = vec![0; n as usize];
            for _ in 0..1_000 * n {
                seen[below(n) as usize] += 1;
            }
            assert!(seen.iter().all(|&times| times > 500), "{n}: {seen:?}");
        }
    }

    #[test]
    fn threads_have_numbers_of_their_own() {
        let draw = || [(); 8].map(|()| below(u32::MAX));
        let other = std::thread::spawn(draw).join().unwrap();
        assert_ne!(draw(), other);
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_its_neighbour_others() {
        let draw = |seed| {
            let mine = replace(from_seed(seed));
            let drawn = [(); 8].map(|()| below(1000));
            replace(mine);
            drawn
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert_ne!(draw(0)[0], draw(1)[0]);
    }
}
