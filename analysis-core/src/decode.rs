//! Compressed audio in, planar f32 blocks out. The only room that names symphonia.
