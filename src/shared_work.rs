//! Work that callers ask for in pieces, and that is done once for all of them.
//!
//! Polars calls the plugin once for each column of summands of a batch, on one thread or on several, in any order. The work for one
//! column is most of the work for all. So the first caller does all of it. Callers that come meanwhile wait, and later ones take
//! their pieces.
//!
//! Work is identified by its [`Source`] alone. It is stored until every piece has been asked for equally often, which is after the
//! last call for a batch. A query that fails leaves work behind. The next caller drops it when it has been idle for a while, or a
//! thread does, which runs as long as something is stored. Where the limit of memory is reached, callers compute for themselves.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Source of some work.
pub trait Source: Send + Sync + 'static {
    /// Whether this may be the other, by a look at its outlines.
    fn is_like(&self, other: &Self) -> bool;
    /// Whether this is the other, by a look at where it is.
    fn is_at(&self, other: &Self) -> bool;
    /// Whether one that is like the other is equal to it, for which all of it may have to be read.
    fn equals(&self, other: &Self) -> bool;
}

/// Work that is stored, by its source.
#[derive(Debug)]
pub struct SharedWork<S, V> {
    store: Mutex<Store<S, V>>,
    limit: usize,
    idle: Duration,
}

/// Number of works that are stored at most. A batch is compared with each of them that is like it.
const MOST: usize = 64;

#[derive(Debug)]
struct Store<S, V> {
    works: Vec<Work<S, V>>,
    /// The process whose thread drops what lies idle. A fork has no threads but one.
    watched_in: Option<u32>,
}

#[derive(Debug)]
struct Work<S, V> {
    source: Arc<S>,
    bytes: usize,
    done: Done<V>,
    /// How often each piece has been asked for.
    asked: Vec<u32>,
    /// When one was asked for last.
    last: Instant,
}

/// The pieces, once they are there; `None` if the work gave nothing.
type Done<V> = Arc<OnceLock<Option<Vec<V>>>>;

/// The piece that is asked for, and what is known of the whole.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// Its place among the pieces.
    pub at: usize,
    /// The number of pieces.
    pub of: usize,
    /// Memory that all of them take.
    pub bytes: usize,
}

