/// Istio's DestinationRule: `networking.istio.io`, `v1`, `v1beta1` or `v1alpha3`.
package struct DestinationRule: Hashable, Sendable {
    package var metadata: Metadata
    package var host = ""
    @Boxed package var trafficPolicy: TrafficPolicy? = nil
    package var subsets: [Subset] = []
    package var exportTo: [String] = []
    /// `workloadSelector.matchLabels`; nil: no selector.
    package var workloadSelector: [String: String]?

    package init(metadata: Metadata = Metadata()) { self.metadata = metadata }
}

/// `subsets[]`: the endpoints that carry these labels.
package struct Subset: Hashable, Sendable {
    package var name = ""
    package var labels: [String: String] = [:]
    @Boxed package var trafficPolicy: TrafficPolicy? = nil
    package var location = SourceLocation()

    package init() {}
}

/// `trafficPolicy`. The blocks travel as units: a port's or subset's block replaces the whole block above it.
package struct TrafficPolicy: Hashable, Sendable {
    package struct PortLevel: Hashable, Sendable {
        /// `port.number`: the service's port.
        package var port = 0
        package var loadBalancer: LoadBalancer?
        package var connectionPool: ConnectionPool?
        package var outlierDetection: OutlierDetection?
        package var tls: ClientTLS?
        package var location = SourceLocation()

        package init() {}
    }

    package struct Tunnel: Hashable, Sendable {
        package var `protocol` = ""
        package var targetHost = ""
        package var targetPort = 0
        package var location = SourceLocation()

        package init() {}
    }

    package struct RetryBudget: Hashable, Sendable {
        /// nil: 20.
        package var percent: Double?
        /// nil: 3.
        package var minRetryConcurrency: Int?
        package var budgetIntervalMilliseconds: Int?
        package var location = SourceLocation()

        package init() {}
    }

    package var loadBalancer: LoadBalancer?
    package var connectionPool: ConnectionPool?
    package var outlierDetection: OutlierDetection?
    package var tls: ClientTLS?
    package var portLevelSettings: [PortLevel] = []
    package var tunnel: Tunnel?
    /// `proxyProtocol.version`: `V1` or `V2`.
    package var proxyProtocol: String?
    package var retryBudget: RetryBudget?
    package var location = SourceLocation()

    package init() {}
}

/// `loadBalancer`.
package struct LoadBalancer: Hashable, Sendable {
    package enum Simple: String, Hashable, Sendable {
        case unspecified = "UNSPECIFIED"
        case leastRequest = "LEAST_REQUEST"
        /// An old name of `LEAST_REQUEST`.
        case leastConn = "LEAST_CONN"
        case roundRobin = "ROUND_ROBIN"
        case random = "RANDOM"
        /// Not yet honoured.
        case passthrough = "PASSTHROUGH"
    }

    package struct Locality: Hashable, Sendable {
        package struct Distribute: Hashable, Sendable {
            package var from = ""
            package var to: [String: Int] = [:]
            package var location = SourceLocation()

            package init() {}
        }

        package struct Failover: Hashable, Sendable {
            package var from = ""
            package var to = ""
            package var location = SourceLocation()

            package init() {}
        }

        /// nil: true.
        package var enabled: Bool?
        package var distribute: [Distribute] = []
        package var failover: [Failover] = []
        package var failoverPriority: [String] = []
        package var location = SourceLocation()

        package init() {}
    }

    package struct Warmup: Hashable, Sendable {
        package var durationMilliseconds: Int?
        package var minimumPercent: Double?
        package var aggression: Double?
        package var location = SourceLocation()

        package init() {}
    }

    /// nil: `LEAST_REQUEST`.
    package var simple: Simple?
    /// Not yet honoured.
    package var consistentHash: ConsistentHash?
    /// Not yet honoured.
    package var localityLbSetting: Locality?
    /// Whether `zoneAwareLbSetting` has `failover`. Not yet honoured.
    package var hasZoneFailover = false
    /// Not yet honoured.
    package var warmup: Warmup?
    /// The old spelling of `warmup.duration`. Not yet honoured.
    package var warmupDurationSecsMilliseconds: Int?
    package var location = SourceLocation()

    package init() {}
}

