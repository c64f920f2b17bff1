//! Driver of rows of entries, a key and a weight each: distributions by key, whose supports differ. The keys of p and q are sorted,
//! and what they hold is aligned: a key that one side lacks weighs 0 there. Then the driver of rows of a quantity takes over, a few
//! rows at a time.
//!
//! * Keys of few kinds have ranks, by which rows are aligned without being sorted. Kinds are told by keys of 64 bits, or by the
//!   views of short texts.
//! * A key that occurs several times weighs the sum; but it is infinite or negative as soon as one of its weights is, and missing as a
//!   whole as soon as one of them is.
//! * An entry that is null is missing, and has no key. A key that is null is a key.
//! * The order of the entries changes nothing, since equal keys are sorted by their weights.

use std::ops::Range;

use super::batch::Batch;
use super::blocks::LANES;
use super::broadcast::RowPairs;
use super::keys::{SHORT, VIEWS_AHEAD, of_short_bytes};
use super::layout::{Error, ListLayout};
use super::math::power_of_two;
use super::options::{NanPolicy, Unit};
use super::registry::Registered;
use super::rules::{Missing, Side};
use super::simd::{Arithmetic, IsaOps, Loop, prefetch, vectorised};
use super::values::Values;
use super::weights::{Bits, Weights};

/// Rows of entries, some of which may be null as a whole.
#[derive(Clone, Copy)]
pub struct EntryRows<'a> {
    /// The keys of all rows.
    pub keys: Keys<'a>,
    /// Validity of the keys; `None` where none is null.
    pub valid_keys: Option<Bits<'a>>,
    /// The weights of all rows.
    pub weights: Weights<'a, f64>,
    /// Validity of the entries; `None` where none is null.
    pub valid: Option<Bits<'a>>,
    /// Layout of the rows.
    pub layout: ListLayout<'a>,
}

/// Keys of entries.
#[derive(Clone, Copy)]
pub enum Keys<'a> {
    /// Keys as they are.
    Numbers(&'a [u64]),
    /// Views of texts or bytes, and the source of the keys of long ones.
    Views(&'a [View], &'a dyn LongKeys),
}

/// View of a text or of bytes, as Arrow has it: the length in the first number, and in the others all of a short one.
pub type View = [u32; 4];

/// Keys of long texts or bytes.
pub trait LongKeys {
    /// Key of the text at this place.
    fn key(&self, at: usize) -> u64;
}

impl Keys<'_> {
    fn len(self) -> usize {
        match self {
            Keys::Numbers(keys) => keys.len(),
            Keys::Views(views, _) => views.len(),
        }
    }

    /// The key at a place, spread.
    #[inline(always)]
    fn spread(self, at: usize) -> u64 {
        match self {
            Keys::Numbers(keys) => spread(keys[at]),
            Keys::Views(views, long) => {
                let view = ShortView::of(&views[at]);
                if view.has_key() { view.key() } else { spread(long.key(at)) }
            }
        }
    }
}

/// Adds the values of a quantity of rows of p, or of pairs of rows of p and q. The pseudo-count is added on both sides to each key that
/// one of them has.
#[allow(clippy::too_many_arguments, reason = "what a driver takes, and the pseudo-count")]
pub fn values(
    p: &EntryRows,
    q: Option<&EntryRows>,
    pairs: RowPairs,
    quantity: &Registered,
    pseudo_count: f64,
    policy: NanPolicy,
    unit: Unit,
    out: &mut Values,
) -> Result<(), Error> {
    // A sum with 0 has no −0.
    let pseudo_count = if quantity.pair { pseudo_count + 0.0 } else { 0.0 };
    // A missing element is to be named under `raise`, which takes the way by itself.
    let named = policy == NanPolicy::Raise;
    // So may a sum of a weight and the pseudo-count overflow.
    let large = |rows: &EntryRows| pseudo_count > 0.0 && rows.weights.any_from(LARGE);
    let large = pseudo_count >= LARGE || large(p) || q.is_some_and(large);
    // A missing element that is to be named is not handed on, and so the policy is any other.
    let of_batch = if named { NanPolicy::Propagate } else { policy };
    let batch = Batch::new(quantity, of_batch, unit, out);
    let mut sorted = Sorted { p, q, pseudo_count, policy, sides: Default::default(), batch };
    match if named || large { None } else { Ranked::of(p, q) } {
        Some(ranked) => vectorised(EachRow { ranked, sorted: &mut sorted, pairs })?,
        None => (0..pairs.len()).try_for_each(|row| sorted.push(row, pairs.get(row)))?,
    }
    sorted.batch.flush();
    Ok(())
}

/// Rows whose entries are sorted by their keys, which all can be.
struct Sorted<'a> {
    p: &'a EntryRows<'a>,
    q: Option<&'a EntryRows<'a>>,
    pseudo_count: f64,
    policy: NanPolicy,
    sides: [Distribution; 2],
    batch: Batch<'a>,
}

