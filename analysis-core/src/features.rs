//! Scalar features of a frame.
