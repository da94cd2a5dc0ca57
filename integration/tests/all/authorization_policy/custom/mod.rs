//! CUSTOM policies beside Envoy's own `ext_authz` filter, in one Envoy and with one authorization
//! service: it is asked the same, its answer does the same to the upstream and to the client.

mod grpc;
mod http;
mod proto;
mod rig;
