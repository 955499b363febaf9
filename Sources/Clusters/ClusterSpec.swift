import TLS
import Wire

// What Compile hands to Clusters: plain values. `ClusterTable` turns them into flat records with stable slots.

/// A destination as requests see it: one host, port and subset with its endpoints and policies.
package struct ClusterSpec: Hashable, Sendable {
    /// `outbound|PORT|SUBSET|HOST`, `inbound|PORT||`, `PassthroughCluster`: the stable identity, across generations.
    package var name: String
    /// For metrics' labels and messages.
    package var host: String
    package var port: Int
    package var subset: String
    /// The Kubernetes or ServiceEntry service behind it (`destination_service_name` and `_namespace`).
    package var serviceName: String
    package var serviceNamespace: String
    package var endpoints: [EndpointSpec]
    package var balancer: BalancerKind
    package var limits: ClusterLimits
    package var outlier: OutlierPolicy?
    package var connectTimeoutMilliseconds: Int
    /// 0: never.
    package var idleTimeoutMilliseconds: Int
    /// Requests that one connection carries before it is closed; 0: unlimited.
    package var requestsPerConnectionMax: Int
    /// nil: keep-alive off; otherwise TCP keep-alive with these parts (0: the system's).
    package var tcpKeepalive: TCPKeepalive?
    package var resolution: Resolution
    package var speaks: UpstreamProtocol
    /// TLS towards the endpoints; nil: plain bytes.
    package var tls: TLSClientSettings?
    /// `http.maxConcurrentStreams`: requests under way on one HTTP/2 connection.
    package var streamsMax: Int
    /// `http.http2KeepAlive`: PINGs on HTTP/2 connections; nil: none.
    package var http2Keepalive: HTTP2Keepalive?
    /// `tcp.maxConnectionDuration`: a connection older than that takes no more requests; 0: any age.
    package var connectionDurationMaxMilliseconds: Int
    /// `retryBudget`; retries have one even where no rule asks for it.
    package var retryBudget: RetryBudget
    /// Where the cluster comes from, `file:line`, for `explain`.
    package var origin: String

    package init(
        name: String, host: String, port: Int, subset: String = "", serviceName: String = "",
        serviceNamespace: String = "", endpoints: [EndpointSpec] = [], balancer: BalancerKind = .leastRequest,
        limits: ClusterLimits = ClusterLimits(), outlier: OutlierPolicy? = nil,
        connectTimeoutMilliseconds: Int = Limits.connectTimeoutMilliseconds,
        idleTimeoutMilliseconds: Int = Limits.upstreamIdleTimeoutMilliseconds, requestsPerConnectionMax: Int = 0,
        tcpKeepalive: TCPKeepalive? = nil, resolution: Resolution = .fixed, speaks: UpstreamProtocol = .http1,
        tls: TLSClientSettings? = nil, streamsMax: Int = Limits.http2UpstreamStreamsMax,
        http2Keepalive: HTTP2Keepalive? = nil, connectionDurationMaxMilliseconds: Int = 0,
        retryBudget: RetryBudget = RetryBudget(), origin: String = ""
    ) {
        self.name = name
        self.host = host
        self.port = port
        self.subset = subset
        self.serviceName = serviceName
        self.serviceNamespace = serviceNamespace
        self.endpoints = endpoints
        self.balancer = balancer
        self.limits = limits
        self.outlier = outlier
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.idleTimeoutMilliseconds = idleTimeoutMilliseconds
        self.requestsPerConnectionMax = requestsPerConnectionMax
        self.tcpKeepalive = tcpKeepalive
        self.resolution = resolution
        self.speaks = speaks
        self.tls = tls
        self.streamsMax = streamsMax
        self.http2Keepalive = http2Keepalive
        self.connectionDurationMaxMilliseconds = connectionDurationMaxMilliseconds
        self.retryBudget = retryBudget
        self.origin = origin
    }
}

/// What endpoints are spoken to in.
package enum UpstreamProtocol: UInt8, Hashable, BitwiseCopyable, Sendable {
    case http1
    /// HTTP/2 with prior knowledge, or by ALPN under TLS.
    case http2
    /// What the client of the request speaks.
    case asClient
}

