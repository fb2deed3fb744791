//! Tests of the whole program: errors, golden files, reference values, theory.