/// `consistentHash`: not yet honoured.
package struct ConsistentHash: Hashable, Sendable {
    package struct Cookie: Hashable, Sendable {
        package var name = ""
        package var path = ""
        package var ttlMilliseconds: Int?
        /// `attributes[]`: names and values, in their order.
        package var attributes: [HeaderValue] = []

        package init() {}
    }

    package enum Key: Hashable, Sendable {
        case header(String)
        case cookie(Cookie)
        case sourceIP
        case queryParameter(String)
    }

    package enum Algorithm: Hashable, Sendable {
        case ringHash(minimumRingSize: Int?)
        case maglev(tableSize: Int?)
    }

    package var key: Key?
    package var algorithm: Algorithm = .ringHash(minimumRingSize: nil)
    /// `minimumRingSize` stands beside `ringHash` rather than in it, as it used to.
    package var usesOldRingSize = false
    package var location = SourceLocation()

    package init() {}
}

/// `connectionPool`. In integer fields 0 and nil mean unset.
package struct ConnectionPool: Hashable, Sendable {
    package struct Keepalive: Hashable, Sendable {
        package var probes: Int?
        package var timeMilliseconds: Int?
        package var intervalMilliseconds: Int?

        package init() {}
    }

    package struct HTTP2Keepalive: Hashable, Sendable {
        package var intervalMilliseconds: Int?
        package var timeoutMilliseconds: Int?

        package init() {}
    }

    package struct TCP: Hashable, Sendable {
        package var maxConnections: Int?
        package var connectTimeoutMilliseconds: Int?
        /// An empty block switches keep-alive on with the system's times.
        package var tcpKeepalive: Keepalive?
        /// nil: connections live as long as they are used.
        package var maxConnectionDurationMilliseconds: Int?
        /// 0: never.
        package var idleTimeoutMilliseconds: Int?
        package var location = SourceLocation()

        package init() {}
    }

    package struct HTTP: Hashable, Sendable {
        package var http1MaxPendingRequests: Int?
        package var http2MaxRequests: Int?
        package var maxRequestsPerConnection: Int?
        package var maxRetries: Int?
        package var idleTimeoutMilliseconds: Int?
        /// `DEFAULT` or empty (as the mesh says), `DO_NOT_UPGRADE` or `UPGRADE`.
        package var h2UpgradePolicy = ""
        /// Goes before `h2UpgradePolicy`.
        package var useClientProtocol = false
        /// Only where the destination is spoken to in HTTP/2.
        package var maxConcurrentStreams: Int?
        /// Only where the destination is spoken to in HTTP/2.
        package var http2KeepAlive: HTTP2Keepalive?
        package var location = SourceLocation()

        package init() {}
    }

    package var tcp: TCP?
    package var http: HTTP?
    package var location = SourceLocation()

    package init() {}
}

/// `outlierDetection`. nil in a field: Envoy's default.
package struct OutlierDetection: Hashable, Sendable {
    /// nil: 5; 0: off.
    package var consecutive5xxErrors: Int?
    /// nil or 0: off.
    package var consecutiveGatewayErrors: Int?
    /// Used only with `splitExternalLocalOriginErrors`.
    package var consecutiveLocalOriginFailures: Int?
    package var splitExternalLocalOriginErrors = false
    package var intervalMilliseconds: Int?
    package var baseEjectionTimeMilliseconds: Int?
    package var maxEjectionPercent: Int?
    package var minHealthPercent: Int?
    /// Not yet honoured.
    package var outlierDetectionHttpErrorCodes: [Int] = []
    package var location = SourceLocation()

    package init() {}
}

/// `trafficPolicy.tls`: TLS towards the destination. Paths are complete, as in `ServerTLS`.
package struct ClientTLS: Hashable, Sendable {
    package enum Mode: String, Hashable, Sendable {
        case disable = "DISABLE"
        case simple = "SIMPLE"
        case mutual = "MUTUAL"
        case istioMutual = "ISTIO_MUTUAL"
    }

    package var mode: Mode = .disable
    package var clientCertificate = ""
    package var privateKey = ""
    package var caCertificates = ""
    package var caCrl = ""
    package var credentialName = ""
    package var subjectAltNames: [String] = []
    package var sni = ""
    package var insecureSkipVerify: Bool?
    package var location = SourceLocation()

    package init() {}
}
