//! Writes rows into Parquet files, a row group at a time, and reads them back.

use std::fs::File;
use std::io::BufWriter;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use polars::prelude::*;
use polars_io::parquet::write::BatchedWriter;
use polars_io::prelude::{
    KeyValueMetadata, ParquetCompression, ParquetReader, ParquetWriter, SerReader,
};
use polars_parquet::write::schema_to_metadata_key;
use polars_utils::compression::ZstdLevel;

use super::Error;
use super::gate::Gate;
use super::row::Table;
use crate::attribute::{FactTable, fact_columns};
use crate::event::Text;

/// Rows of one row group: bounds the memory of writing and of reading. Smaller ones cost more than they save: each column of each group
/// leaves its statistics in memory until the file is closed.
pub(super) const ROW_GROUP: usize = 8192;

/// Writes one table.
pub(super) struct TableWriter<T: Table> {
    file: FrameWriter,
    rows: Vec<T>,
    kind: PhantomData<T>,
}

impl<T: Table> TableWriter<T> {
    pub(super) fn create(path: &Path, gate: &Gate) -> Result<Self, Error> {
        let schema = T::frame(&[]).map_err(|e| Error::table(path, &e))?;
        Ok(Self {
            file: FrameWriter::create(path, &schema, gate)?,
            rows: Vec::new(),
            kind: PhantomData,
        })
    }

    pub(super) fn push(&mut self, row: T) -> Result<(), Error> {
        self.rows.push(row);
        if self.rows.len() >= ROW_GROUP {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes a row group at once.
    pub(super) fn group(&mut self, rows: Vec<T>) -> Result<(), Error> {
        let frame = T::frame(&rows).map_err(|e| Error::table(&self.file.path, &e))?;
        // As columns they stand in memory once more: the rows go before the pages come.
        drop(rows);
        self.file.write(&frame)
    }

    fn flush(&mut self) -> Result<(), Error> {
        let rows = std::mem::take(&mut self.rows);
        self.group(rows)
    }

    /// Returns the number of rows.
    pub(super) fn finish(mut self) -> Result<u64, Error> {
        if !self.rows.is_empty() {
            self.flush()?;
        }
        self.file.finish()
    }
}

/// Writes frames; each becomes a row group.
pub(super) struct FrameWriter {
    path: PathBuf,
    gate: Gate,
    writer: BatchedWriter<BufWriter<File>>,
    rows: u64,
}

impl FrameWriter {
    pub(super) fn create(path: &Path, like: &DataFrame, gate: &Gate) -> Result<Self, Error> {
        let file = File::create(path).map_err(|e| Error::file(path, e))?;
        let level = ZstdLevel::try_new(3).map_err(|e| Error::table(path, &e))?;
        // Left alone, polars says that texts are views, and pyarrow can neither compare nor filter those.
        let types = schema_to_metadata_key(&like.schema().to_arrow(CompatLevel::oldest()));
        let writer = ParquetWriter::new(BufWriter::with_capacity(1 << 18, file))
            .with_key_value_metadata(Some(KeyValueMetadata::Static(vec![types])))
            .with_compression(ParquetCompression::Zstd(Some(level)))
            .batched(like.schema())
            .map_err(|e| Error::table(path, &e))?;
        Ok(Self {
            path: path.to_owned(),
            gate: gate.clone(),
            writer,
            rows: 0,
        })
    }

    pub(super) fn write(&mut self, frame: &DataFrame) -> Result<(), Error> {
        super::publish::stop_if_interrupted()?;
        // Once encoded and compressed it cannot be searched: the rows are, before.
        if let Some((column, leak)) = self.gate.search_frame(frame) {
            let file = self.path.file_name().unwrap_or_default();
            return Err(Error::Leak {
                place: format!("column {column} of {}", file.to_string_lossy()),
                what: leak.name(),
            });
        }
        self.rows = self.rows.saturating_add(frame.height() as u64);
        self.writer
            .write_batch(frame)
            .map_err(|e| Error::table(&self.path, &e))
    }

    pub(super) fn finish(self) -> Result<u64, Error> {
        self.writer
            .finish()
            .map_err(|e| Error::table(&self.path, &e))?;
        Ok(self.rows)
    }
}

/// Writes the facts table: one row per attempt, one column per fact.
pub(super) fn write_facts(
    path: &Path,
    tx_ids: &[Text],
    facts: &FactTable,
    gate: &Gate,
) -> Result<u64, Error> {
    let frame = |ids: &[Text], rows: &[usize]| {
        let texts = ids.iter().map(|id| Some(id.as_str()));
        let ids_column = StringChunked::from_iter_options("tx_id".into(), texts).into_column();
        let mut columns = vec![ids_column];
        columns.extend(fact_columns(facts, rows, |_| true, super::clean::clean));
        DataFrame::new(ids.len(), columns).map_err(|e| Error::table(path, &e))
    };
    let mut writer = FrameWriter::create(path, &frame(&[], &[])?, gate)?;
    for (number, ids) in tx_ids.chunks(ROW_GROUP).enumerate() {
        let start = number * ROW_GROUP;
        let rows: Vec<usize> = (start..start + ids.len()).collect();
        writer.write(&frame(ids, &rows)?)?;
    }
    writer.finish()
}

/// Reads a table, a row group's worth at a time.
pub(super) struct TableReader<T: Table> {
    path: PathBuf,
    next: usize,
    height: usize,
    kind: PhantomData<T>,
}

impl<T: Table> TableReader<T> {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|e| Error::file(path, e))?;
        let height = ParquetReader::new(file)
            .num_rows()
            .map_err(|e| Error::table(path, &e))?;
        Ok(Self {
            path: path.to_owned(),
            next: 0,
            height,
            kind: PhantomData,
        })
    }

