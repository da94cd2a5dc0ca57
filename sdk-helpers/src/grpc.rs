//! What Envoy gives a gRPC client in place of an HTTP status.

/// The `grpc-status` of an answer that has an HTTP status alone: Envoy's `Grpc::Utility::httpToGrpcStatus`,
/// which is gRPC's own table (`http-grpc-status-mapping.md`).
pub fn status_of_http(status: u32) -> u32 {
    match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::status_of_http;

    #[test]
    fn a_refusal_keeps_its_meaning_and_anything_else_is_unknown() {
        assert_eq!(status_of_http(403), 7);
        assert_eq!(status_of_http(429), status_of_http(503));
        assert_eq!(status_of_http(200), 2);
        assert_eq!(status_of_http(418), 2);
    }
}
