import TLS

/// How an attempt failed, told where it happened: what may be sent again depends on it.
struct CallFailure: Equatable {
    enum Kind: UInt8 {
        /// No endpoint could be chosen.
        case noHealthyUpstream
        /// A limit of the cluster is reached.
        case overflow
        /// The endpoint refused, or could not be reached.
        case connectFailure
        case connectTimeout
        /// The connection ended before the first byte of an answer.
        case closedBeforeHead
        /// The connection ended in the middle of an answer.
        case closedMidAnswer
        /// What the endpoint sent is no HTTP.
        case protocolError
        /// The endpoint takes no bytes.
        case writeStalled
        /// The per-try timeout expired.
        case perTryTimeout
        /// The name of a passthrough destination has no address.
        case resolveFailure
        /// The request's head outgrew what is sent; nothing of it was.
        case headTooLarge
        /// The endpoint did not begin with the request: it may be sent elsewhere without a doubt.
        case refusedStream
        /// The endpoint reset the request's stream before its answer.
        case streamReset
        /// TLS with the endpoint failed: see `tlsFault`.
        case tlsFailure
        /// The certificates for TLS with the endpoint cannot be used: nothing was sent.
        case tlsQuarantined
        /// The destination is one of this proxy's own listeners.
        case loop
    }

    var kind: Kind
    /// The system's error number, 0 without one.
    var errno: Int32 = 0
    /// Why TLS failed, of `tlsFailure`.
    var tlsFault: TLSFault?
    /// The connection had carried an answer before: its end may be an idle connection's.
    var wasReused = false
    /// Whether any byte of the request may have reached the endpoint.
    var sentBytes = false

    /// The sentence behind `reset reason: `.
    var reason: StaticString {
        switch kind {
        case .noHealthyUpstream: "no healthy upstream"
        case .overflow: "overflow"
        case .connectFailure: "remote connection failure"
        case .connectTimeout: "connection timeout"
        case .closedBeforeHead, .closedMidAnswer: "connection termination"
        case .protocolError: "protocol error"
        case .writeStalled: "local reset"
        case .perTryTimeout: "upstream request timeout"
        case .resolveFailure: "DNS resolution failure"
        case .refusedStream: "remote refused stream reset"
        case .streamReset: "remote reset"
        case .tlsFailure: "remote connection failure"
        case .tlsQuarantined: "local connection failure"
        case .loop: "local connection failure"
        case .headTooLarge: "local reset"
        }
    }
}
