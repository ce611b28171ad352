//! What rules make of schemas and controls.
