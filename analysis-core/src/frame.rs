//! The layout of a frame and the quantisation of its values.
