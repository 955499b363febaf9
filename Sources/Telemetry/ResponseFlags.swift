/// Envoy's response flags: why a request ended as it did, for people who know them from Envoy's logs. The bits stand in
/// the order in which Envoy prints them.
@frozen @usableFromInline
package struct ResponseFlags: OptionSet, Hashable, Sendable {
    @usableFromInline package let rawValue: UInt32

    @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// LH: the local health check failed.
    package static let localHealth = ResponseFlags(rawValue: 1 << 0)
    /// UH: no host of the cluster may be chosen.
    package static let noHealthyUpstream = ResponseFlags(rawValue: 1 << 1)
    /// UT: the request's or the attempt's time was up.
    package static let upstreamTimeout = ResponseFlags(rawValue: 1 << 2)
    /// LR: reset by this proxy.
    package static let localReset = ResponseFlags(rawValue: 1 << 3)
    /// UR: reset by the upstream.
    package static let upstreamReset = ResponseFlags(rawValue: 1 << 4)
    /// UF: no connection to the upstream.
    package static let upstreamConnectFailure = ResponseFlags(rawValue: 1 << 5)
    /// UC: the upstream closed the connection.
    package static let upstreamClosed = ResponseFlags(rawValue: 1 << 6)
    /// UO: a circuit breaker's limit was reached.
    package static let upstreamOverflow = ResponseFlags(rawValue: 1 << 7)
    /// NR: no route.
    package static let noRoute = ResponseFlags(rawValue: 1 << 8)
    /// DI: a delay was injected.
    package static let delayInjected = ResponseFlags(rawValue: 1 << 9)
    /// FI: an abort was injected.
    package static let faultInjected = ResponseFlags(rawValue: 1 << 10)
    /// RL: rate-limited.
    package static let rateLimited = ResponseFlags(rawValue: 1 << 11)
    /// UAEX: denied by the external authorizer.
    package static let unauthorized = ResponseFlags(rawValue: 1 << 12)
    /// RLSE: the rate limit service failed.
    package static let rateLimitServiceError = ResponseFlags(rawValue: 1 << 13)
    /// DC: the client went away.
    package static let downstreamClosed = ResponseFlags(rawValue: 1 << 14)
    /// URX: no retry was left.
    package static let retriesExhausted = ResponseFlags(rawValue: 1 << 15)
    /// SI: the stream was idle for too long.
    package static let streamIdle = ResponseFlags(rawValue: 1 << 16)
    /// IH: a header that the strict check refuses.
    package static let invalidHeader = ResponseFlags(rawValue: 1 << 17)
    /// DPE: the client broke the protocol.
    package static let downstreamProtocol = ResponseFlags(rawValue: 1 << 18)
    /// UMSDR: the upstream stream lived too long.
    package static let upstreamMaxDuration = ResponseFlags(rawValue: 1 << 19)
    /// DT: the downstream stream or connection lived too long.
    package static let downstreamMaxDuration = ResponseFlags(rawValue: 1 << 22)
    /// UPE: the upstream broke the protocol.
    package static let upstreamProtocol = ResponseFlags(rawValue: 1 << 23)
    /// NC: the route names a cluster that is not there.
    package static let noCluster = ResponseFlags(rawValue: 1 << 24)
    /// OM: the overload manager ended it.
    package static let overloaded = ResponseFlags(rawValue: 1 << 25)
    /// DF: a name did not resolve.
    package static let resolutionFailure = ResponseFlags(rawValue: 1 << 26)
    /// DR: the client reset the stream.
    package static let downstreamReset = ResponseFlags(rawValue: 1 << 28)

    /// The short names, a name a bit.
    static let names: [String] = [
        "LH", "UH", "UT", "LR", "UR", "UF", "UC", "UO", "NR", "DI", "FI", "RL", "UAEX", "RLSE", "DC", "URX", "SI", "IH",
        "DPE", "UMSDR", "RFCF", "NFCF", "DT", "UPE", "NC", "OM", "DF", "DO", "DR", "UDO",
    ]

    /// The short names joined by commas, `-` without any: what `%RESPONSE_FLAGS%` prints.
    package var text: String {
        if isEmpty { return "-" }
        var text = ""
        for (bit, name) in Self.names.enumerated() where rawValue & (1 << UInt32(bit)) != 0 {
            if !text.isEmpty { text += "," }
            text += name
        }
        return text
    }
}

// MARK: - Eight bits for metric keys

extension ResponseFlags {
    /// Flags that come along with another one, and so have a bit of their own in `index`.
    @usableFromInline static var companions: UInt32 { 1 << 15 | 1 << 9 | 1 << 14 }

    /// A metric key's form: five bits for the first flag (0: none) and a bit each for URX, DI and DC beside it. A second
    /// flag that is none of those three is left out, which keeps the number of series small.
    @inlinable package var index: UInt8 {
        let first = rawValue & ~Self.companions
        var index: UInt8 = first == 0 ? 0 : UInt8(truncatingIfNeeded: first.trailingZeroBitCount &+ 1)
        if rawValue & (1 << 15) != 0 { index |= 1 << 5 }
        if rawValue & (1 << 9) != 0 { index |= 1 << 6 }
        if rawValue & (1 << 14) != 0 { index |= 1 << 7 }
        return index
    }

    /// The flags behind an index.
    package init(index: UInt8) {
        var bits: UInt32 = 0
        let first = index & 31
        if first != 0 { bits = 1 << UInt32(first - 1) }
        if index & 1 << 5 != 0 { bits |= 1 << 15 }
        if index & 1 << 6 != 0 { bits |= 1 << 9 }
        if index & 1 << 7 != 0 { bits |= 1 << 14 }
        self.init(rawValue: bits)
    }
}
