//! The model of a queue: whoever asks first is served first, and a big wish collects what comes free.
//!
//! A mutex is a line for one thing, a readers-writer lock one in which a writer wants all of very many, a bounded channel
//! one for slots. What is free goes to the first who waits, at once; so while somebody waits, nothing is free.

use std::task::Poll;

/// Those who wait for some of a number of equal things.
#[derive(Default)]
pub struct Line {
    /// What nobody has.
    pub free: usize,
    /// Whether everybody is turned away.
    pub closed: bool,
    /// In order of their beginning, which need not be that of their first poll.
    places: Vec<Place>,
    /// How many have queued so far.
    tickets: usize,
}

/// One who waits.
struct Place {
    /// What it is for: handed back at the end.
    tag: u64,
    wants: usize,
    has: usize,
    /// Its turn, from its first poll on.
    ticket: Option<usize>,
    woken: bool,
}

impl Line {
    pub fn of(free: usize) -> Line {
        Line {
            free,
            ..Line::default()
        }
    }

    /// One more, who queues when it is polled.
    pub fn add(&mut self, wants: usize, tag: u64) {
        self.places.push(Place {
            tag,
            wants,
            has: 0,
            ticket: None,
            woken: false,
        });
    }

    /// A look, of the newest or another: how many things it got, and its tag; nothing when the line is closed.
    pub fn poll(&mut self, at: usize) -> Option<Poll<(Option<usize>, u64)>> {
        let at = at.checked_rem(self.places.len())?;
        let place = &mut self.places[at];
        if !self.closed && place.ticket.is_none() {
            place.ticket = Some(self.tickets);
            self.tickets += 1;
            // While others wait nothing is free, so this overtakes nobody; and who wants nothing need not wait.
            let got = place.wants.min(self.free);
            self.free -= got;
            place.has = got;
        }
        place.woken = false;
        if self.closed {
            let place = self.places.remove(at);
            self.put(place.has);
            return Some(Poll::Ready((None, place.tag)));
        }
        if place.has < place.wants {
            return Some(Poll::Pending);
        }
        let place = self.places.remove(at);
        Some(Poll::Ready((Some(place.wants), place.tag)))
    }

    pub fn poll_newest(&mut self) -> Option<Poll<(Option<usize>, u64)>> {
        self.poll(self.places.len().wrapping_sub(1))
    }

    /// One goes away; what it had goes to the others.
    pub fn cancel(&mut self, at: usize) -> Option<u64> {
        let at = at.checked_rem(self.places.len())?;
        let place = self.places.remove(at);
        self.put(place.has);
        Some(place.tag)
    }

    /// Takes some without waiting.
    pub fn try_take(&mut self, wants: usize) -> bool {
        let can = self.free >= wants;
        self.free -= if can { wants } else { 0 };
        can
    }

    /// Gives some back.
    pub fn put(&mut self, things: usize) {
        self.free += things;
        while self.free > 0 && !self.closed {
            let waits = |place: &&mut Place| place.ticket.is_some() && place.has < place.wants;
            let first = self.places.iter_mut().filter(waits);
            let Some(first) = first.min_by_key(|place| place.ticket) else {
                return;
            };
            let given = self.free.min(first.wants - first.has);
            first.has += given;
            first.woken = first.has == first.wants;
            self.free -= given;
        }
    }

    /// Turns everybody away, when they look.
    pub fn close(&mut self) {
        self.closed = true;
        for place in &mut self.places {
            place.woken |= place.ticket.is_some();
        }
    }

    /// How many things those have who have not got all they want.
    pub fn collected(&self) -> usize {
        let short = self.places.iter().filter(|place| place.has < place.wants);
        short.map(|place| place.has).sum()
    }

    /// Takes away what those have who have not got all they want.
    pub fn forget_collected(&mut self) {
        let collected = self.collected();
        for place in &mut self.places {
            if place.has < place.wants {
                place.has = 0;
            }
        }
        self.free += collected;
    }

    /// How many things those have who can go on.
    pub fn promised(&self) -> usize {
        self.places.iter().map(|place| place.has).sum()
    }

    /// What those who wait are there for.
    pub fn tags(&self) -> impl Iterator<Item = u64> {
        self.places.iter().map(|place| place.tag)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn woken(&self) -> Vec<bool> {
        self.places.iter().map(|place| place.woken).collect()
    }
}
