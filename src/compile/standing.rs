//! What became of every operation that can be a tool: what `explain` tells.

use super::offer::Offer;
use crate::runtime::manifest::Effect;

/// An operation that can be a tool, under a policy.
#[derive(Debug, Clone)]
pub struct Offered {
    /// The source that it is of.
    pub source: String,
    /// The operation (see [`crate::catalog::Capability::operation`]).
    pub operation: String,
    /// The name of its tool, if it is one.
    pub name: String,
    /// What it does to the world, as the policy has it.
    pub effect: Effect,
    /// What became of it.
    pub standing: Standing,
    /// The rules of the policy file that match it, by their index, in order.
    pub rules: Vec<usize>,
}

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is a tool.
    Tool,
    /// Its effect is above what becomes a tool.
    HeldBack,
    /// This rule excludes it.
    Excluded(usize),
    /// `include` and `exclude` of the command line leave it out.
    Deselected,
}

/// The offers with what became of each.
pub(super) fn offered(offers: &[Offer<'_>], standings: &[Standing]) -> Vec<Offered> {
    let all = offers.iter().zip(standings);
    all.map(|(offer, standing)| Offered {
        source: offer.catalog.source.clone(),
        operation: offer.capability.operation.clone(),
        name: offer.name.clone(),
        effect: offer.capability.effect,
        standing: *standing,
        rules: offer.ruling.touched.clone(),
    })
    .collect()
}
