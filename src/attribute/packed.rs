//! Packs rows of facts into bytes and back: some 300 bytes at rest for what takes 8 kB alive.

use rayon::prelude::*;

use super::facts::list::FACTS;
use super::model::{FactRow, FactType, Value};
use crate::event::{Kept, Spill, Text};

/// Rows that are kept together.
const TOGETHER: usize = 1024;

/// The facts of all attempts at rest, in memory or past the budget on disk; rows come alive one at a time.
#[derive(Debug, Default)]
pub struct FactTable {
    rows: Vec<Row>,
    chunks: Vec<Kept>,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
struct Row {
    chunk: u32,
    from: u32,
    length: u32,
}

impl FactTable {
    /// Makes so many rows, in parallel, with what `make` says beside each.
    pub(super) fn build<T: Send>(
        count: usize,
        spill: &Spill,
        make: impl Fn(usize) -> (PackedRow, T) + Sync,
    ) -> (Self, Vec<T>) {
        let numbers: Vec<usize> = (0..count).collect();
        let mut table = Self::default();
        let mut beside = Vec::with_capacity(count);
        // So many at a time that all threads have work, and no more: made rows wait in memory.
        for some in numbers.chunks(TOGETHER * 16) {
            let made: Vec<(Kept, Vec<usize>, Vec<T>)> = some
                .par_chunks(TOGETHER)
                .map(|some| {
                    let (rows, beside): (Vec<PackedRow>, Vec<T>) =
                        some.iter().map(|&index| make(index)).unzip();
                    let lengths = rows.iter().map(|row| row.0.len()).collect();
                    (keep(&rows, spill), lengths, beside)
                })
                .collect();
            for (chunk, lengths, mut more) in made {
                let places = table.add(chunk, &lengths);
                table.rows.extend(places);
                beside.append(&mut more);
            }
        }
        (table, beside)
    }

    /// Puts other rows in the place of some.
    pub(super) fn replace(
        &mut self,
        which: &[usize],
        spill: &Spill,
        make: impl Fn(&Self, usize) -> PackedRow + Sync,
    ) {
        for some in which.chunks(TOGETHER) {
            let rows: Vec<PackedRow> = some.par_iter().map(|&index| make(self, index)).collect();
            let lengths: Vec<usize> = rows.iter().map(|row| row.0.len()).collect();
            let places = self.add(keep(&rows, spill), &lengths);
            for (&index, place) in some.iter().zip(places) {
                if let Some(row) = self.rows.get_mut(index) {
                    *row = place;
                }
            }
        }
    }

    fn add(&mut self, chunk: Kept, lengths: &[usize]) -> Vec<Row> {
        let number = self.chunks.len() as u32;
        self.chunks.push(chunk);
        let mut from = 0;
        lengths
            .iter()
            .map(|&length| {
                let row = Row {
                    chunk: number,
                    from,
                    length: length as u32,
                };
                from += row.length;
                row
            })
            .collect()
    }