package struct HTTP2Keepalive: Hashable, Sendable {
    package var intervalMilliseconds: Int
    package var timeoutMilliseconds: Int

    package init(intervalMilliseconds: Int, timeoutMilliseconds: Int) {
        self.intervalMilliseconds = intervalMilliseconds
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}

/// How a cluster's names become addresses.
package enum Resolution: Hashable, Sendable {
    /// All endpoints are addresses.
    case fixed
    /// Endpoint names are resolved; every answer is an endpoint.
    case dns
    /// Endpoint names are resolved; the first answer is the endpoint.
    case dnsFirst
}

package enum EndpointAddress: Hashable, Sendable {
    case socket(SocketAddress)
    /// A name for the resolver.
    case name(String, port: UInt16)
}

package struct EndpointSpec: Hashable, Sendable {
    package var address: EndpointAddress
    package var weight: Int
    /// `region/zone/subzone`, empty where unknown.
    package var locality: String
    /// Not ready as Kubernetes says: known and counted, never chosen.
    package var isUnhealthy: Bool
    /// In a cluster with TLS: this endpoint has no sidecar that ends it (automatic mutual TLS) and is sent plain bytes.
    package var isPlain: Bool
    /// The workload behind it (`destination_workload`…): name and labels `app`, `version`.
    package var workload: String
    package var app: String
    package var version: String

    package init(
        address: EndpointAddress, weight: Int = 1, locality: String = "", isUnhealthy: Bool = false,
        isPlain: Bool = false, workload: String = "", app: String = "", version: String = ""
    ) {
        self.address = address
        self.weight = weight
        self.locality = locality
        self.isUnhealthy = isUnhealthy
        self.isPlain = isPlain
        self.workload = workload
        self.app = app
        self.version = version
    }
}

package enum BalancerKind: String, Hashable, BitwiseCopyable, Sendable {
    case leastRequest = "LEAST_REQUEST"
    case roundRobin = "ROUND_ROBIN"
    case random = "RANDOM"
}

/// `connectionPool`: limits for the whole process.
package struct ClusterLimits: Hashable, Sendable {
    /// `tcp.maxConnections`.
    package var connectionsMax: Int
    /// `http.http1MaxPendingRequests`.
    package var pendingMax: Int
    /// `http.http2MaxRequests`: active requests.
    package var requestsMax: Int
    /// `http.maxRetries`: retries under way.
    package var retriesMax: Int

    package init(
        connectionsMax: Int = Limits.unlimited, pendingMax: Int = Limits.unlimited, requestsMax: Int = Limits.unlimited,
        retriesMax: Int = Limits.unlimited
    ) {
        self.connectionsMax = connectionsMax
        self.pendingMax = pendingMax
        self.requestsMax = requestsMax
        self.retriesMax = retriesMax
    }
}

package struct TCPKeepalive: Hashable, Sendable {
    package var probes: Int
    package var timeSeconds: Int
    package var intervalSeconds: Int

    package init(probes: Int = 0, timeSeconds: Int = 0, intervalSeconds: Int = 0) {
        self.probes = probes
        self.timeSeconds = timeSeconds
        self.intervalSeconds = intervalSeconds
    }
}

/// `outlierDetection`. A count of 0 switches that detector off.
package struct OutlierPolicy: Hashable, Sendable {
    package var consecutive5xx: Int
    package var consecutiveGatewayErrors: Int
    /// Only with `splitExternalLocalOriginErrors`.
    package var consecutiveLocalFailures: Int
    package var splitsLocalFailures: Bool
    package var intervalMilliseconds: Int
    package var baseEjectionMilliseconds: Int
    package var ejectionPercentMax: Int
    package var minHealthPercent: Int

    package init(
        consecutive5xx: Int = 5, consecutiveGatewayErrors: Int = 0, consecutiveLocalFailures: Int = 5,
        splitsLocalFailures: Bool = false, intervalMilliseconds: Int = 10_000, baseEjectionMilliseconds: Int = 30_000,
        ejectionPercentMax: Int = 10, minHealthPercent: Int = 0
    ) {
        self.consecutive5xx = consecutive5xx
        self.consecutiveGatewayErrors = consecutiveGatewayErrors
        self.consecutiveLocalFailures = consecutiveLocalFailures
        self.splitsLocalFailures = splitsLocalFailures
        self.intervalMilliseconds = intervalMilliseconds
        self.baseEjectionMilliseconds = baseEjectionMilliseconds
        self.ejectionPercentMax = ejectionPercentMax
        self.minHealthPercent = minHealthPercent
    }
}