    /// Rows from `start` on.
    pub(super) fn slice(&self, start: usize, length: usize) -> Result<Vec<T>, Error> {
        let frame = self.frame(start, length)?;
        T::rows(&frame).map_err(|e| Error::table(&self.path, &e))
    }

    /// Visits rows by number, sorted; row groups without any are not read, the other rows not unpacked.
    pub(super) fn each_at(&self, rows: &[u32], mut visit: impl FnMut(u32, T)) -> Result<(), Error> {
        let fail = |e: PolarsError| Error::table(&self.path, &e);
        for some in rows.chunk_by(|a, b| *a as usize / ROW_GROUP == *b as usize / ROW_GROUP) {
            let Some(&first) = some.first() else { continue };
            let start = first as usize / ROW_GROUP * ROW_GROUP;
            let frame = self.frame(start, ROW_GROUP)?;
            let mut wanted = vec![false; frame.height()];
            for row in some {
                if let Some(slot) = wanted.get_mut(*row as usize - start) {
                    *slot = true;
                }
            }
            let wanted = BooleanChunked::from_slice("wanted".into(), &wanted);
            let frame = frame.filter(&wanted).map_err(fail)?;
            let found = T::rows(&frame).map_err(fail)?;
            some.iter()
                .zip(found)
                .for_each(|(row, found)| visit(*row, found));
        }
        Ok(())
    }

    /// Visits the rows whose `tx_id` is among the given, in order; the others are not even unpacked.
    pub(super) fn each_of(
        &self,
        ids: &hashbrown::HashMap<&str, usize>,
        mut visit: impl FnMut(&T),
    ) -> Result<(), Error> {
        let fail = |e: PolarsError| Error::table(&self.path, &e);
        for start in (0..self.height).step_by(ROW_GROUP) {
            let frame = self.frame(start, ROW_GROUP)?;
            let column = frame.column("tx_id").map_err(fail)?.str().map_err(fail)?;
            let wanted = column
                .iter()
                .map(|id| Some(id.is_some_and(|id| ids.contains_key(id))));
            let wanted = BooleanChunked::from_iter_options("wanted".into(), wanted);
            let frame = frame.filter(&wanted).map_err(fail)?;
            T::rows(&frame).map_err(fail)?.iter().for_each(&mut visit);
        }
        Ok(())
    }

    fn frame(&self, start: usize, length: usize) -> Result<DataFrame, Error> {
        let file = File::open(&self.path).map_err(|e| Error::file(&self.path, e))?;
        let columns = T::COLUMNS.iter().map(|name| (*name).to_owned()).collect();
        ParquetReader::new(file)
            .with_columns(Some(columns))
            .with_slice(Some((start, length)))
            .finish()
            .map_err(|e| Error::table(&self.path, &e))
    }
}

impl<T: Table> Iterator for TableReader<T> {
    type Item = Result<Vec<T>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.height {
            return None;
        }
        let start = self.next;
        self.next = start.saturating_add(ROW_GROUP);
        Some(self.slice(start, ROW_GROUP))
    }
}

/// A whole table as a frame.
pub(super) fn read_frame(path: &Path, columns: Option<Vec<String>>) -> Result<DataFrame, Error> {
    let file = File::open(path).map_err(|e| Error::file(path, e))?;
    ParquetReader::new(file)
        .with_columns(columns)
        .finish()
        .map_err(|e| Error::table(path, &e))
}

/// The number of rows of a table.
pub(super) fn height(path: &Path) -> Result<usize, Error> {
    let file = File::open(path).map_err(|e| Error::file(path, e))?;
    ParquetReader::new(file)
        .num_rows()
        .map_err(|e| Error::table(path, &e))
}

/// Some rows of a table, with all columns.
pub(super) fn read_slice(path: &Path, start: usize, length: usize) -> Result<DataFrame, Error> {
    let file = File::open(path).map_err(|e| Error::file(path, e))?;
    ParquetReader::new(file)
        .with_slice(Some((start, length)))
        .finish()
        .map_err(|e| Error::table(path, &e))
}

/// The columns of a table, in order.
pub(super) fn column_names(path: &Path) -> Result<Vec<String>, Error> {
    let file = File::open(path).map_err(|e| Error::file(path, e))?;
    let schema = ParquetReader::new(file)
        .schema()
        .map_err(|e| Error::table(path, &e))?;
    Ok(schema.iter_names().map(ToString::to_string).collect())
}
