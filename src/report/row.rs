//! Turns rows of the output tables into polars frames and back: one Rust struct a table, one field a column.

use polars::chunked_array::builder::AnonymousOwnedListBuilder;
use polars::prelude::*;
use serde_json::{Value, json};

use crate::event::Text;

/// UTC microseconds; a column of type `Datetime(µs, "UTC")`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Micros(pub i64);

/// What else it could be.
#[derive(Debug, Clone, PartialEq)]
pub struct Alternative {
    /// Code of the cause.
    pub cause: Text,
    /// Probability.
    pub confidence: f64,
}

/// A Rust type that is a column of an output table.
pub(super) trait Cell: Sized {
    fn column<'a>(name: &str, rows: impl Iterator<Item = &'a Self>) -> PolarsResult<Column>
    where
        Self: 'a;
    fn read(column: &Column) -> PolarsResult<Vec<Self>>;
    fn json(&self) -> Value;
}

impl Cell for Option<Text> {
    fn column<'a>(name: &str, rows: impl Iterator<Item = &'a Self>) -> PolarsResult<Column> {
        Ok(StringChunked::from_iter_options(name.into(), rows.map(Option::as_deref)).into_column())
    }
    fn read(column: &Column) -> PolarsResult<Vec<Self>> {
        Ok(column
            .str()?
            .iter()
            .map(|value| value.map(Text::from))
            .collect())
    }
    fn json(&self) -> Value {
        json!(self.as_deref())
    }
}

impl Cell for Text {
    fn column<'a>(name: &str, rows: impl Iterator<Item = &'a Self>) -> PolarsResult<Column> {
        Ok(
            StringChunked::from_iter_options(name.into(), rows.map(|text| Some(text.as_str())))
                .into_column(),
        )
    }
    fn read(column: &Column) -> PolarsResult<Vec<Self>> {
        Ok(column
            .str()?
            .iter()
            .map(|value| value.map(Text::from).unwrap_or_default())
            .collect())
    }
    fn json(&self) -> Value {
        json!(self.as_str())
    }
}

impl Cell for Option<Micros> {
    fn column<'a>(name: &str, rows: impl Iterator<Item = &'a Self>) -> PolarsResult<Column> {
        let values = rows.map(|time| time.map(|Micros(micros)| micros));
        Ok(Int64Chunked::from_iter_options(name.into(), values)
            .into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
            .into_column())
    }
    fn read(column: &Column) -> PolarsResult<Vec<Self>> {
        let values = column.datetime()?;
        Ok(values.physical().iter().map(|v| v.map(Micros)).collect())
    }
    fn json(&self) -> Value {
        json!(self.map(super::time::rfc3339))
    }
}

macro_rules! number {
    ($rust:ty, $chunked:ty, $reader:ident) => {
        impl Cell for Option<$rust> {
            fn column<'a>(
                name: &str,
                rows: impl Iterator<Item = &'a Self>,
            ) -> PolarsResult<Column> {
                Ok(<$chunked>::from_iter_options(name.into(), rows.copied()).into_column())
            }
            fn read(column: &Column) -> PolarsResult<Vec<Self>> {
                Ok(column.$reader()?.iter().collect())
            }
            fn json(&self) -> Value {
                json!(self)
            }
        }
        impl Cell for $rust {
            fn column<'a>(
                name: &str,
                rows: impl Iterator<Item = &'a Self>,
            ) -> PolarsResult<Column> {
                Ok(
                    <$chunked>::from_iter_options(name.into(), rows.copied().map(Some))
                        .into_column(),
                )
            }
            fn read(column: &Column) -> PolarsResult<Vec<Self>> {
                Ok(column
                    .$reader()?
                    .iter()
                    .map(Option::unwrap_or_default)
                    .collect())
            }
            fn json(&self) -> Value {
                json!(self)
            }
        }
    };
}

number!(i64, Int64Chunked, i64);
number!(u16, UInt16Chunked, u16);
number!(u32, UInt32Chunked, u32);
number!(u64, UInt64Chunked, u64);
number!(f64, Float64Chunked, f64);
number!(bool, BooleanChunked, bool);

