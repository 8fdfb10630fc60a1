//! Properties as JSON that is written once and sent many times. The ones that were used last are kept, up to a number of bytes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::catalog::chosen_row::ChosenRow;
use crate::catalog::property::PropertyView;

/// Bytes that are kept at most.
const MOST: usize = 12 * 1024 * 1024;
/// What an entry takes beside its bytes: its places in both maps, and what the allocator adds.
const ENTRY: usize = 160;

/// A property as JSON.
#[derive(Debug)]
pub struct Fragment {
    /// The object of a [`PropertyView`].
    pub view: Box<[u8]>,
    /// `servicios_cercanos` within the radius whose figures the schema stores.
    pub nearby: Box<[u8]>,
}

impl Fragment {
    /// Writes a row.
    pub fn new(row: ChosenRow) -> Self {
        let placed = row.propiedad.place().is_some();
        let nearby = placed.then(|| row.cerca.by_category());
        Fragment {
            nearby: json(&nearby),
            view: json(&PropertyView::from(row.propiedad)),
        }
    }

    fn bytes(&self) -> usize {
        self.view.len() + self.nearby.len() + ENTRY
    }
}

/// These types have no keys that are not texts, so they can be written.
fn json(value: &impl serde::Serialize) -> Box<[u8]> {
    serde_json::to_vec(value).unwrap_or_default().into()
}

/// The fragments that were used last.
#[derive(Debug, Default)]
pub struct Fragments {
    kept: HashMap<i64, (u64, Arc<Fragment>)>,
    /// The ids by their last use.
    by_use: BTreeMap<u64, i64>,
    uses: u64,
    bytes: usize,
}

impl Fragments {
    /// The fragment of a property, if it is kept.
    pub fn get(&mut self, id: i64) -> Option<Arc<Fragment>> {
        let (used, fragment) = self.kept.get_mut(&id)?;
        self.uses += 1;
        self.by_use.remove(used);
        self.by_use.insert(self.uses, id);
        *used = self.uses;
        Some(Arc::clone(fragment))
    }

    /// Keeps a fragment, and drops those that were not used for the longest time.
    pub fn put(&mut self, id: i64, fragment: Arc<Fragment>) {
        self.remove(id);
        self.uses += 1;
        self.bytes += fragment.bytes();
        self.by_use.insert(self.uses, id);
        self.kept.insert(id, (self.uses, fragment));
        while self.bytes > MOST
            && let Some((_, oldest)) = self.by_use.first_key_value()
        {
            self.remove(*oldest);
        }
    }

    /// Drops the fragment of a property.
    pub fn remove(&mut self, id: i64) {
        if let Some((used, fragment)) = self.kept.remove(&id) {
            self.by_use.remove(&used);
            self.bytes -= fragment.bytes();
        }
    }

    /// Drops all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(bytes: usize) -> Arc<Fragment> {
        Arc::new(Fragment {
            view: vec![b'x'; bytes].into(),
            nearby: Box::default(),
        })
    }

    #[test]
    fn what_was_not_used_for_the_longest_time_goes_first() {
        let mut fragments = Fragments::default();
        for id in 0..3 {
            fragments.put(id, fragment(MOST / 4));
        }
        assert!(fragments.get(0).is_some());
        fragments.put(3, fragment(MOST / 4));
        let kept = [0, 1, 2, 3].map(|id| fragments.kept.contains_key(&id));
        assert_eq!(kept, [true, false, true, true]);
        fragments.put(4, fragment(MOST));
        assert!(fragments.kept.is_empty() && fragments.by_use.is_empty());
        assert_eq!(fragments.bytes, 0);
    }

    #[test]
    fn memory_is_bounded_however_many_are_put_and_taken() {
        let mut fragments = Fragments::default();
        for id in 0..20_000 {
            fragments.put(id % 9000, fragment(3000));
            fragments.get(id / 2);
            assert!(fragments.bytes <= MOST);
        }
        assert_eq!(fragments.kept.len(), fragments.by_use.len());
        assert!(fragments.kept.len() > 3000);
    }
}