impl Sorted<'_> {
    /// Adds a row of the result: of row i of p, and row j of q.
    #[inline(never)]
    fn push(&mut self, row: usize, (i, j): (usize, usize)) -> Result<(), Error> {
        let (policy, pseudo_count, batch) = (self.policy, self.pseudo_count, &mut self.batch);
        let [of_p, of_q] = &mut self.sides;
        let is_there =
            of_p.read(self.p, i, pseudo_count) && self.q.is_none_or(|q| of_q.read(q, j, pseudo_count));
        let missing = || of_p.missing(Side::P).or_else(|| of_q.missing(Side::Q));
        if !is_there {
            batch.push_value(None);
        } else if policy == NanPolicy::Raise
            && let Some(missing) = missing()
        {
            return Err(Error::Missing { row, missing });
        } else if policy == NanPolicy::Propagate && (of_p.some_null || of_q.some_null) {
            batch.push_value(None);
        } else {
            push(batch, of_p, of_q, pseudo_count);
        }
        Ok(())
    }
}

/// Loop over the rows, whose keys have ranks.
struct EachRow<'a, 'b> {
    ranked: Ranked,
    sorted: &'a mut Sorted<'b>,
    pairs: RowPairs<'a>,
}

impl Loop for EachRow<'_, '_> {
    type Out = Result<(), Error>;

    #[inline(always)]
    fn run<A: Arithmetic>(mut self) -> Result<(), Error> {
        for row in 0..self.pairs.len() {
            let (i, j) = self.pairs.get(row);
            let sorted = &mut *self.sorted;
            let sides = [Some((sorted.p, i)), sorted.q.map(|q| (q, j))];
            if !self.ranked.push::<A>(sides, sorted.pseudo_count, &mut sorted.batch) {
                sorted.push(row, (i, j))?;
            }
        }
        Ok(())
    }
}

/// A key, spread, and its weight.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u64,
    weight: f64,
}

/// A row of entries, each key once and in order. A missing weight is NaN, an infinite one infinite, a negative one negative, whatever
/// other weights the key has.
#[derive(Default)]
struct Distribution {
    entries: Vec<Entry>,
    /// The key null, if there is one.
    null_key: Vec<Entry>,
    /// Place of the first missing weight or entry.
    first_missing: Option<usize>,
    /// Whether a weight or an entry is null.
    some_null: bool,
    /// The row that this is.
    source: Option<usize>,
    /// Power of two that all weights are multiplied by.
    scale: f64,
    sorter: Sorter,
}

/// Scale of a row whose sums overflow.
const DOWN: f64 = power_of_two(-64);
/// Weights from this on may add up to more than there is.
const LARGE: f64 = power_of_two(1000);

impl Distribution {
    /// Reads a row, unless it is the last one again. Whether it is there.
    fn read(&mut self, rows: &EntryRows, i: usize, pseudo_count: f64) -> bool {
        if self.source == Some(i) {
            return true;
        }
        let Some(range) = rows.layout.get(i) else { return false };
        self.scale = 1.0;
        let overflows =
            |entry: &Entry| entry.weight.is_finite() && !(entry.weight + pseudo_count).is_finite();
        let fits = self.fill(rows, range.clone(), 1.0);
        if !fits || self.entries.iter().chain(&self.null_key).any(overflows) {
            self.scale = DOWN;
            self.fill(rows, range, DOWN);
        }
        self.source = Some(i);
        true
    }

    /// Whether no sum overflows.
    fn fill(&mut self, rows: &EntryRows, range: Range<usize>, scale: f64) -> bool {
        self.entries.clear();
        self.null_key.clear();
        (self.first_missing, self.some_null) = (None, false);
        for (at, element) in range.enumerate() {
            let is_there = rows.valid.is_none_or(|bits| bits.get(element));
            let weight = if is_there { rows.weights.get(element) } else { None };
            if weight.is_none_or(f64::is_nan) {
                self.first_missing.get_or_insert(at);
                self.some_null |= weight.is_none();
            }
            if !is_there {
                continue;
            }
            let has_key = rows.valid_keys.is_none_or(|bits| bits.get(element));
            let entries = if has_key { &mut self.entries } else { &mut self.null_key };
            let key = if has_key { rows.keys.spread(element) } else { 0 };
            entries.push(Entry { key, weight: scale * weight.unwrap_or(f64::NAN) });
        }
        let fits = merge(&mut self.entries, &mut self.sorter);
        merge(&mut self.null_key, &mut self.sorter) && fits
    }

    fn missing(&self, side: Side) -> Option<Missing> {
        self.first_missing.map(|at| Missing { side, at })
    }
}

