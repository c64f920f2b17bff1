//! The mathematics, on plain slices, offsets and validity bits. Nothing in here knows Polars, Arrow or Python.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`contract`] | which rule decides about a distribution; the nan policies; the base |
//! | [`math`] | the logarithm, ξ, and arithmetic without cancellation |
//! | [`simd`] | the choice of an instruction set at run time |
//! | [`blocks`] | eight lanes at a time: layouts, sums, totals |
//! | [`weights`] | views of weights with validity, and how they are read in blocks |
//! | [`entropy`], [`kl_div`] | one quantity each: a row, an element, the sums of a group |
//! | [`columns`] | many elements: one by one, and in pairs |
//! | [`groups`] | the sums of columns, groups and windows, and what they amount to |
//! | [`levels`] | where rows are: extents, null rows, lists of lists |
//! | [`rows`] | many rows, and pairs of rows |
//! | [`states`] | what merges: states of distributions, and of the whole from those of its parts |
//! | [`axes`] | the layout of n-dimensional cells |

pub mod axes;
pub mod blocks;
pub mod columns;
pub mod contract;
pub mod entropy;
pub mod groups;
pub mod kl_div;
pub mod levels;
pub mod math;
pub mod rows;
pub mod simd;
pub mod states;
pub mod weights;
