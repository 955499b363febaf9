import Wire

/// A cluster as requests read it: flat, copied by value, no reference in it.
package struct ClusterRecord: BitwiseCopyable, Sendable {
    package struct Flags: OptionSet, BitwiseCopyable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// `http2MaxRequests` is set: active requests are counted on the board. Without it the hot path leaves the board alone.
        package static let countsRequests = Flags(rawValue: 1 << 0)
        /// `maxConnections` is set: connection slots are shared between workers by hand-over.
        package static let limitsConnections = Flags(rawValue: 1 << 1)
        /// `outlierDetection` is set: failures are classified and posted.
        package static let detectsOutliers = Flags(rawValue: 1 << 2)
        /// `splitExternalLocalOriginErrors`.
        package static let splitsLocalFailures = Flags(rawValue: 1 << 3)
        /// Endpoints' weights differ.
        package static let isWeighted = Flags(rawValue: 1 << 4)
        /// `tcpKeepalive` is set; see `ClusterTable.keepalive(of:)`.
        package static let keepsAlive = Flags(rawValue: 1 << 5)
        /// Endpoints that are not marked plain are spoken to in TLS.
        package static let usesTLS = Flags(rawValue: 1 << 6)
        /// The name sent in TLS is the request's authority: connections are not shared between names.
        package static let namesRequests = Flags(rawValue: 1 << 7)
    }

    /// On the board, and in every worker's state; stable across generations.
    package var slot: Int32
    /// Endpoints are consecutive in the table.
    package var endpointStart: Int32
    package var endpointCount: Int32
    /// Changes when, and only when, the cluster's endpoints do.
    package var revision: UInt32
    package var balancer: BalancerKind
    package var flags: Flags
    package var speaks: UpstreamProtocol
    /// Tells TLS settings apart that connections were made with; 0: plain bytes.
    package var transport: UInt16
    /// Below this share of healthy endpoints all are used; 0: never.
    package var panicPercent: UInt8
    package var port: UInt16
    package var connectionsMax: UInt32
    package var pendingMax: UInt32
    package var requestsMax: UInt32
    package var retriesMax: UInt32
    package var retryBudget: RetryBudget
    package var connectTimeoutMilliseconds: Int
    /// 0: never.
    package var idleTimeoutMilliseconds: Int
    /// 0: unlimited.
    package var requestsPerConnectionMax: Int
    /// Requests under way on one HTTP/2 connection.
    package var streamsMax: UInt32
    /// 0: any age.
    package var connectionDurationMaxMilliseconds: Int
    /// For `ClusterTable.outlierPolicy(_:)`; -1: none.
    package var outlierIndex: Int32
}

/// An endpoint as requests read it.
package struct EndpointRecord: BitwiseCopyable, Sendable {
    package struct Flags: OptionSet, BitwiseCopyable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Not ready, as the configuration says: never chosen but in panic.
        package static let isUnhealthy = Flags(rawValue: 1 << 0)
        /// Sent plain bytes in a cluster with TLS.
        package static let isPlain = Flags(rawValue: 1 << 1)
    }

    /// On the board, and in every worker's state; stable across generations.
    package var slot: Int32
    /// 1 or more.
    package var weight: UInt32
    package var flags: Flags
    /// Index of the endpoint's specification within its cluster's `endpoints`.
    package var specIndex: Int32
    /// For `ClusterTable.locality(_:)`.
    package var localityIndex: Int32
    /// The index of its cluster in the table.
    package var cluster: Int32
}
