//! The timer wheel: what is due at which tick. A pure data structure, without clock, threads or calls to wakers.
//!
//! What it is for: most timers are time-outs, and most of these never fire, for the answer comes in time. So what has to be
//! cheap is to set a timer and to take it back, a hundred thousand times a second among a hundred thousand others; to find the
//! next one comes second, and the order of all the rest nobody asks for.
//!
//! Write a tick number in base 64. A `u64` has eleven such digits, and the wheel has a level of 64 slots for each. An
//! entry lies at the level of the **highest digit in which its deadline differs from the time that has elapsed**, in the
//! slot which that digit names. Here the elapsed time is 2·64 + 5, and the entries are due in 3, in 130 and in 8000 ticks:
//!
//! ```text
//!                      digits of the tick:   … 2  1  0
//!                            elapsed = 133  =  0  2  5
//!                                      136  =  0  2  8 ─► level 0, slot 8      differs in digit 0
//!                                      263  =  0  4  7 ─► level 1, slot 4      differs in digit 1
//!                                     8133  =  1 63  5 ─► level 2, slot 1      differs in digit 2
//!
//!             0 1 2 3 4 5 6 7 8          63
//!   level 0  │ │ │ │ │ │▲│ │ │●│ │ │ …  │ │   a slot is 1 tick wide: everything in it is due together
//!   level 1  │ │ │▲│ │●│ │ │ │ │ │ │ …  │ │   64 ticks wide: moves to level 0 when its time begins
//!   level 2  │▲│●│ │ │ │ │ │ │ │ │ │ …  │ │   4096 ticks wide
//!     …                                       ▲ the elapsed time's own digit: nothing lies left of it,
//!   level 10 │▲│ │ │ …    (16 slots)            and on it only at level 0, what was due already
//! ```
//!
//! From that rule follows all the rest:
//!
//! - The entries of one level are due before those of any higher one, for they agree with the elapsed time in the higher
//!   digits. So what is due first lies in **the first occupied slot of the lowest occupied level**: two bitmaps and two
//!   `trailing_zeros` find it, however many ticks have passed and however many entries wait.
//! - Where an entry lies can be computed from its deadline at any later time, since its slot is emptied before the elapsed
//!   time enters it. So it need not be stored.
//! - Entries with the same deadline always lie in the same slot. Each slot is a first-in, first-out list, so they are due
//!   in the order in which they were inserted.
//!
//! Inserting and removing are O(1). An entry moves down at most once per level on its way, mostly once or twice.
//!
//! The idea is the hierarchical wheel of Varghese and Lauck, "Hashed and hierarchical timing wheels", SOSP 1987 (scheme 7);
//! finding the level by an exclusive or is how Tokio's `runtime/time/wheel` does it. What differs from Tokio's:
//!
//! - *Eleven levels, not six.* Six reach 2^36 ticks; what is due later must share the top level's slots with what is due
//!   soon, and sorting out the two has cost Tokio a long-lived bug. Eleven levels hold every `u64`, so the case does not
//!   exist. The price is four kilobytes per wheel.
//! - *Slots know their earliest deadline.* A wheel that only knows where slots begin makes an idle program wake at every
//!   level on the way to a far deadline, to move one entry down; this one lets it sleep until something is due.
//! - *Entries lie in one vector and are linked by indices.* Intrusive lists through the futures themselves save that
//!   vector, and need raw pointers. A heap, the other candidate, costs O(log n) to insert; and to cancel, which is what happens
//!   to most timers, it needs a search or a second index.

use std::fmt;
use std::num::NonZero;

/// Bits of one digit.
const DIGIT: u32 = 6;
/// Values of one digit, and so slots of one level.
const WIDTH: usize = 1 << DIGIT;
/// Digits of a `u64`; the last one has only four bits.
const LEVELS: usize = 11;
/// Slots of all levels.
const SLOTS: usize = (LEVELS - 1) * WIDTH + (1 << (64 % DIGIT));
/// Entries for which a wheel keeps memory when nothing is pending: 40 KiB.
const KEPT: usize = 1024;
/// The index of no entry.
const NIL: u32 = u32::MAX;

