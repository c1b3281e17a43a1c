//! What describes stored chunks well enough to read them.
