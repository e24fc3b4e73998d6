//! How likely chance alone is.

/// Probability of `hits` or more out of `tries` at `rate`: the upper tail of the binomial distribution.
pub fn tail(hits: u32, tries: u32, rate: f64) -> f64 {
    if hits == 0 {
        return 1.0;
    }
    if hits > tries || rate <= 0.0 {
        return 0.0;
    }
    if rate >= 1.0 {
        return 1.0;
    }
    let (k, n) = (f64::from(hits), f64::from(tries));
    let mut term = (ln_choose(n, k) + k * rate.ln() + (n - k) * (1.0 - rate).ln()).exp();
    // Below the mean the lower tail is shorter, but then chance explains it anyway.
    if k <= n * rate {
        return 1.0;
    }
    let odds = rate / (1.0 - rate);
    let mut sum = 0.0;
    let mut at = k;
    while at <= n {
        sum += term;
        if term < sum * 1e-12 {
            break;
        }
        term *= (n - at) / (at + 1.0) * odds;
        at += 1.0;
    }
    sum.min(1.0)
}

fn ln_choose(n: f64, k: f64) -> f64 {
    ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
}

/// Stirling's series, after a shift that makes it exact to 1e-10.
fn ln_gamma(x: f64) -> f64 {
    let mut x = x;
    let mut shift = 0.0;
    while x < 10.0 {
        shift += x.ln();
        x += 1.0;
    }
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_agree_with_the_exact_sums() {
        for (hits, tries, rate, expected) in [
            (0, 10, 0.1, 1.0),
            (5, 5, 0.05, 3.125e-7),
            (3, 10, 0.1, 0.070_190_826_4),
            (10, 10, 0.5, 9.765_625e-4),
            (4, 3, 0.5, 0.0),
        ] {
            let found = tail(hits, tries, rate);
            assert!(
                (found - expected).abs() < 1e-6 * expected.max(1e-3),
                "{hits} of {tries} at {rate}: {found}"
            );
        }
        assert!(tail(60, 200, 0.02) < 1e-40);
    }
}