/// Spreads keys that are near each other; different ones stay different. (Knuth's multiplicative hashing.)
#[inline(always)]
fn spread(key: u64) -> u64 {
    key.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Sorts entries by their keys, and equal keys by their weights, so that their sum has an order. The keys are spread, so that there is
/// hardly more than one in each of as many buckets, and little left to sort.
#[derive(Default)]
struct Sorter {
    ends: Vec<u32>,
    entries: Vec<Entry>,
}

/// Entries in a bucket that are too many to be sorted by insertion.
const CROWD: u32 = 16;
/// Most entries that go into buckets.
const MOST: usize = 1 << 16;

impl Sorter {
    fn sort(&mut self, entries: &mut Vec<Entry>) {
        let order = |entry: &Entry| (entry.key, entry.weight.to_bits());
        if entries.len() < 2 {
            return;
        }
        if entries.len() > MOST {
            entries.sort_unstable_by_key(order);
            return;
        }
        let bits = usize::BITS - (entries.len() - 1).leading_zeros();
        let bucket = |entry: &Entry| (entry.key >> (64 - bits)) as usize;
        self.ends.clear();
        self.ends.resize((1 << bits) + 1, 0);
        entries.iter().for_each(|entry| self.ends[bucket(entry) + 1] += 1);
        if self.ends.iter().any(|count| *count > CROWD) {
            entries.sort_unstable_by_key(order);
            return;
        }
        // Begin of each bucket, which moves to its end as it fills up.
        let mut begin = 0;
        self.ends.iter_mut().for_each(|end| {
            begin += *end;
            *end = begin;
        });
        self.entries.resize(entries.len(), Entry { key: 0, weight: 0.0 });
        for entry in entries.iter() {
            let end = &mut self.ends[bucket(entry)];
            self.entries[*end as usize] = *entry;
            *end += 1;
        }
        std::mem::swap(&mut self.entries, entries);
        for i in 1..entries.len() {
            let entry = entries[i];
            let mut at = i;
            while at > 0 && order(&entries[at - 1]) > order(&entry) {
                entries[at] = entries[at - 1];
                at -= 1;
            }
            entries[at] = entry;
        }
    }
}

/// Leaves one entry of each key. Whether no sum overflows.
fn merge(entries: &mut Vec<Entry>, sorter: &mut Sorter) -> bool {
    sorter.sort(entries);
    let mut fits = true;
    entries.dedup_by(|next, sum| {
        let is_same = next.key == sum.key;
        if is_same {
            let both = together(sum.weight, next.weight);
            fits &= both.is_finite() | !sum.weight.is_finite() | !next.weight.is_finite();
            sum.weight = both;
        }
        is_same
    });
    fits
}

/// Sum of two weights of a key, or the one that decides about the distribution.
fn together(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a.is_infinite() || b.is_infinite() {
        f64::INFINITY
    } else if a < 0.0 || b < 0.0 {
        a.min(b)
    } else {
        a + b
    }
}

/// A weight with the pseudo-count, but for one that decides about the distribution.
#[inline(always)]
fn smoothed(weight: f64, pseudo_count: f64) -> f64 {
    if weight < 0.0 { weight } else { weight + pseudo_count }
}

/// Ranks of the keys of all rows, if they are of few kinds: their places among these, in the order of spread keys. Rows are aligned by
/// them without being sorted, and give the same bits.
struct Ranked {
    /// Rank of each key of p, and of q.
    ranks: [Vec<u16>; 2],
    /// Ranks that the row has.
    words: Box<Words>,
    /// Number of words in use.
    used: usize,
}

/// Ranks of a row, as bits: 64 of them in each word.
struct Words {
    /// Ranks that each side has, in several parts; none between rows.
    of_sides: [[[u64; PARTS]; 2]; WORDS],
    both: [Word; WORDS],
}

/// Some of the ranks of a row.
#[derive(Clone, Copy, Default)]
struct Word {
    /// Ranks that one side or the other has.
    some: u64,
    /// Number of those in the words before.
    before: u64,
}

/// Parts that the ranks of a side go to in turn, so that one needn't wait for the one before to be stored. The last ones, up to three, go
/// to the first.
const PARTS: usize = 4;

/// Most kinds of keys that have ranks.
const KINDS: usize = 1 << 12;
const WORDS: usize = KINDS / 64;
/// Least number of keys for which it is worthwhile.
const WORTHWHILE: usize = 1 << 10;
/// Number of first keys, among which most kinds are.
const HEAD: usize = 1 << 12;

impl Ranked {
    fn of(p: &EntryRows, q: Option<&EntryRows>) -> Option<Ranked> {
        let (p, q) = (p.keys, q.map_or(Keys::Numbers(&[]), |q| q.keys));
        if p.len() + q.len() < WORTHWHILE {
            return None;
        }
        let views = match (p, q) {
            (Keys::Views(p, _), Keys::Views(q, _)) => Some([p, q]),
            (Keys::Views(p, _), Keys::Numbers([])) => Some([p, &[]]),
            _ => None,
        };
        if let Some([p, q]) = views {
            let ranked = Ranked::of_kinds(
                (p.len(), move |at| next_view(p, at)),
                (q.len(), move |at| next_view(q, at)),
            );
            if ranked.is_some() || p.iter().chain(q).all(|view| ShortView::of(view).has_key()) {
                return ranked;
            }
        }
        Ranked::of_kinds((p.len(), move |at| p.spread(at)), (q.len(), move |at| q.spread(at)))
    }

    /// Ranks of so many keys of p and of q, of which the kinds are given.
    fn of_kinds<K: Kind>(
        (p, of_p): (usize, impl Fn(usize) -> K + Copy),
        (q, of_q): (usize, impl Fn(usize) -> K + Copy),
    ) -> Option<Ranked> {
        let mut kinds = Kinds::new(if p > 0 { of_p(0) } else { of_q(0) })?;
        let mut ranks = [Vec::with_capacity(p), Vec::with_capacity(q)];
        // As a rule no key behind the head is of a new kind, and so each has its rank at once.
        let head = p.min(HEAD);
        kinds.number_all(0..head, of_p, &mut ranks[0])?;
        kinds.sort(&mut ranks)?;
        kinds.number_all(head..p, of_p, &mut ranks[0])?;
        kinds.number_all(0..q, of_q, &mut ranks[1])?;
        kinds.sort(&mut ranks)?;
        let words = Box::new(Words { of_sides: [[[0; PARTS]; 2]; WORDS], both: [Word::default(); WORDS] });
        Some(Ranked { ranks, words, used: kinds.kinds.len().div_ceil(64) })
    }

    /// Adds a row to the batch. Returns false, and adds nothing, if something in it is null or a key occurs twice on a side.
    #[inline(always)]
    fn push<A: Arithmetic>(
        &mut self,
        [p, q]: [Option<(&EntryRows, usize)>; 2],
        pseudo_count: f64,
        batch: &mut Batch,
    ) -> bool {
        let [of_p, of_q] = &self.ranks;
        let (Some(p), Some(q)) = (simple_row(p, of_p), simple_row(q, of_q)) else { return false };
        let (words, used) = (&mut *self.words, self.used);
        let is_simple = A::Isa::call_outlined::<A, _>(Align { p, q, words, used, pseudo_count, batch });
        if is_simple {
            batch.end_row();
        }
        is_simple
    }
}

/// Ranks and weights of a row in which nothing is null; none of a side that there isn't.
#[inline(always)]
fn simple_row<'a>(row: Option<(&EntryRows<'a>, usize)>, ranks: &'a [u16]) -> Option<RankedRow<'a>> {
    let Some((rows, i)) = row else { return Some(RankedRow::default()) };
    let range = rows.layout.get(i)?;
    let is_clean = |bits: Option<Bits>| bits.is_none_or(|bits| bits.from(range.start).all(range.len()));
    let is_clean = is_clean(rows.valid) && is_clean(rows.valid_keys);
    let weights = rows.weights.slice(range.clone()).no_nulls()?;
    is_clean.then(|| RankedRow { ranks: &ranks[range], weights })
}

