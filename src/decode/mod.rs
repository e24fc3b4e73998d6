//! Turns an input stream into blocks of bytes: decompression under limits, encodings.
