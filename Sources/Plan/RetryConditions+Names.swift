import Routing

extension RetryPolicy.Conditions {
    /// The tokens of `retryOn` in Istio's spelling.
    package static let tokens: [(name: String, condition: RetryPolicy.Conditions)] = [
        ("connect-failure", .connectFailure), ("refused-stream", .refusedStream), ("reset", .reset),
        ("reset-before-request", .resetBeforeRequest), ("gateway-error", .gatewayError), ("5xx", .serverError),
        ("retriable-4xx", .retriable4xx), ("retriable-status-codes", .retriableStatusCodes),
        ("retriable-headers", .retriableHeaders), ("envoy-ratelimited", .envoyRatelimited),
        ("cancelled", .grpcCancelled),
        ("deadline-exceeded", .grpcDeadlineExceeded), ("internal", .grpcInternal),
        ("resource-exhausted", .grpcResourceExhausted), ("unavailable", .grpcUnavailable),
    ]

    /// The tokens that are in the set, in the order of `tokens`.
    package var names: [String] { Self.tokens.filter { contains($0.condition) }.map(\.name) }
}
