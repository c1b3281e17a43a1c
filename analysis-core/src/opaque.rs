//! `Debug` for what holds plans and buffers: it shows what was asked for and leaves out megabytes of state.

/// Implements `Debug` for a type, with the fields that tell it from others of its kind.
macro_rules! opaque {
    ($name:ident { $($field:ident),* }) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))$(.field(stringify!($field), &self.$field))*.finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use opaque;