impl Cell for Vec<Text> {
    fn column<'a>(name: &str, rows: impl Iterator<Item = &'a Self>) -> PolarsResult<Column> {
        let mut builder = ListStringChunkedBuilder::new(name.into(), 0, 0);
        for row in rows {
            builder.append_values_iter(row.iter().map(Text::as_str));
        }
        Ok(builder.finish().into_column())
    }
    fn read(column: &Column) -> PolarsResult<Vec<Self>> {
        column
            .list()?
            .amortized_iter()
            .map(|row| match row {
                Some(series) => Option::<Text>::read(&series.as_ref().clone().into_column())
                    .map(|texts| texts.into_iter().flatten().collect()),
                None => Ok(Vec::new()),
            })
            .collect()
    }
    fn json(&self) -> Value {
        self.iter().map(Text::as_str).collect()
    }
}

impl Cell for Vec<Alternative> {
    fn column<'a>(name: &str, rows: impl Iterator<Item = &'a Self>) -> PolarsResult<Column> {
        let rows: Vec<&Self> = rows.collect();
        let all = || rows.iter().flat_map(|row| row.iter());
        let fields = [
            Text::column("cause", all().map(|a| &a.cause))?,
            f64::column("confidence", all().map(|a| &a.confidence))?,
        ];
        let flat =
            StructChunked::from_columns("item".into(), fields[0].len(), &fields)?.into_series();
        let mut builder =
            AnonymousOwnedListBuilder::new(name.into(), rows.len(), Some(flat.dtype().clone()));
        let mut start = 0_i64;
        for row in &rows {
            builder.append_owned_series(flat.slice(start, row.len()))?;
            start = start.saturating_add_unsigned(row.len() as u64);
        }
        Ok(builder.finish().into_column())
    }
    fn read(column: &Column) -> PolarsResult<Vec<Self>> {
        column
            .list()?
            .amortized_iter()
            .map(|row| {
                let Some(series) = row else {
                    return Ok(Vec::new());
                };
                let fields = series.as_ref().struct_()?.fields_as_series();
                let [causes, confidences] = fields.as_slice() else {
                    return Ok(Vec::new());
                };
                Ok(causes
                    .str()?
                    .iter()
                    .zip(confidences.f64()?.iter())
                    .map(|(cause, confidence)| Alternative {
                        cause: cause.map(Text::from).unwrap_or_default(),
                        confidence: confidence.unwrap_or_default(),
                    })
                    .collect())
            })
            .collect()
    }
    fn json(&self) -> Value {
        self.iter()
            .map(|a| json!({"cause": a.cause.as_str(), "confidence": a.confidence}))
            .collect()
    }
}

/// A row type that is an output table.
pub(super) trait Table: Sized {
    /// Names of the columns, in order.
    const COLUMNS: &'static [&'static str];
    /// Rows to columns.
    fn frame(rows: &[Self]) -> PolarsResult<DataFrame>;
    /// Columns to rows.
    fn rows(frame: &DataFrame) -> PolarsResult<Vec<Self>>;
}

/// Declares a row type and its table.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                $(map.serialize_entry(stringify!($field), &$crate::report::row::Cell::json(&self.$field))?;)*
                map.end()
            }
        }

        impl $crate::report::row::Table for $name {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field),)*];

            fn frame(rows: &[Self]) -> polars::prelude::PolarsResult<polars::prelude::DataFrame> {
                polars::prelude::DataFrame::new(rows.len(), vec![
                    $(<$type as $crate::report::row::Cell>::column(
                        stringify!($field), rows.iter().map(|row| &row.$field))?,)*
                ])
            }

            fn rows(frame: &polars::prelude::DataFrame) -> polars::prelude::PolarsResult<Vec<Self>> {
                $(let mut $field = <$type as $crate::report::row::Cell>::read(
                    frame.column(stringify!($field))?)?.into_iter();)*
                let mut rows = Vec::with_capacity(frame.height());
                for _ in 0..frame.height() {
                    let ($(Some($field),)*) = ($($field.next(),)*) else { break };
                    rows.push(Self { $($field,)* });
                }
                Ok(rows)
            }
        }
    };
}
pub(super) use table;
