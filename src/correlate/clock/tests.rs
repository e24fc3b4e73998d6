//! Clocks: sets of captures, clocks that are set, bounds of seconds.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::super::capture_set::without_dates;
use super::fit::{Point, line, segments};
use super::*;

#[test]
fn rotated_captures_are_one_and_others_are_not() {
    let a = without_dates("x/site000/capture-20260318-08.pcap");
    assert_eq!(a, without_dates("x/site000/capture-20260318-21.pcap"));
    assert_eq!(
        without_dates("d/ring_00001_20260318101112.pcapng"),
        without_dates("d/ring_00002_20260318111112.pcapng")
    );
    assert_ne!(without_dates("d/cap1.pcap"), without_dates("d/cap2.pcap"));
    assert_ne!(a, without_dates("x/site001/capture-20260318-08.pcap"));
}

fn points(differences: &[i64]) -> Vec<Point> {
    differences
        .iter()
        .zip(0_u32..)
        .map(|(&difference, index)| Point {
            index,
            own: i64::from(index) * 60 * SECOND + difference,
            difference,
        })
        .collect()
}

#[test]
fn a_clock_that_is_set_begins_a_new_part_and_a_false_pair_does_not() {
    let mut apart = vec![90 * SECOND; 10];
    apart[4] = -500 * SECOND;
    apart.extend([200_000; 8]);
    assert_eq!(segments(&points(&apart)), [0..10, 10..18]);
    let steady: Vec<i64> = (0..40).map(|i| i * 10_000).collect();
    assert_eq!(segments(&points(&steady)).len(), 1);
}

#[test]
fn seconds_bound_the_offset_from_both_sides() {
    // True offset 2.37 s, shown in whole seconds, half a second added for the middle.
    let list: Vec<Point> = (0..60_i64)
        .map(|i| {
            let reference = i * 61_370_000 + 123_457;
            let own = (reference + 2_370_000).div_euclid(SECOND) * SECOND + SECOND / 2;
            Point {
                index: i as u32,
                own,
                difference: own - reference,
            }
        })
        .collect();
    let line = line(&list, true).unwrap();
    assert!((line.level - 2_370_000).abs() < 50_000, "{}", line.level);
    // An hour leaves some ppm open.
    assert!(line.slope.abs() < 12e-6, "{} ppm", line.slope * 1e6);
}

/// A day of answers whose host writes whole seconds, over a line that is crowded for an hour: the drift is found all the same.
#[test]
fn a_crowded_hour_does_not_bend_the_line() {
    let (drift, offset) = (38e-6, 250_000_i64);
    let mut state = 7_u64;
    let mut noise = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as i64 % SECOND
    };
    let points: Vec<Point> = (0..1200_u32)
        .map(|index| {
            let own = i64::from(index) * 50 * SECOND;
            let crowded = (600..900).contains(&index);
            let late = if crowded { 150_000 + noise() / 4 } else { 0 };
            let drifted = (own as f64 * drift).round() as i64;
            Point {
                index,
                own,
                difference: offset + drifted + late + noise(),
            }
        })
        .collect();
    let line = line(&points, true).unwrap();
    let middle = 600 * 50 * SECOND;
    let at = line.level + ((middle - line.anchor) as f64 * line.slope) as i64;
    let truth = offset + SECOND / 2 + (middle as f64 * drift) as i64;
    assert!((at - truth).abs() < 50_000, "{} ms", (at - truth) / 1000);
    assert!(
        (line.slope - drift).abs() < 1.5e-6,
        "{} ppm",
        line.slope * 1e6
    );
}

/// Forty answers of a day against a host that writes whole seconds: few, but the strip that holds them leaves little room.
#[test]
fn few_pairs_cut_to_seconds_tell_the_drift() {
    let (drift, offset) = (-33e-6, -1_720_000_i64);
    let points: Vec<Point> = (0..40_u32)
        .map(|index| {
            let reference = i64::from(index) * 1_203_000_000 + i64::from(index * index) * 7_919_131;
            let own = reference + offset + (reference as f64 * drift).round() as i64;
            // A false pair, and one that a slow line delayed.
            let wrong = match index {
                11 => 9 * SECOND,
                23 => 700_000,
                _ => 0,
            };
            let shown = reference.div_euclid(SECOND) * SECOND + SECOND / 2;
            let difference = own + wrong - shown;
            Point {
                index,
                own,
                difference,
            }
        })
        .collect();
    let line = line(&points, true).unwrap();
    let middle = points[20].own;
    let at = line.level + ((middle - line.anchor) as f64 * line.slope) as i64;
    let truth = offset + (middle as f64 * drift) as i64;
    assert!((at - truth).abs() < 40_000, "{} ms", (at - truth) / 1000);
    assert!(
        (line.slope - drift).abs() < 2e-6,
        "{} ppm",
        line.slope * 1e6
    );
}
