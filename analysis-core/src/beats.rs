//! Beats from onset strength: the bar-pointer hidden Markov model.