    fn with<T>(&self, index: usize, show: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let row = self.rows.get(index)?;
        let chunk = self.chunks.get(row.chunk as usize)?;
        chunk.read(row.from as usize, row.length as usize, show)
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// None.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// One row, alive; all NULL where there is none.
    #[must_use]
    pub fn get(&self, index: usize) -> FactRow {
        self.with(index, unpack).flatten().unwrap_or_default()
    }

    /// Shows the facts of one row that are not NULL, in order, without bringing the row to life.
    pub fn visit(&self, index: usize, mut see: impl FnMut(usize, Seen<'_>)) {
        self.with(index, |packed| {
            let _ = walk(packed, &mut |index, seen| {
                see(index, seen);
                true
            });
        });
    }

    /// A yes or no of one row; `None` where it is NULL or no yes or no.
    #[must_use]
    pub fn flag(&self, index: usize, fact: usize) -> Option<bool> {
        let mut found = None;
        self.with(index, |packed| {
            let _ = walk(packed, &mut |at, seen| {
                if at == fact
                    && let Seen::Bool(yes) = seen
                {
                    found = Some(yes);
                }
                at < fact
            });
        });
        found
    }
}

impl FromIterator<PackedRow> for FactTable {
    fn from_iter<I: IntoIterator<Item = PackedRow>>(rows: I) -> Self {
        let rows: Vec<PackedRow> = rows.into_iter().collect();
        let mut table = Self::default();
        for some in rows.chunks(TOGETHER) {
            let lengths: Vec<usize> = some.iter().map(|row| row.0.len()).collect();
            let places = table.add(keep(some, &Spill::unbounded()), &lengths);
            table.rows.extend(places);
        }
        table
    }
}

fn keep(rows: &[PackedRow], spill: &Spill) -> Kept {
    let bytes: Vec<u8> = rows.iter().flat_map(|row| row.0.iter().copied()).collect();
    Kept::new(&bytes, spill)
}

/// One row at rest.
#[derive(Debug, Clone)]
pub struct PackedRow(Box<[u8]>);

impl PackedRow {
    /// Packs a row: which facts are there, their values, and what made them.
    #[must_use]
    pub fn new(row: &FactRow) -> Self {
        let mut out = vec![0_u8; FACTS.len().div_ceil(8)];
        for (index, value) in row.values.iter().enumerate() {
            let Some(value) = value else { continue };
            if let Some(byte) = out.get_mut(index / 8) {
                *byte |= 1 << (index % 8);
            }
            match value {
                Value::Bool(yes) => out.push(u8::from(*yes)),
                Value::Int(number) => put(((number << 1) ^ (number >> 63)) as u64, &mut out),
                Value::Float(number) => out.extend_from_slice(&number.to_le_bytes()),
                Value::Text(text) => {
                    put(text.len() as u64, &mut out);
                    out.extend_from_slice(text.as_bytes());
                }
            }
        }
        put(row.citations.len() as u64, &mut out);
        for (fact, events) in &row.citations {
            put(u64::from(*fact), &mut out);
            put(events.len() as u64, &mut out);
            for event in events {
                put(u64::from(*event), &mut out);
            }
        }
        Self(out.into_boxed_slice())
    }
}

/// A value as it stands in a packed row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen<'a> {
    /// As [`Value::Bool`].
    Bool(bool),
    /// As [`Value::Int`].
    Int(i64),
    /// As [`Value::Float`].
    Float(f64),
    /// As [`Value::Text`].
    Text(&'a str),
}

/// Walks the values of a row as long as `see` wants more; gives what stands behind them.
fn walk<'a>(packed: &'a [u8], see: &mut impl FnMut(usize, Seen<'a>) -> bool) -> Option<&'a [u8]> {
    let (mask, mut rest) = packed.split_at_checked(FACTS.len().div_ceil(8))?;
    for (byte, bits) in mask.iter().enumerate() {
        let mut bits = *bits;
        while bits != 0 {
            let index = byte * 8 + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            let value = match FACTS.get(index)?.ty {
                FactType::Bool => Seen::Bool(take(&mut rest, 1)? == [1]),
                FactType::Int => {
                    let number = get(&mut rest)?;
                    Seen::Int((number >> 1) as i64 ^ -((number & 1) as i64))
                }
                FactType::Float => {
                    Seen::Float(f64::from_le_bytes(take(&mut rest, 8)?.try_into().ok()?))
                }
                FactType::Text => {
                    let length = get(&mut rest)? as usize;
                    Seen::Text(std::str::from_utf8(take(&mut rest, length)?).ok()?)
                }
            };
            if !see(index, value) {
                return None;
            }
        }
    }
    Some(rest)
}

fn unpack(packed: &[u8]) -> Option<FactRow> {
    let mut values = vec![None; FACTS.len()];
    let mut rest = walk(packed, &mut |index, seen| {
        if let Some(slot) = values.get_mut(index) {
            *slot = Some(match seen {
                Seen::Bool(yes) => Value::Bool(yes),
                Seen::Int(number) => Value::Int(number),
                Seen::Float(number) => Value::Float(number),
                Seen::Text(text) => Value::Text(Text::new(text)),
            });
        }
        true
    })?;
    let mut citations = Vec::new();
    for _ in 0..get(&mut rest)? {
        let fact = u16::try_from(get(&mut rest)?).ok()?;
        let mut events = Vec::new();
        for _ in 0..get(&mut rest)? {
            events.push(u32::try_from(get(&mut rest)?).ok()?);
        }
        citations.push((fact, events));
    }
    Some(FactRow { values, citations })
}

/// LEB128.
fn put(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn get(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn take<'r>(rest: &mut &'r [u8], count: usize) -> Option<&'r [u8]> {
    let (taken, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value of the column's type that no other column has.
    fn value(index: usize) -> Value {
        match FACTS[index].ty {
            FactType::Bool => Value::Bool(index.is_multiple_of(2)),
            FactType::Int => Value::Int(if index.is_multiple_of(3) {
                i64::MIN
            } else {
                index as i64
            }),
            FactType::Float => Value::Float(index as f64 / 7.0),
            FactType::Text => Value::Text(Text::from(format!("值 {index}"))),
        }
    }

    #[test]
    fn rows_come_back_as_they_went() {
        for (every, cited) in [(1, 5), (3, 0), (1000, 1)] {
            let row = FactRow {
                values: (0..FACTS.len())
                    .map(|i| i.is_multiple_of(every).then(|| value(i)))
                    .collect(),
                citations: (0..cited)
                    .map(|i| (i, vec![1, 127, 128, u32::MAX]))
                    .collect(),
            };
            let table: FactTable = [PackedRow::new(&row)].into_iter().collect();
            assert_eq!(table.get(0).values, row.values);
            assert_eq!(table.get(0).citations, row.citations);
        }
        let none = FactTable::default().get(3);
        assert!(none.values.is_empty());
    }
}