/// A row of one side.
#[derive(Clone, Copy, Default)]
struct RankedRow<'a> {
    ranks: &'a [u16],
    weights: &'a [f64],
}

/// Loop that adds the weights of a row to the batch. It returns false, and adds nothing, if a key occurs twice on a side.
struct Align<'a, 'b> {
    p: RankedRow<'a>,
    q: RankedRow<'a>,
    words: &'a mut Words,
    used: usize,
    pseudo_count: f64,
    batch: &'a mut Batch<'b>,
}

impl Loop for Align<'_, '_> {
    type Out = bool;

    #[inline(always)]
    fn run<A: Arithmetic>(self) -> bool {
        let Align { p, q, words, used, pseudo_count, batch } = self;
        for (side, row) in [p, q].into_iter().enumerate() {
            let mut add =
                |rank: u16, part: usize| words.of_sides[word_of(rank)][side][part] |= 1 << (rank % 64);
            let (fours, others) = row.ranks.as_chunks::<PARTS>();
            fours.iter().for_each(|ranks| (0..PARTS).for_each(|part| add(ranks[part], part)));
            others.iter().for_each(|rank| add(*rank, 0));
        }
        let (mut count, mut of_sides) = (0, 0);
        for (word, of_side) in words.both[..used].iter_mut().zip(&mut words.of_sides) {
            let [p, q] = std::mem::take(of_side).map(|[a, b, c, d]| (a | b) | (c | d));
            (word.some, word.before) = (p | q, count);
            count += u64::from(word.some.count_ones());
            of_sides += (p.count_ones() + q.count_ones()) as usize;
        }
        if of_sides < p.ranks.len() + q.ranks.len() {
            return false;
        }
        let (words, count) = (&words.both, count as usize);
        scatter(p, words, count, pseudo_count, &mut batch.p);
        if batch.quantity.pair {
            scatter(q, words, count, pseudo_count, &mut batch.q);
        }
        true
    }
}

#[inline(always)]
fn word_of(rank: u16) -> usize {
    debug_assert!(usize::from(rank) < KINDS);
    // The remainder is the number itself, and spares a check.
    usize::from(rank / 64) % WORDS
}

/// Appends so many weights of a side. The weight of a key goes to the place of its rank among the ranks of the row; a key that this side
/// lacks weighs the pseudo-count.
#[inline(always)]
fn scatter(row: RankedRow, words: &[Word; WORDS], count: usize, pseudo_count: f64, out: &mut Vec<f64>) {
    let begin = out.len();
    // Whole vectors: for the rest, `resize` would take a loop of its own.
    (0..count.div_ceil(LANES)).for_each(|_| out.extend_from_slice(&[pseudo_count; LANES]));
    let places = &mut out[begin..];
    for (rank, weight) in row.ranks.iter().zip(row.weights) {
        let word = &words[word_of(*rank)];
        let below = word.some & ((1 << (rank % 64)) - 1);
        places[(word.before + u64::from(below.count_ones())) as usize] = smoothed(*weight, pseudo_count);
    }
    out.truncate(begin + count);
}

/// Identity of a key, by which keys are numbered.
trait Kind: Copy + PartialEq {
    /// Place in a table of [`PLACES`] that it has unless another one has it.
    fn first_place(self) -> usize;
    /// Whether it identifies a key. The view of a long text doesn't: two texts may have the same.
    fn has_key(self) -> bool;
    /// The key, spread.
    fn key(self) -> u64;
}

/// A spread key, which is its own identity.
impl Kind for u64 {
    #[inline(always)]
    fn first_place(self) -> usize {
        (self >> (64 - PLACES.trailing_zeros())) as usize
    }

    fn has_key(self) -> bool {
        true
    }

    #[inline(always)]
    fn key(self) -> u64 {
        self
    }
}

/// One of views that are read in turn.
#[inline(always)]
fn next_view(views: &[View], at: usize) -> ShortView {
    prefetch(views, at + VIEWS_AHEAD);
    ShortView::of(&views[at])
}

