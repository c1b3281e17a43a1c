//! What the engine costs: each stage and the whole, on the same music, for whoever measures.
//!
//! [`SCENARIOS`] are run by the clock (the bench `engine`), in instructions (the command `instructions`) and to say
//! which share of the whole each has (the command `budget`). The commands `listen` and `cost` are what `benches/peers`
//! runs Arsis with. `docs/PERFORMANCE.md` says how to run them all and what came of it.

#![expect(clippy::unwrap_used, reason = "benches panic where a program would report")]

mod material;
mod scenarios;

pub use material::Material;
pub use scenarios::{Run, SCENARIOS, Scenario};
