//! The mathematics, on plain slices, offsets and validity bits. Nothing in here knows Polars, Arrow or Python.
//!
//! A *quantity* says how a distribution gets its value; a *driver* takes it over many distributions. Neither names the other: they
//! meet in the traits of [`quantity`] and in the registry. The way of a value through all of this is drawn in
//! `docs/explanation/architecture.md`.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`simd`] | instruction sets: their arithmetic, and the choice of one at run time |
//! | [`math`] | logarithms, ξ, the exponential function |
//! | [`blocks`] | eight lanes at a time: layouts, sums, totals |
//! | [`weights`] | views of weights with validity, and how they are read in blocks |
//! | [`options`] | nan policies, units, precisions |
//! | [`rules`] | which rule decides about a distribution, and the signals by which sums tell it |
//! | [`shares`] | shares of a pair of weights over a common denominator |
//! | [`softmax`] | weights of logits in blocks |
//! | [`mass`] | scaling that keeps sums in range |
//! | [`scales`] | which power of two the sums of a group are scaled by |
//! | [`quantity`] | the traits that a quantity implements |
//! | [`quantities`] | the quantities, a file each, and the registry of them |
//! | [`registry`] | what is registered of a quantity: its drivers as plain functions |
//! | [`broadcast`] | which rows of p and q make up a row of the result |
//! | [`layout`] | where rows are: offsets, null rows, lists of lists |
//! | [`axes`] | where the slices of n-dimensional cells are |
//! | [`values`] | one value per row, with validity |
//! | [`rows`], [`groups`], [`states`], [`elements`] | the drivers |
//! | [`summands`] | the driver of what each element adds to the sums of its group |
//! | [`remainder`] | the driver of rows whose q has a known total |
//! | [`logits`] | the driver of rows of logits |
//! | [`few`] | the entropy of few observations |
//! | [`keys`] | observed values as 64 bits |
//! | [`batch`] | rows that a driver makes, on their way to a quantity |
//! | [`maps`] | the driver of rows of keys and weights |
//! | [`counts`], [`characters`] | the drivers of rows of observed values, and of characters |

pub mod axes;
pub mod batch;
pub mod blocks;
pub mod broadcast;
pub mod characters;
pub mod counts;
pub mod elements;
pub mod few;
pub mod groups;
pub mod keys;
pub mod layout;
pub mod logits;
pub mod maps;
pub mod mass;
pub mod math;
pub mod options;
pub mod quantities;
pub mod quantity;
pub mod registry;
pub mod remainder;
pub mod rows;
pub mod rules;
pub mod scales;
pub mod shares;
pub mod simd;
pub mod softmax;
pub mod states;
pub mod summands;
#[cfg(test)]
mod tests;
pub mod values;
pub mod weights;
