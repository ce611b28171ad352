//! Your code around the calls. Implement the `Hooks` of a module and put it into its slot.

use crate::tools::HookSet;

/// The hooks of this server; a slot that is not named has none.
pub fn hooks() -> HookSet {
    HookSet::default()
}
