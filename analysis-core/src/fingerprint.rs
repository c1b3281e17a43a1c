//! A name for the bytes of a file.
