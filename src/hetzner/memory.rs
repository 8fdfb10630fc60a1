//! What was asked in a run and cannot have changed since by the run itself.

use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::Value;

use super::Hetzner;

/// Answers to lists, by their question. Whatever the run sends that may change something makes it
/// forget all of them, and so does each wait: others change things too.
#[derive(Default)]
pub(super) struct ListMemory(RefCell<Remembered>);

#[derive(Default)]
struct Remembered {
    /// How many runs remember now.
    users: usize,
    /// How often it forgot: an answer to an older question is not kept.
    time: u64,
    answers: HashMap<String, Vec<Value>>,
}

impl ListMemory {
    pub fn recall(&self, question: &str) -> Option<Vec<Value>> {
        self.0.borrow().answers.get(question).cloned()
    }

    pub fn time(&self) -> u64 {
        self.0.borrow().time
    }

    pub fn keep(&self, since: u64, question: String, answer: &[Value]) {
        let mut memory = self.0.borrow_mut();
        if memory.users > 0 && memory.time == since {
            memory.answers.insert(question, answer.to_vec());
        }
    }

    pub fn forget(&self) {
        let mut memory = self.0.borrow_mut();
        memory.time += 1;
        memory.answers.clear();
    }
}

/// While it lives, the same list is not asked for twice.
pub struct Remembering<'a>(&'a ListMemory);

impl Hetzner {
    /// For the time of one look or one run. What a person was asked meanwhile ends it: others change
    /// things in that time.
    pub fn remembering(&self) -> Remembering<'_> {
        if self.memory.0.borrow().users == 0 {
            self.memory.forget();
        }
        self.memory.0.borrow_mut().users += 1;
        Remembering(&self.memory)
    }
}

impl Drop for Remembering<'_> {
    fn drop(&mut self) {
        self.0.0.borrow_mut().users -= 1;
        if self.0.0.borrow().users == 0 {
            self.0.forget();
        }
    }
}
