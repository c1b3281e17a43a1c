//! Coarser levels of frames for drawing whole tracks.
