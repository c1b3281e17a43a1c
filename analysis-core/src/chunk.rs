//! Packs frames into self-contained compressed chunks and reads them back.
