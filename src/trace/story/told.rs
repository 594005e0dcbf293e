//! What the story has told: who is in it, and so what need not be told again.
//!
//! A server does the same thing a million times, and nobody reads a million lines. So each task is *somebody* with a name, or
//! an *extra*, who does what three others from the same line of the program have done; and of somebody the same wait is told
//! three times. What counts as the same is the text without its numbers.
//!
//! It forgets: who is done, after a while, and all but the last few waits. A story that is told live has no end.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::task::{Id, Place};
use crate::trace::event::{Cause, Event, Kind, Lane, Outcome, Who};
use crate::trace::words::{Subject, subject};

/// So many tasks of the same place are told of, and so many times the same wait.
const ENOUGH: usize = 3;
/// How many different waits of somebody are remembered.
const KNOWN_WAITS: usize = 8;
/// How many of those who are done are remembered, for somebody may still speak of them.
const DONE: usize = 64;

/// Everybody, and what was told of them.
#[derive(Default)]
pub(super) struct Told {
    /// Everybody who is not done, or was until just now.
    people: HashMap<Who, Person>,
    /// How many tasks each place has spawned.
    spawned_at: HashMap<Place, usize>,
    /// Those who were done last.
    done: VecDeque<Who>,
    /// The threads of which something was told since they last slept; of the others it is not told that they sleep again.
    lively: HashSet<Lane>,
    /// The threads of which it was told that they sleep.
    asleep: HashSet<Lane>,
    /// How often such news of sockets were told.
    sources: HashMap<String, usize>,
}

/// A task, a blocking job or the main future.
#[derive(Default)]
struct Person {
    /// What others call it.
    name: String,
    /// How it is called in its column.
    title: String,
    /// Nothing is told of it: it does what others did before it.
    is_extra: bool,
    /// Whether it was polled before.
    was_polled: bool,
    /// What it has waited for, without numbers, and how often; the last one is the current.
    waits: Vec<(String, usize)>,
}

impl Person {
    /// It waits. Returns how often it did so for the same thing.
    fn wait(&mut self, waits_for: String) -> usize {
        let known = self.waits.iter().position(|(known, _)| *known == waits_for);
        let times = known.map_or(0, |at| self.waits.remove(at).1) + 1;
        if self.waits.len() >= KNOWN_WAITS {
            self.waits.remove(0);
        }
        self.waits.push((waits_for, times));
        times
    }
}

impl Told {
    /// Takes note of an event. `false`: it need not be told.
    pub(super) fn is_news(&mut self, event: &Event) -> bool {
        let is_told = match &event.kind {
            Kind::Parked { .. } => {
                let is_told = self.lively.remove(&event.lane);
                if is_told {
                    self.asleep.insert(event.lane.clone());
                }
                return is_told;
            }
            Kind::Unparked { .. } => return self.asleep.remove(&event.lane),
            Kind::Ready { source } => {
                let times = self.sources.entry(without_numbers(source)).or_default();
                *times += 1;
                *times <= ENOUGH
            }
            Kind::Spawned {
                task, name, place, ..
            } => self.introduce(*task, name.as_deref(), place),
            kind => match subject(kind) {
                Subject::Who(who) => self.is_worth_it(who, kind),
                Subject::Lane => true,
            },
        };
        if is_told {
            self.lively.insert(event.lane.clone());
        }
        is_told
    }

    /// Somebody new. `false`: it is an extra.
    fn introduce(&mut self, task: Id, name: Option<&str>, place: Place) -> bool {
        let spawned = self.spawned_at.entry(place).or_default();
        *spawned += 1;
        let is_extra = *spawned > ENOUGH;
        let file = place.file().rsplit(['/', '\\']).next().unwrap_or_default();
        let (name, title) = match name {
            Some(name) => (name.to_owned(), name.to_owned()),
            None => (
                format!("task {task}"),
                format!("task {task} {file}:{}", place.line()),
            ),
        };
        let person = Person {
            name,
            title,
            is_extra,
            ..Person::default()
        };
        self.people.insert(Who::Task(task), person);
        !is_extra
    }

    /// Whether this part of somebody's life is told.
    fn is_worth_it(&mut self, who: Who, kind: &Kind) -> bool {
        if let Kind::Woken {
            by: Cause::Poll(waker @ Who::Task(_)),
            ..
        } = kind
        {
            if self.people.get(waker).is_some_and(|waker| waker.is_extra) {
                return false;
            }
        }
        let person = self.people.entry(who).or_insert_with(|| Person {
            name: who.to_string(),
            title: who.to_string(),
            ..Person::default()
        });
        if person.is_extra {
            return false;
        }
        match kind {
            Kind::PollEnded {
                outcome: Outcome::Pending,
                waits_for,
                ..
            } => {
                let waits_for = waits_for.as_deref().unwrap_or_default();
                let waits_for = without_numbers(waits_for);
                person.wait(waits_for) <= ENOUGH
            }
            Kind::PollBegan { .. }
            | Kind::Queued { .. }
            | Kind::TimerSet { .. }
            | Kind::Woken { .. } => person.waits.last().is_none_or(|(_, times)| *times < ENOUGH),
            _ => true,
        }
    }

    /// Takes note of an event that was told, or left out: who was polled, and who is done.
    pub(super) fn is_over(&mut self, kind: &Kind) {
        match kind {
            Kind::PollBegan { who } => {
                if let Some(person) = self.people.get_mut(who) {
                    person.was_polled = true;
                }
            }
            Kind::PollEnded {
                outcome: Outcome::Pending,
                ..
            } => {}
            // The next one is the future of another `block_on`.
            Kind::PollEnded { who: Who::Main, .. } => drop(self.people.remove(&Who::Main)),
            Kind::PollEnded { who, .. } => {
                self.done.push_back(*who);
                if self.done.len() > DONE {
                    self.done.pop_front().map(|who| self.people.remove(&who));
                }
            }
            Kind::Cancelled { task } | Kind::JobEnded { job: task } => {
                self.people.remove(&Who::Task(*task));
            }
            _ => {}
        }
    }

    /// What a task is called.
    pub(super) fn name(&self, id: Id) -> String {
        let person = self.people.get(&Who::Task(id));
        person.map_or_else(|| format!("task {id}"), |person| person.name.clone())
    }

    /// How somebody is called in the column that says who.
    pub(super) fn title(&self, who: Who) -> String {
        let person = self.people.get(&who);
        person.map_or_else(|| who.to_string(), |person| person.title.clone())
    }

    /// Whether somebody was polled before.
    pub(super) fn was_polled(&self, who: Who) -> bool {
        self.people
            .get(&who)
            .is_some_and(|person| person.was_polled)
    }
}

/// What two texts have in common that differ only in numbers, or in addresses: words with a digit are left out.
fn without_numbers(text: &str) -> String {
    let words = text
        .split(' ')
        .filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
    words.collect::<Vec<_>>().join(" ")
}