/// View of a short text, which holds all of it.
#[derive(Clone, Copy, PartialEq)]
struct ShortView {
    /// Length, and the first bytes.
    low: u64,
    /// The other bytes.
    high: u64,
}

impl ShortView {
    #[inline(always)]
    fn of(view: &View) -> ShortView {
        let [a, b, c, d] = view.map(u64::from);
        ShortView { low: a | b << 32, high: c | d << 32 }
    }
}

impl Kind for ShortView {
    #[inline(always)]
    fn first_place(self) -> usize {
        // Quicker than a key. (Knuth's factor, and digits of π.)
        let low = self.low.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let high = self.high.wrapping_mul(0x243f_6a88_85a3_08d3);
        low.wrapping_add(high).first_place()
    }

    fn has_key(self) -> bool {
        self.low as u32 as usize <= SHORT
    }

    #[inline(always)]
    fn key(self) -> u64 {
        spread(of_short_bytes(u128::from(self.low) | u128::from(self.high) << 64))
    }
}

/// Numbers of kinds of keys, in the order in which they occur.
struct Kinds<K> {
    /// The kinds by their numbers.
    kinds: Vec<K>,
    /// Numbers by the first places of the kinds, or at one of the next places; 0 if there is none. The first kind has no place.
    places: [u16; PLACES],
}

/// Number of places, most of which stay empty.
const PLACES: usize = 4 * KINDS;
/// Places that are looked at before keys are taken for too crowded.
const LOOKS: usize = 32;

impl<K: Kind> Kinds<K> {
    /// `None` if the first kind has no key.
    fn new(first: K) -> Option<Box<Kinds<K>>> {
        first.has_key().then(|| Box::new(Kinds { kinds: vec![first], places: [0; PLACES] }))
    }

    /// Adds the numbers of the kinds of the keys at these positions. `None` if there are too many kinds, too many that are near each other,
    /// or one without a key.
    #[inline(never)]
    fn number_all(
        &mut self,
        positions: Range<usize>,
        kind_at: impl Fn(usize) -> K + Copy,
        numbers: &mut Vec<u16>,
    ) -> Option<()> {
        let begin = numbers.len();
        numbers.resize(begin + positions.len(), 0);
        let mut rest = positions.zip(&mut numbers[begin..]);
        while let Some((at, number)) = self.number_known(&mut rest, kind_at) {
            *number = self.number(kind_at(at))?;
        }
        Some(())
    }

    /// Numbers the kinds that are found at their first place. Returns the position of the first that isn't, and where its number goes.
    #[inline(always)]
    fn number_known<'a>(
        &self,
        rest: &mut impl Iterator<Item = (usize, &'a mut u16)>,
        kind_at: impl Fn(usize) -> K,
    ) -> Option<(usize, &'a mut u16)> {
        let (kinds, places) = (&self.kinds[..], &self.places);
        for (at, number) in rest {
            let kind = kind_at(at);
            let found = places[kind.first_place()];
            // One comparison as a rule, which also tells an empty place.
            if kinds[usize::from(found)] != kind {
                return Some((at, number));
            }
            *number = found;
        }
        None
    }

    /// Number of a kind.
    #[cold]
    fn number(&mut self, kind: K) -> Option<u16> {
        if !kind.has_key() {
            return None;
        }
        for look in 0..LOOKS {
            let place = &mut self.places[(kind.first_place() + look) % PLACES];
            if self.kinds[usize::from(*place)] == kind {
                return Some(*place);
            }
            if *place == 0 {
                let is_one_more = self.kinds.len() < KINDS;
                *place = is_one_more.then_some(self.kinds.len() as u16)?;
                self.kinds.push(kind);
                return Some(*place);
            }
        }
        None
    }

    /// Numbers the kinds anew, in the order of their keys, and the numbers given so far with them. `None` if two have the same key, which
    /// is one key then.
    fn sort(self: &mut Box<Kinds<K>>, numbers: &mut [Vec<u16>; 2]) -> Option<()> {
        let mut keys: Vec<(u64, u16)> =
            (0..).zip(&self.kinds).map(|(number, kind)| (kind.key(), number)).collect();
        if keys.is_sorted_by(|a, b| a.0 < b.0) {
            return Some(());
        }
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return None;
        }
        let mut ranked = Kinds::new(self.kinds[usize::from(keys[0].1)])?;
        let mut ranks = vec![0; self.kinds.len()];
        for (_, number) in keys {
            ranks[usize::from(number)] = ranked.number(self.kinds[usize::from(number)])?;
        }
        numbers.iter_mut().flatten().for_each(|number| *number = ranks[usize::from(*number)]);
        *self = ranked;
        Some(())
    }
}

/// Adds a row of one or two distributions.
fn push(batch: &mut Batch, p: &Distribution, q: &Distribution, pseudo_count: f64) {
    // Each side is normalised by itself, so that it may have a scale of its own.
    let counts = [pseudo_count * p.scale, pseudo_count * q.scale];
    align(batch, &p.entries, &q.entries, counts);
    align(batch, &p.null_key, &q.null_key, counts);
    batch.end_row();
}

