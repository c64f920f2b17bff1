//! Entropy of few observations, which is the commonest kind: a word, a basket, a small group. With N of them in all, n of each kind,
//!
//! ```text
//! N H = N ln N − Σ n ln n
//! ```
//!
//! The terms are in a table, as integers: their sum doesn't round, so the order of the counts is of no matter, and H is rounded as
//! though it were computed by hand.

/// Observations in a row that are not few any more.
pub const MANY: usize = 256;

/// Unit of the table: 2^−100 of a nat.
const UNIT: f64 = 1.0 / (1u128 << 100) as f64;

/// n ln n.
static N_LN_N: [u128; MANY] = n_ln_n();

/// Term of a kind that occurs so often, in units of the table.
#[inline(always)]
pub fn term(n: usize) -> u128 {
    N_LN_N[n]
}

/// Entropy in nats of so many observations, fewer than [`MANY`], from the sum of the terms of their kinds.
#[inline(always)]
pub fn entropy(observations: usize, terms: u128) -> f64 {
    if observations == 0 {
        return 0.0;
    }
    (N_LN_N[observations] - terms) as f64 * UNIT / observations as f64
}

/// The table, by ln n = ln(n − 1) + 2 artanh(1/(2n − 1)).
const fn n_ln_n() -> [u128; MANY] {
    let mut table = [0; MANY];
    let (mut n, mut ln) = (2, 0);
    while n < MANY {
        let m = 2 * n as u128 - 1;
        let (mut power, mut k) = ((1_u128 << 101) / m, 1);
        while power > 0 {
            ln += power / k;
            power /= m * m;
            k += 2;
        }
        table[n] = n as u128 * ln;
        n += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_right() {
        for n in 1..MANY {
            let expected = n as f64 * (n as f64).ln();
            assert!((term(n) as f64 * UNIT - expected).abs() <= 4e-16 * expected, "{n}");
        }
    }

    #[test]
    fn known_values() {
        assert_eq!(entropy(0, 0), 0.0);
        assert_eq!(entropy(7, term(7)).to_bits(), 0);
        for k in 1..8 {
            // Each value once.
            assert_eq!(entropy(1 << k, 0), f64::from(k) * std::f64::consts::LN_2);
        }
        // 255 ln 255 − 254 ln 254 = ln 254 + 255 ln(1 + 1/254).
        let rare = (254f64.ln() + 255.0 * (1.0 / 254.0f64).ln_1p()) / 255.0;
        assert!((entropy(255, term(254) + term(1)) / rare - 1.0).abs() < 3e-16);
    }
}
