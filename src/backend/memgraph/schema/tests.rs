//! The answers that Memgraph 3.6.2 gave, as objects.