/// Entries of type `T` by the tick at which they are due.
pub(crate) struct Wheel<T> {
    /// The tick up to which [`advance`](Wheel::advance) has come. No pending entry is due earlier.
    elapsed: u64,
    /// Bit `n` is set when level `n` has an occupied slot.
    levels: u16,
    /// One bit per slot of each level, set when the slot is occupied.
    occupied: [u64; LEVELS],
    /// The slots of all levels, one level after the other. Empty until the first insert.
    slots: Vec<Slot>,
    /// The pending entries, and the places of former ones.
    entries: Vec<Entry<T>>,
    /// The first free place in `entries`; the others follow by `next`.
    free: u32,
    /// How many entries are pending.
    pending: usize,
    /// What the next entry's key says.
    sequence: NonZero<u64>,
}

/// The entries of one slot, a doubly linked list.
#[derive(Clone, Copy)]
struct Slot {
    /// The entry inserted first, or `NIL`.
    head: u32,
    /// The entry inserted last, or `NIL`.
    tail: u32,
    /// No entry of the slot is due before this tick. Exact, until the entry that was due then is removed.
    earliest: u64,
}

impl Slot {
    /// A slot without entries.
    const EMPTY: Slot = Slot {
        head: NIL,
        tail: NIL,
        earliest: u64::MAX,
    };
}

/// A pending entry, or a free place.
struct Entry<T> {
    /// The tick at which it is due; for one inserted too late, the tick that had elapsed then.
    deadline: u64,
    /// Whose place this is, or was: other keys that name it are stale.
    sequence: NonZero<u64>,
    /// What becomes due; `None` in a free place.
    payload: Option<T>,
    /// The entry before this one in its slot, or `NIL`.
    prev: u32,
    /// The entry after this one in its slot, or the next free place, or `NIL`.
    next: u32,
}

/// Names one entry of one wheel for ever: once it has fired or been removed, its key names nothing.
///
/// The sequence number is the wheel's, not the place's, so that places can be given up together with their history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key {
    /// The place in `entries`.
    index: u32,
    /// The number of the insert; 64 bits do not run out. Never zero, which makes an `Option<Key>` as small as a `Key`.
    sequence: NonZero<u64>,
}

impl<T> Wheel<T> {
    /// An empty wheel at tick 0. It allocates nothing before the first insert.
    pub(crate) const fn new() -> Self {
        Wheel {
            elapsed: 0,
            levels: 0,
            occupied: [0; LEVELS],
            slots: Vec::new(),
            entries: Vec::new(),
            free: NIL,
            pending: 0,
            sequence: NonZero::<u64>::MIN,
        }
    }

    /// Adds an entry that is due at tick `deadline`, or at the next [`advance`](Wheel::advance) when that has passed.
    pub(crate) fn insert(&mut self, deadline: u64, payload: T) -> Key {
        if self.slots.is_empty() {
            self.slots = vec![Slot::EMPTY; SLOTS];
        }
        let sequence = self.sequence;
        self.sequence = sequence.saturating_add(1);
        let deadline = deadline.max(self.elapsed);
        let entry = Entry {
            deadline,
            sequence,
            payload: Some(payload),
            prev: NIL,
            next: NIL,
        };
        let index = self.occupy(entry);
        self.link(index, deadline);
        self.pending += 1;
        Key { index, sequence }
    }

