//! `mesh-filters mesh`: what the objects of tutorials do on real Envoys, with counts. Each test starts one mesh and goes
//! on by applying other objects to it.

mod balancing;
mod gateways;
mod identity;
mod outlier;
mod outside;
mod policies;
mod rolling;
mod routing;
mod rows;
mod running;
mod splits;
mod telemetry;
mod validate;
mod verbs;