/// Adds the weights of the keys of either side.
fn align(batch: &mut Batch, p: &[Entry], q: &[Entry], [count_p, count_q]: [f64; 2]) {
    if !batch.quantity.pair {
        batch.p.extend(p.iter().map(|entry| entry.weight));
        return;
    }
    // Which side has the next key is not to be foreseen, so nothing branches on it.
    let (mut i, mut j, mut end) = (0, 0, batch.p.len());
    batch.p.resize(end + p.len() + q.len(), 0.0);
    batch.q.resize(end + p.len() + q.len(), 0.0);
    while i < p.len() && j < q.len() {
        let (of_p, of_q) = (p[i], q[j]);
        let (in_p, in_q) = (of_p.key <= of_q.key, of_q.key <= of_p.key);
        batch.p[end] = smoothed(if in_p { of_p.weight } else { 0.0 }, count_p);
        batch.q[end] = smoothed(if in_q { of_q.weight } else { 0.0 }, count_q);
        (i, j, end) = (i + usize::from(in_p), j + usize::from(in_q), end + 1);
    }
    for entry in &p[i..] {
        (batch.p[end], batch.q[end]) = (smoothed(entry.weight, count_p), count_q);
        end += 1;
    }
    for entry in &q[j..] {
        (batch.p[end], batch.q[end]) = (count_p, smoothed(entry.weight, count_q));
        end += 1;
    }
    batch.p.truncate(end);
    batch.q.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::keys::of_bytes;
    use crate::kernel::layout::Extents;
    use crate::kernel::quantities::{QUANTITIES, quantity};

    /// A key and a weight, each of which may be null.
    type Nullable = (Option<u64>, Option<f64>);

    /// A row, taken apart.
    struct Row {
        keys: Vec<u64>,
        weights: Vec<f64>,
        bits: [Vec<u8>; 3],
    }

    impl Row {
        /// Of entries: a key and a weight each, of which a null is `None`; a null entry is `None`.
        fn new(entries: &[Option<Nullable>]) -> Row {
            let bits = |valid: &dyn Fn(&Option<Nullable>) -> bool| {
                let mut bytes = vec![0; entries.len().div_ceil(8)];
                (0..entries.len()).filter(|i| valid(&entries[*i])).for_each(|i| bytes[i / 8] |= 1 << (i % 8));
                bytes
            };
            // Junk under nulls.
            let of = |entry: &Option<Nullable>| entry.unwrap_or((Some(1), Some(-7.0)));
            Row {
                keys: entries.iter().map(|entry| of(entry).0.unwrap_or(1)).collect(),
                weights: entries.iter().map(|entry| of(entry).1.unwrap_or(f64::INFINITY)).collect(),
                bits: [
                    bits(&|entry| of(entry).0.is_some()),
                    bits(&|entry| of(entry).1.is_some()),
                    bits(&|entry| entry.is_some()),
                ],
            }
        }

        fn plain(entries: &[(u64, f64)]) -> Row {
            let entries: Vec<_> =
                entries.iter().map(|(key, weight)| Some((Some(*key), Some(*weight)))).collect();
            Row::new(&entries)
        }

        fn rows(&self) -> EntryRows<'_> {
            let [keys, weights, entries] = self.bits.each_ref().map(|bits| Bits::new(bits, 0));
            EntryRows {
                keys: Keys::Numbers(&self.keys),
                valid_keys: Some(keys),
                weights: Weights::new(&self.weights, Some(weights)),
                valid: Some(entries),
                layout: ListLayout {
                    extents: Extents::Width { width: self.keys.len(), rows: 1 },
                    valid: None,
                },
            }
        }
    }

    fn of(name: &str, p: &Row, q: &Row, pseudo_count: f64, policy: NanPolicy) -> Result<Option<f64>, Error> {
        let (quantity, mut out) = (quantity(name).unwrap(), Values::default());
        let (p, q) = (p.rows(), q.rows());
        let (q, unit) = (quantity.pair.then_some(&q), Unit::new(None));
        values(&p, q, RowPairs::same(1), quantity, pseudo_count, policy, unit, &mut out)?;
        Ok(out.get(0))
    }

    fn propagate(name: &str, p: &[(u64, f64)], q: &[(u64, f64)]) -> f64 {
        of(name, &Row::plain(p), &Row::plain(q), 0.0, NanPolicy::Propagate).unwrap().unwrap()
    }

    fn of_weights(name: &str, p: &[f64], q: &[f64]) -> f64 {
        crate::kernel::tests::rows_of(name, p, q, p.len())[0]
    }

    #[test]
    fn keys_are_aligned_whatever_their_order() {
        let p = [(5, 1.0), (9, 2.0), (1, 3.0)];
        let q = [(1, 2.0), (7, 1.0), (5, 4.0), (9, 1.0)];
        // In the order of the spread keys: 5, 7, 9, 1; other orders give other roundings.
        for quantity in QUANTITIES.iter().filter(|quantity| quantity.pair) {
            let expected = of_weights(quantity.name, &[1.0, 0.0, 2.0, 3.0], &[4.0, 1.0, 1.0, 2.0]);
            for turn in 0..3 {
                let (mut p, mut q) = (p, q);
                p.rotate_left(turn);
                q.rotate_left(turn + 1);
                assert_eq!(propagate(quantity.name, &p, &q), expected, "{}", quantity.name);
            }
        }
        assert_eq!(propagate("entropy", &p, &[]), of_weights("entropy", &[1.0, 2.0, 3.0], &[0.0; 3]));
        assert_eq!(propagate("kl_div", &[(1, 1.0)], &[(2, 1.0)]), f64::INFINITY);
    }

    #[test]
    fn ranked_rows_have_the_bits_of_sorted_ones() {
        let mut next = crate::kernel::tests::uniform(5);
        let mut keys = |kinds: f64| -> Vec<u64> { (0..3000).map(|_| (kinds * next()) as u64).collect() };
        let (p, few, many) = (keys(90.0), keys(90.0), keys(1e6));
        let weights: Vec<f64> = (0..3000).map(|i| f64::from(i % 23) + 0.5).collect();
        let value_of = |quantity: &Registered, q: &[u64], range: Range<usize>| {
            let extents = Extents::Width { width: 10, rows: range.len() / 10 };
            let layout = ListLayout { extents, valid: None };
            let weights = Weights::new(&weights[range.clone()], None);
            let rows = |keys| EntryRows {
                keys: Keys::Numbers(keys),
                valid_keys: None,
                weights,
                valid: None,
                layout,
            };
            let (p, q) = (rows(&p[range.clone()]), rows(&q[range]));
            let (q, unit, pairs) =
                (quantity.pair.then_some(&q), Unit::new(None), RowPairs::same(extents.len()));
            let mut out = Values::default();
            values(&p, q, pairs, quantity, 0.25, NanPolicy::Omit, unit, &mut out).unwrap();
            out.into_parts().0
        };
        for quantity in QUANTITIES {
            for q in [&few, &many] {
                let together = value_of(quantity, q, 0..3000);
                for (i, value) in together.iter().enumerate() {
                    // Too few for ranks.
                    assert_eq!(*value, value_of(quantity, q, 10 * i..10 * i + 10)[0], "{}", quantity.name);
                }
            }
        }
    }

    /// Source of the keys of long texts.
    struct Texts<'a>(&'a [String]);

    impl LongKeys for Texts<'_> {
        fn key(&self, at: usize) -> u64 {
            of_bytes(self.0[at].as_bytes())
        }
    }

    impl Texts<'_> {
        fn views(&self) -> Vec<View> {
            let view = |text: &String| {
                let mut bytes = [0; 16];
                bytes[..4].copy_from_slice(&(text.len() as u32).to_ne_bytes());
                // Of a long one there is the begin, and a place among others, which is the same for all here.
                let shown = &text.as_bytes()[..if text.len() <= SHORT { text.len() } else { 4 }];
                bytes[4..][..shown.len()].copy_from_slice(shown);
                [0, 4, 8, 12].map(|at| u32::from_ne_bytes(bytes[at..][..4].try_into().unwrap()))
            };
            self.0.iter().map(view).collect()
        }
    }

    #[test]
    fn texts_have_the_bits_of_their_keys() {
        let mut next = crate::kernel::tests::uniform(3);
        let mut some = |of: &dyn Fn(usize) -> String, kinds: f64| -> Vec<String> {
            (0..600).map(|_| of((kinds * next()) as usize)).collect()
        };
        let begin = |len: usize| "longer than a view".repeat(2)[..len].to_string();
        let numbered = |number: usize| format!("category number {number}");
        let sides = [
            some(&begin, 9.0),
            some(&begin, 12.0),
            some(&begin, 30.0),
            some(&numbered, 1.0),
            some(&|number| numbered(number + 1), 1.0),
            some(&|number| if number == 0 { "short".into() } else { numbered(number) }, 3.0),
        ];
        let hashed =
            |texts: &Vec<String>| texts.iter().map(|text| of_bytes(text.as_bytes())).collect::<Vec<_>>();
        let keys = sides.each_ref().map(hashed);
        let texts = sides.each_ref().map(|texts| Texts(texts));
        let views = texts.each_ref().map(Texts::views);
        let weights: Vec<f64> = (0..600).map(|i| f64::from(i % 23) + 0.5).collect();
        for (quantity, width) in QUANTITIES.iter().flat_map(|quantity| [1, 5].map(|width| (quantity, width)))
        {
            let count = 600 / width;
            let layout = ListLayout { extents: Extents::Width { width, rows: count }, valid: None };
            let rows = |keys| {
                let weights = Weights::new(&weights, None);
                EntryRows { keys, valid_keys: None, weights, valid: None, layout }
            };
            let numbers = |side: usize| rows(Keys::Numbers(&keys[side]));
            let texts = |side: usize| rows(Keys::Views(&views[side], &texts[side]));
            let values = |p: EntryRows, q: EntryRows| {
                let (q, mut out) = (quantity.pair.then_some(&q), Values::default());
                let (pairs, unit) = (RowPairs::same(count), Unit::new(None));
                values(&p, q, pairs, quantity, 0.25, NanPolicy::Omit, unit, &mut out).unwrap();
                out.into_parts().0.into_iter().map(f64::to_bits).collect::<Vec<_>>()
            };
            for (p, q) in [(0, 1), (1, 0), (0, 2), (2, 1), (3, 3), (3, 4), (4, 3), (4, 5), (5, 3)] {
                let (expected, what) = (values(numbers(p), numbers(q)), format!("{} {p} {q}", quantity.name));
                assert!(values(texts(p), texts(q)) == expected, "{what}");
                assert!(values(texts(p), numbers(q)) == expected, "{what}");
                assert!(values(numbers(p), texts(q)) == expected, "{what}");
            }
        }
    }

    #[test]
    fn a_key_that_occurs_twice_weighs_the_sum() {
        let p = [(1, 0.1), (2, 1.0), (1, 0.2), (1, 0.3)];
        let expected = propagate("entropy", &[(1, 0.1 + 0.2 + 0.3), (2, 1.0)], &[]);
        for turn in 0..4 {
            let mut p = p;
            p.rotate_left(turn);
            assert_eq!(propagate("entropy", &p, &[]).to_bits(), expected.to_bits());
        }
        // A sum that overflows, beside another weight as large as that.
        let large = [(1, 1e308), (1, 1e308), (2, 1e308), (2, 1e308)];
        assert_eq!(propagate("entropy", &large, &[]), std::f64::consts::LN_2);
    }

    #[test]
    fn rules_look_at_weights_as_given() {
        assert_eq!(propagate("entropy", &[(1, -1.0), (1, 3.0), (2, 1.0)], &[]), f64::NEG_INFINITY);
        assert!(propagate("entropy", &[(1, f64::INFINITY), (1, f64::NEG_INFINITY)], &[]).is_nan());
        assert!(propagate("entropy", &[(1, 0.0)], &[]).is_nan());
        assert_eq!(propagate("entropy", &[], &[]), 0.0);
        assert_eq!(propagate("js_div", &[], &[]), 0.0);
        assert!(propagate("js_div", &[], &[(1, 1.0)]).is_nan());
        let (p, q) = (Row::plain(&[(1, -0.2)]), Row::plain(&[(1, 1.0)]));
        assert_eq!(of("psi", &p, &q, 0.5, NanPolicy::Propagate), Ok(Some(f64::INFINITY)));
    }

    #[test]
    fn a_pseudo_count_is_on_both_sides_of_every_key() {
        let (p, q) = (Row::plain(&[(1, 3.0)]), Row::plain(&[(2, 1.0)]));
        let expected = of_weights("kl_div", &[3.5, 0.5], &[0.5, 1.5]);
        assert_eq!(of("kl_div", &p, &q, 0.5, NanPolicy::Propagate), Ok(Some(expected)));
        // A sum that overflows has a scale of its own, and so has what is added.
        let (large, both) = (Row::plain(&[(1, 1e308), (1, 1e308), (2, 1.0)]), Row::plain(&[(1, 1.0)]));
        let expected = of_weights("kl_div", &[1.5, 0.5], &[2e298, 1.5e-10]);
        let got = of("kl_div", &both, &large, 0.5, NanPolicy::Propagate).unwrap().unwrap();
        assert!((got / expected - 1.0).abs() < 1e-15, "{got} is not {expected}");
        let (large, both) = (Row::plain(&[(1, 1.7e308), (2, 1.0)]), Row::plain(&[(1, 1.0), (2, 1.0)]));
        let expected = of_weights("kl_div", &[2.7, 1.0], &[1.0, 1.0]);
        let got = of("kl_div", &large, &both, 1e308, NanPolicy::Propagate).unwrap().unwrap();
        assert!((got / expected - 1.0).abs() < 1e-15, "{got} is not {expected}");
        // Of nothing at all there are no keys.
        let none = Row::plain(&[]);
        assert_eq!(of("kl_div", &none, &none, 0.5, NanPolicy::Propagate), Ok(Some(0.0)));
    }

    #[test]
    fn nulls_and_nans_follow_the_policy() {
        let all = |weights: &[(Option<u64>, Option<f64>)]| {
            Row::new(&weights.iter().copied().map(Some).collect::<Vec<_>>())
        };
        let null_key = all(&[(None, Some(1.0)), (Some(1), Some(1.0))]);
        let h = |row: &Row, policy| of("entropy", row, row, 0.0, policy);
        assert_eq!(h(&null_key, NanPolicy::Raise), Ok(Some(std::f64::consts::LN_2)));
        // Nothing but the key 1, whatever its number.
        assert_eq!(of("kl_div", &null_key, &null_key, 0.0, NanPolicy::Raise), Ok(Some(0.0)));

        let null_weight =
            all(&[(Some(2), Some(1.0)), (Some(1), None), (Some(3), Some(1.0)), (Some(1), Some(5.0))]);
        assert_eq!(h(&null_weight, NanPolicy::Propagate), Ok(None));
        assert_eq!(h(&null_weight, NanPolicy::Omit), Ok(Some(std::f64::consts::LN_2)));
        let missing = Missing { side: Side::P, at: 1 };
        assert_eq!(h(&null_weight, NanPolicy::Raise), Err(Error::Missing { row: 0, missing }));

        let nan = all(&[(Some(1), Some(f64::NAN)), (Some(3), Some(1.0))]);
        assert!(h(&nan, NanPolicy::Propagate).unwrap().unwrap().is_nan());
        assert_eq!(h(&nan, NanPolicy::Omit), Ok(Some(0.0)));

        let null_entry = Row::new(&[Some((Some(1), Some(1.0))), None, Some((Some(2), Some(1.0)))]);
        assert_eq!(h(&null_entry, NanPolicy::Propagate), Ok(None));
        assert_eq!(h(&null_entry, NanPolicy::Omit), Ok(Some(std::f64::consts::LN_2)));

        // A key that is missing on one side is dropped on both.
        let q = Row::plain(&[(1, 9.0), (2, 1.0), (3, 1.0)]);
        assert_eq!(of("kl_div", &null_weight, &q, 0.0, NanPolicy::Omit), Ok(Some(0.0)));
        assert_eq!(of("kl_div", &q, &null_weight, 0.0, NanPolicy::Omit), Ok(Some(0.0)));
    }
}
