//! Runs a plan many times and reduces the simulations to a diagnosis.
