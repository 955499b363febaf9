/// When a failed attempt may be followed by another. Source: Istio's `retries`, Envoy's retry conditions.
package struct RetryPolicy: Hashable, Sendable {
    /// The tokens of `retryOn`.
    package struct Conditions: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let connectFailure = Conditions(rawValue: 1 << 0)
        package static let refusedStream = Conditions(rawValue: 1 << 1)
        package static let reset = Conditions(rawValue: 1 << 2)
        package static let resetBeforeRequest = Conditions(rawValue: 1 << 3)
        package static let gatewayError = Conditions(rawValue: 1 << 4)
        package static let serverError = Conditions(rawValue: 1 << 5)
        package static let retriable4xx = Conditions(rawValue: 1 << 6)
        package static let retriableStatusCodes = Conditions(rawValue: 1 << 7)
        package static let envoyRatelimited = Conditions(rawValue: 1 << 8)
        package static let grpcCancelled = Conditions(rawValue: 1 << 9)
        package static let grpcDeadlineExceeded = Conditions(rawValue: 1 << 10)
        package static let grpcInternal = Conditions(rawValue: 1 << 11)
        package static let grpcResourceExhausted = Conditions(rawValue: 1 << 12)
        package static let grpcUnavailable = Conditions(rawValue: 1 << 13)
        package static let retriableHeaders = Conditions(rawValue: 1 << 14)
    }

    /// Attempts beyond the first; 0: none.
    package var attempts: Int
    package var conditions: Conditions
    package var statusCodes: [UInt16]
    package var perTryTimeoutMilliseconds: Int?
    /// The base of the back-off, 25 unless the rule says otherwise.
    package var backoffMilliseconds: Int
    package var ignoresPreviousHosts: Bool
    package var triesRemoteLocalities: Bool
    /// Whether a rule named its own conditions: only then is a request that is not idempotent sent again after bytes left.
    package var isExplicit: Bool

    package init(
        attempts: Int, conditions: Conditions, statusCodes: [UInt16] = [], perTryTimeoutMilliseconds: Int? = nil,
        backoffMilliseconds: Int = 25, ignoresPreviousHosts: Bool = true, triesRemoteLocalities: Bool = false,
        isExplicit: Bool = false
    ) {
        self.attempts = attempts
        self.conditions = conditions
        self.statusCodes = statusCodes
        self.perTryTimeoutMilliseconds = perTryTimeoutMilliseconds
        self.backoffMilliseconds = backoffMilliseconds
        self.ignoresPreviousHosts = ignoresPreviousHosts
        self.triesRemoteLocalities = triesRemoteLocalities
        self.isExplicit = isExplicit
    }

    /// No retries.
    package static let none = RetryPolicy(attempts: 0, conditions: [])

    /// What Istio gives a route without `retries`.
    package static let istioDefault = RetryPolicy(
        attempts: 2, conditions: [.connectFailure, .refusedStream, .grpcUnavailable, .grpcCancelled])

    /// What Istio gives a sidecar's inbound routes.
    package static let istioInboundDefault = RetryPolicy(attempts: 2, conditions: [.resetBeforeRequest])
}
