//! A local mesh, running: what `mesh` translates, on real Envoys of one machine, with the policies that its objects say.

pub mod policies;
