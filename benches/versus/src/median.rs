//! Medians, which rare events do not move.

/// The median; NaN if there are no values.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        len if len % 2 == 0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

/// The standard error of the median of these values, estimated from their distances to it; NaN if there are
/// fewer than two.
pub fn error_of_median(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return f64::NAN;
    }
    let middle = median(values);
    let distances: Vec<_> = values.iter().map(|value| (value - middle).abs()).collect();
    // For a normal distribution, the deviation is 1.4826 times the median distance, and the error of a median
    // is 1.2533 times that of a mean.
    1.2533 * 1.4826 * median(&distances) / (values.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_values_do_not_move_a_median() {
        assert!(median(&[]).is_nan());
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[3.0, 1.0, 100.0]), 3.0);
        assert_eq!(median(&[1.0, 100.0, 3.0, 2.0]), 2.5);
    }

    #[test]
    fn the_error_shrinks_with_the_root_of_the_count() {
        assert!(error_of_median(&[1.0]).is_nan());
        assert_eq!(error_of_median(&[1.0, 1.0, 9.0]), 0.0);
        let few = error_of_median(&[0.9, 1.0, 1.1]);
        let many = error_of_median(&[0.9, 1.0, 1.1].repeat(4));
        assert!((few / many - 2.0).abs() < 1e-9, "{few} {many}");
    }
}