impl<S: Source, V: Clone + Send + Sync + 'static> SharedWork<S, V> {
    /// Stores at most so many bytes, and work that nobody asks for at most about this long.
    pub const fn new(limit: usize, idle: Duration) -> SharedWork<S, V> {
        SharedWork { store: Mutex::new(Store { works: Vec::new(), watched_in: None }), limit, idle }
    }

    /// One piece of the work on a source. `None` if `work` gives nothing, or if there is no room for it: then it wasn't called.
    pub fn piece(&'static self, source: S, piece: Piece, work: impl FnOnce() -> Option<Vec<V>>) -> Option<V> {
        let done = self.find_or_add(source, piece)?;
        // Others wait here. If the work panics, the next of them does it.
        done.get_or_init(work).as_ref().map(|pieces| pieces[piece.at].clone())
    }

    /// Drops all that is stored.
    pub fn clear(&self) {
        let works = std::mem::take(&mut self.lock().works);
        // With the lock open.
        drop(works);
    }

    /// Bytes that are stored.
    pub fn bytes(&self) -> usize {
        self.lock().bytes()
    }

    fn find_or_add(&'static self, source: S, piece: Piece) -> Option<Done<V>> {
        let mut read: Vec<Arc<S>> = Vec::new();
        // Dropped when the lock is open again: what a source holds may have a lock of its own.
        let mut gone = Vec::new();
        loop {
            let mut store = self.lock();
            store.take_idle(self.idle, &mut gone);
            if let Some(at) = store.works.iter().position(|work| work.source.is_at(&source)) {
                return Some(store.count(at, piece, &mut gone));
            }
            let unread =
                |like: &Arc<S>| like.is_like(&source) && !read.iter().any(|read| Arc::ptr_eq(read, like));
            let alike: Vec<_> =
                store.works.iter().map(|work| &work.source).filter(|s| unread(s)).cloned().collect();
            if alike.is_empty() {
                let has_room = store.works.len() < MOST && store.bytes() + piece.bytes <= self.limit;
                if !has_room || !self.watch(&mut store) {
                    return None;
                }
                let (source, done, asked) = (Arc::new(source), Done::default(), vec![0; piece.of]);
                store.works.push(Work { source, bytes: piece.bytes, done, asked, last: Instant::now() });
                let at = store.works.len() - 1;
                return Some(store.count(at, piece, &mut gone));
            }
            // Others go on meanwhile.
            drop(store);
            if let Some(equal) = alike.iter().find(|like| like.equals(&source)) {
                let mut store = self.lock();
                if let Some(at) = store.works.iter().position(|work| Arc::ptr_eq(&work.source, equal)) {
                    return Some(store.count(at, piece, &mut gone));
                }
            }
            read.extend(alike);
        }
    }

    /// Sees to it that there is a thread that drops what lies idle.
    fn watch(&'static self, store: &mut Store<S, V>) -> bool {
        let process = std::process::id();
        if store.watched_in == Some(process) {
            return true;
        }
        let watch = move || {
            loop {
                thread::sleep(self.idle);
                let mut gone = Vec::new();
                let mut store = self.lock();
                store.take_idle(self.idle, &mut gone);
                if store.works.is_empty() {
                    store.watched_in = None;
                    return;
                }
            }
        };
        // With a stack of the usual size: dropping a source may run code of whoever owns its memory.
        let spawned = thread::Builder::new().name("polars-entropy".into()).spawn(watch);
        store.watched_in = spawned.is_ok().then_some(process);
        spawned.is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, Store<S, V>> {
        // Nothing that panics leaves it half changed.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S, V> Store<S, V> {
    fn bytes(&self) -> usize {
        self.works.iter().map(|work| work.bytes).sum()
    }

    fn take_idle(&mut self, idle: Duration, gone: &mut Vec<Work<S, V>>) {
        if !self.works.is_empty() {
            let now = Instant::now();
            gone.extend(self.works.extract_if(.., |work| now.saturating_duration_since(work.last) >= idle));
        }
    }

    fn count(&mut self, at: usize, piece: Piece, gone: &mut Vec<Work<S, V>>) -> Done<V> {
        let work = &mut self.works[at];
        work.last = Instant::now();
        work.asked[piece.at] += 1;
        let done = work.done.clone();
        // Each of several callers asks for each piece once, in whatever order.
        if work.asked.iter().all(|count| *count == work.asked[0]) {
            gone.push(self.works.swap_remove(at));
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    /// A number, and where it is.
    struct At(u64, usize);

    impl Source for At {
        fn is_like(&self, other: &At) -> bool {
            self.0 % 100 == other.0 % 100
        }

        fn is_at(&self, other: &At) -> bool {
            self.1 == other.1
        }

        fn equals(&self, other: &At) -> bool {
            self.0 == other.0
        }
    }

    /// A number that is nowhere else.
    fn anew(number: u64) -> At {
        static PLACES: AtomicUsize = AtomicUsize::new(1_000_000);
        At(number, PLACES.fetch_add(1, Ordering::Relaxed))
    }

    fn once(limit: usize, idle: Duration) -> &'static SharedWork<At, u64> {
        Box::leak(Box::new(SharedWork::new(limit, idle)))
    }

    fn piece(at: usize, of: usize) -> Piece {
        Piece { at, of, bytes: 10 }
    }

    /// The pieces of the work on a number.
    fn pieces(number: u64) -> Option<Vec<u64>> {
        Some((0..4).map(|at| 10 * number + at).collect())
    }

    #[test]
    fn work_is_done_once_in_whatever_order() {
        let once = once(100, LONG);
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
            let calls = Cell::new(0);
            let work = || {
                calls.set(calls.get() + 1);
                pieces(7)
            };
            let found = order.map(|at| once.piece(At(7, 7), piece(at, 4), work));
            assert_eq!(found, order.map(|at| Some(70 + at as u64)));
            assert_eq!((calls.get(), once.bytes()), (1, 0));
        }
    }

    #[test]
    fn what_is_computed_anew_is_known_by_what_it_is() {
        let once = once(100, LONG);
        // Alike, but not equal.
        assert_eq!(once.piece(anew(107), piece(0, 4), || pieces(107)), Some(1070));
        for at in 0..4 {
            let work = || if at == 0 { pieces(7) } else { unreachable!("it is done") };
            assert_eq!(once.piece(anew(7), piece(at, 4), work), Some(70 + at as u64));
        }
        assert_eq!(once.bytes(), 10);
    }

    #[test]
    fn callers_of_one_source_leave_nothing_behind() {
        let once = once(100, LONG);
        // Two callers, a and b, each of which asks for each piece.
        for order in [[0, 0, 1, 1, 2, 2, 3, 3], [0, 1, 0, 2, 3, 1, 2, 3], [0, 1, 2, 0, 3, 1, 2, 3]] {
            for at in order {
                assert_eq!(once.piece(At(1, 1), piece(at, 4), || pieces(1)), Some(10 + at as u64));
            }
            assert_eq!(once.bytes(), 0, "{order:?}");
        }
    }

    #[test]
    fn threads_and_sources_interleave() {
        let once = once(10_000, LONG);
        let (calls, threads) = (AtomicUsize::new(0), 8);
        let start = Barrier::new(threads);
        thread::scope(|scope| {
            for thread in 0..threads {
                let (start, calls) = (&start, &calls);
                scope.spawn(move || {
                    for round in 0..200 {
                        start.wait();
                        // Four threads for each of two numbers, a piece each.
                        let (key, at) = (2 * round + thread as u64 / 4, thread % 4);
                        let work = || {
                            calls.fetch_add(1, Ordering::Relaxed);
                            pieces(key)
                        };
                        // The same number, here or there.
                        let source = if at % 2 == 0 { At(key, key as usize) } else { anew(key) };
                        assert_eq!(once.piece(source, piece(at, 4), work), Some(10 * key + at as u64));
                    }
                });
            }
        });
        assert_eq!((calls.into_inner(), once.bytes()), (400, 0));
    }

    #[test]
    fn what_is_left_behind_goes_by_itself() {
        let once = once(100, Duration::from_millis(20));
        for _ in 0..3 {
            once.piece(At(1, 1), piece(0, 4), || pieces(1));
            let start = Instant::now();
            while once.bytes() > 0 {
                assert!(start.elapsed() < LONG);
                thread::sleep(Duration::from_millis(5));
            }
        }
    }

    #[test]
    fn what_lies_idle_is_no_ones() {
        let once = once(100, Duration::ZERO);
        once.piece(At(1, 1), piece(0, 4), || pieces(1));
        // The same source again, but the work of before is gone.
        assert_eq!(once.piece(At(1, 1), piece(1, 4), || pieces(2)), Some(21));
    }

    #[test]
    fn there_is_a_limit_to_the_number() {
        let once = once(10_000, LONG);
        for number in 0..1_000 {
            assert_eq!(once.piece(anew(number), piece(0, 4), || pieces(number)).is_some(), number < 64);
        }
        assert_eq!(once.bytes(), 640);
        once.clear();
        assert_eq!(once.bytes(), 0);
    }

    #[test]
    fn there_is_a_limit() {
        let once = once(25, LONG);
        for key in [1, 2] {
            assert_eq!(once.piece(anew(key), piece(0, 4), || pieces(key)), Some(10 * key));
        }
        assert_eq!(once.piece(anew(3), piece(0, 4), || unreachable!("no room")), None);
        assert_eq!((once.piece(anew(2), piece(3, 4), || pieces(2)), once.bytes()), (Some(23), 20));
    }

    #[test]
    fn work_that_gives_nothing_or_panics_is_no_one_elses_loss() {
        let once = once(100, LONG);
        assert_eq!(once.piece(At(1, 1), piece(0, 2), || None), None);
        assert_eq!(once.piece(At(1, 1), piece(1, 2), || pieces(1)), None);
        assert_eq!(once.bytes(), 0);
        let panics = thread::spawn(|| once.piece(At(2, 2), piece(0, 2), || panic!("on purpose"))).join();
        assert!(panics.is_err());
        assert_eq!((once.piece(At(2, 2), piece(1, 2), || pieces(2)), once.bytes()), (Some(21), 0));
    }
}
