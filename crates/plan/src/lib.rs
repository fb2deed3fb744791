//! A declared design, compiled to a plan that does one simulation.
