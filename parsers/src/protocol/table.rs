//! Reads the tab-separated tables that are built into the program: a head line, then one row a line.

/// The rows of a table, each cut into exactly `N` columns; a row with another number of columns is left out (a test finds it).
pub(crate) fn rows<const N: usize>(tsv: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    tsv.lines().skip(1).filter_map(|line| {
        let mut columns = line.split('\t');
        let mut row = [""; N];
        for cell in &mut row {
            *cell = columns.next()?;
        }
        columns.next().is_none().then_some(row)
    })
}

/// A hex number of any width up to 32 bits.
pub(crate) fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 16).ok()
}

/// Number of data lines, for the tests of each table.
#[cfg(test)]
pub(crate) fn lines(tsv: &str) -> usize {
    tsv.lines().count() - 1
}
