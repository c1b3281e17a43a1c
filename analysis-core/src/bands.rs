//! Power spectrum in, band powers out.
