//! Placeholder until the attributes land.