    /// Removes an entry; `None` when it has fired or was removed before.
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let entry = self.entries.get_mut(key.index as usize)?;
        if entry.sequence != key.sequence {
            return None;
        }
        let payload = entry.payload.take()?;
        self.unlink(key.index);
        self.vacate(key.index);
        self.tidy();
        Some(payload)
    }

    /// The payload of an entry; `None` when it has fired or was removed.
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.index as usize)?;
        if entry.sequence != key.sequence {
            return None;
        }
        entry.payload.as_mut()
    }

    /// Moves everything that is due at `now` or earlier into `due`: by deadline, and in the order of insertion where
    /// deadlines are equal. A `now` before an earlier one counts as that one: this clock does not go backwards.
    ///
    /// The cost is that of the entries moved, not of the ticks passed.
    pub(crate) fn advance(&mut self, now: u64, due: &mut Vec<T>) {
        let now = now.max(self.elapsed);
        while let Some((level, slot)) = self.first_occupied() {
            let start = slot_start(self.elapsed, level, slot);
            if start > now {
                break;
            }
            // The entries that move down are placed as seen from the start of their slot.
            self.elapsed = start;
            let mut index = self.take_slot(level, slot);
            while index != NIL {
                index = if level == 0 {
                    self.fire(index, due)
                } else {
                    self.move_down(index)
                };
            }
        }
        self.elapsed = now;
        self.tidy();
    }

    /// When [`advance`](Wheel::advance) must be called next; `None` when nothing is pending.
    ///
    /// Never later than the earliest deadline. Earlier only when an entry was removed that had been due earlier and shared
    /// its slot with others; then the next `advance` finds the true time.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let (level, slot) = self.first_occupied()?;
        Some(self.slots[level * WIDTH + slot].earliest)
    }

    /// How many entries are pending.
    pub(crate) fn len(&self) -> usize {
        self.pending
    }

    /// Whether no entry is pending.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending == 0
    }

    /// The tick up to which [`advance`](Wheel::advance) has come.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn elapsed(&self) -> u64 {
        self.elapsed
    }

    /// Moves all entries into `out`, due or not, in no particular order, and gives the memory back.
    pub(crate) fn drain(&mut self, out: &mut Vec<T>) {
        let entries = std::mem::take(&mut self.entries);
        out.extend(entries.into_iter().filter_map(|entry| entry.payload));
        self.slots = Vec::new();
        self.occupied = [0; LEVELS];
        self.levels = 0;
        self.free = NIL;
        self.pending = 0;
    }

    /// Counts in finer ticks from now on, `1 << shift` of them for one so far: every deadline stays when it was, and every
    /// key is still good. The deadlines must leave room for that.
    pub(crate) fn refine(&mut self, shift: u32) {
        let finer = |tick: u64| tick << shift;
        self.elapsed = finer(self.elapsed);
        self.slots.fill(Slot::EMPTY);
        self.occupied = [0; LEVELS];
        self.levels = 0;
        let mut pending: Vec<u32> = (0u32..)
            .zip(&self.entries)
            .filter_map(|(index, entry)| entry.payload.is_some().then_some(index))
            .collect();
        // In the order in which they were inserted, for such is the order of equal deadlines.
        pending.sort_unstable_by_key(|index| self.entries[*index as usize].sequence);
        for index in pending {
            let entry = &mut self.entries[index as usize];
            (entry.prev, entry.next) = (NIL, NIL);
            entry.deadline = finer(entry.deadline);
            let deadline = entry.deadline;
            self.link(index, deadline);
        }
    }

    /// Level and number of the slot whose time comes first.
    fn first_occupied(&self) -> Option<(usize, usize)> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        Some((level, self.occupied[level].trailing_zeros() as usize))
    }

    /// Empties a slot, and returns the first of its entries. They stay linked.
    fn take_slot(&mut self, level: usize, slot: usize) -> u32 {
        self.mark_empty(level, slot);
        std::mem::replace(&mut self.slots[level * WIDTH + slot], Slot::EMPTY).head
    }

    /// Clears the bits of a slot that has become empty.
    fn mark_empty(&mut self, level: usize, slot: usize) {
        self.occupied[level] &= !(1 << slot);
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
    }

    /// Takes the payload of an entry of a slot that was taken, and returns the entry after it.
    fn fire(&mut self, index: u32, due: &mut Vec<T>) -> u32 {
        let entry = &mut self.entries[index as usize];
        let next = entry.next;
        due.extend(entry.payload.take());
        self.vacate(index);
        next
    }

    /// Puts an entry of a slot that was taken where it belongs now, and returns the entry after it.
    fn move_down(&mut self, index: u32) -> u32 {
        let entry = &mut self.entries[index as usize];
        let (deadline, next) = (entry.deadline, entry.next);
        (entry.prev, entry.next) = (NIL, NIL);
        self.link(index, deadline);
        next
    }

    /// Appends an entry, which is in no list, to the slot of its deadline.
    fn link(&mut self, index: u32, deadline: u64) {
        let (level, number) = slot_of(self.elapsed, deadline);
        let slot = &mut self.slots[level * WIDTH + number];
        if slot.tail == NIL {
            *slot = Slot {
                head: index,
                tail: index,
                earliest: deadline,
            };
            self.occupied[level] |= 1 << number;
            self.levels |= 1 << level;
        } else {
            self.entries[slot.tail as usize].next = index;
            self.entries[index as usize].prev = slot.tail;
            slot.tail = index;
            slot.earliest = slot.earliest.min(deadline);
        }
    }

    /// Takes an entry out of its slot.
    fn unlink(&mut self, index: u32) {
        let Entry {
            deadline,
            prev,
            next,
            ..
        } = self.entries[index as usize];
        let (level, number) = slot_of(self.elapsed, deadline);
        let slot = &mut self.slots[level * WIDTH + number];
        match prev {
            NIL => slot.head = next,
            _ => self.entries[prev as usize].next = next,
        }
        match next {
            NIL => slot.tail = prev,
            _ => self.entries[next as usize].prev = prev,
        }
        if slot.head == NIL {
            self.mark_empty(level, number);
        }
    }

    /// Puts an entry into a free place, or a new one, and returns its index.
    fn occupy(&mut self, entry: Entry<T>) -> u32 {
        if self.free != NIL {
            let index = self.free;
            let place = &mut self.entries[index as usize];
            self.free = place.next;
            *place = entry;
            return index;
        }
        assert!(
            self.entries.len() < NIL as usize,
            "a timer wheel holds at most 2^32 - 1 timers"
        );
        self.entries.push(entry);
        (self.entries.len() - 1) as u32
    }

    /// Makes the place of an entry, whose payload was taken, free for others.
    fn vacate(&mut self, index: u32) {
        self.entries[index as usize].next = self.free;
        self.free = index;
        self.pending -= 1;
    }

    /// When nothing is pending: starts anew with places in order, which is kinder to the cache than a free list in the
    /// order of firing, and gives the memory of a rush of timers back.
    fn tidy(&mut self) {
        if self.pending == 0 && !self.entries.is_empty() {
            self.entries.clear();
            self.entries.shrink_to(KEPT);
            self.free = NIL;
        }
    }
}

impl<T> fmt::Debug for Wheel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel")
            .field("elapsed", &self.elapsed)
            .field("pending", &self.pending)
            .field("next_deadline", &self.next_deadline())
            .finish_non_exhaustive()
    }
}

/// Level and number of the slot in which a deadline lies, as seen from `elapsed`.
fn slot_of(elapsed: u64, deadline: u64) -> (usize, usize) {
    // Setting the lowest digit's bits changes no level, and spares the logarithm the case of zero.
    let differing = (elapsed ^ deadline) | (WIDTH as u64 - 1);
    let level = differing.ilog2() / DIGIT;
    let number = (deadline >> (level * DIGIT)) as usize % WIDTH;
    (level as usize, number)
}

/// The tick at which the time of a slot begins, as seen from `elapsed`.
fn slot_start(elapsed: u64, level: usize, slot: usize) -> u64 {
    let shift = level as u32 * DIGIT;
    let digits = elapsed >> shift;
    (digits - digits % WIDTH as u64 + slot as u64) << shift
}

#[cfg(all(test, not(loom)))]
#[path = "wheel_tests.rs"]
mod tests;
