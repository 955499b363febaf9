import Clusters
import Istio
import Wire

/// The four blocks that hold for one port and subset. Blocks travel as units: nothing is merged inside one.
struct EffectivePolicy {
    var connectionPool: ConnectionPool?
    var loadBalancer: LoadBalancer?
    var outlierDetection: OutlierDetection?
    var tls: ClientTLS?
    var retryBudget: TrafficPolicy.RetryBudget?

    /// - Parameters:
    ///   - port: the service's port.
    ///   - subset: nil: the whole service.
    init(_ rule: DestinationRule?, port: Int, subset: Subset?) {
        if let policy = rule?.trafficPolicy {
            if !takeAll(of: policy, port: port) {
                connectionPool = policy.connectionPool
                loadBalancer = policy.loadBalancer
                outlierDetection = policy.outlierDetection
                tls = policy.tls
                retryBudget = policy.retryBudget
            }
        }
        guard let policy = subset?.trafficPolicy else { return }
        connectionPool = policy.connectionPool ?? connectionPool
        loadBalancer = policy.loadBalancer ?? loadBalancer
        outlierDetection = policy.outlierDetection ?? outlierDetection
        tls = policy.tls ?? tls
        retryBudget = policy.retryBudget ?? retryBudget
        _ = takeAll(of: policy, port: port)
    }

    /// A port's entry replaces all blocks, those that it leaves out included.
    private mutating func takeAll(of policy: TrafficPolicy, port: Int) -> Bool {
        guard let level = policy.portLevelSettings.first(where: { $0.port == port }) else { return false }
        connectionPool = level.connectionPool
        loadBalancer = level.loadBalancer
        outlierDetection = level.outlierDetection
        tls = level.tls
        return true
    }

    // MARK: - Into a cluster

    /// Writes the policy into a cluster, with the mesh's values under it.
    func apply(to cluster: inout ClusterSpec, mesh: MeshConfig) {
        cluster.connectTimeoutMilliseconds =
            connectionPool?.tcp?.connectTimeoutMilliseconds ?? mesh.connectTimeoutMilliseconds
            ?? Limits.connectTimeoutMilliseconds
        Self.apply(connectionPool, to: &cluster, mesh: mesh)
        switch loadBalancer?.simple {
        case .roundRobin: cluster.balancer = .roundRobin
        case .random: cluster.balancer = .random
        case nil, .unspecified, .leastRequest, .leastConn, .passthrough: cluster.balancer = .leastRequest
        }
        cluster.outlier = outlierDetection.map(Self.outlier)
        guard let retryBudget else { return }
        // A budget takes the place of `maxRetries`.
        cluster.limits.retriesMax = Limits.unlimited
        let percent = retryBudget.percent ?? 20
        cluster.retryBudget = RetryBudget(
            percent: percent > 0 ? UInt16(min(percent, 100)) : 0,
            concurrencyMin: UInt32(clamping: retryBudget.minRetryConcurrency ?? 3), isConfigured: true)
    }

    /// What endpoints of a service's port are spoken to in, under a client's settings.
    static func speaks(
        _ speaks: PortProtocol, _ pool: ConnectionPool.HTTP?, mesh: MeshConfig, isGateway: Bool
    ) -> UpstreamProtocol {
        if pool?.useClientProtocol == true { return .asClient }
        let declared: UpstreamProtocol =
            switch speaks {
            case .http2, .grpc, .grpcWeb: .http2
            case .auto: isGateway ? .http1 : .asClient
            default: .http1
            }
        return switch pool?.h2UpgradePolicy {
        case "UPGRADE": .http2
        case "DO_NOT_UPGRADE": declared
        default: mesh.upgradesToHTTP2 && speaks.isHTTP ? .http2 : declared
        }
    }

    /// `connectionPool` alone, as inbound clusters take it.
    static func apply(_ pool: ConnectionPool?, to cluster: inout ClusterSpec, mesh: MeshConfig) {
        /// 0 and negative numbers mean unset.
        func limit(_ value: Int?) -> Int { value.flatMap { $0 > 0 ? $0 : nil } ?? Limits.unlimited }
        cluster.limits = ClusterLimits(
            connectionsMax: limit(pool?.tcp?.maxConnections), pendingMax: limit(pool?.http?.http1MaxPendingRequests),
            requestsMax: limit(pool?.http?.http2MaxRequests), retriesMax: limit(pool?.http?.maxRetries))
        cluster.idleTimeoutMilliseconds =
            pool?.http?.idleTimeoutMilliseconds ?? pool?.tcp?.idleTimeoutMilliseconds
            ?? Limits.upstreamIdleTimeoutMilliseconds
        cluster.requestsPerConnectionMax = max(pool?.http?.maxRequestsPerConnection ?? 0, 0)
        cluster.connectionDurationMaxMilliseconds = max(pool?.tcp?.maxConnectionDurationMilliseconds ?? 0, 0)
        if let streams = pool?.http?.maxConcurrentStreams, streams > 0 { cluster.streamsMax = streams }
        cluster.http2Keepalive = pool?.http?.http2KeepAlive.map {
            HTTP2Keepalive(
                intervalMilliseconds: $0.intervalMilliseconds ?? 0, timeoutMilliseconds: $0.timeoutMilliseconds ?? 0)
        }
        cluster.tcpKeepalive = keepalive(pool?.tcp?.tcpKeepalive, under: mesh.tcpKeepalive)
    }

    /// Field by field: the rule's, else the mesh's, else the system's. Parts of seconds count as whole ones.
    private static func keepalive(
        _ rule: ConnectionPool.Keepalive?, under mesh: ConnectionPool.Keepalive?
    ) -> TCPKeepalive? {
        guard rule != nil || mesh != nil else { return nil }
        func seconds(_ milliseconds: Int?) -> Int {
            milliseconds.map { max($0, 0) / 1000 + ($0 % 1000 > 0 ? 1 : 0) } ?? 0
        }
        return TCPKeepalive(
            probes: max(rule?.probes ?? mesh?.probes ?? 0, 0),
            timeSeconds: seconds(rule?.timeMilliseconds ?? mesh?.timeMilliseconds),
            intervalSeconds: seconds(rule?.intervalMilliseconds ?? mesh?.intervalMilliseconds))
    }

    /// Unset fields have Envoy's defaults.
    private static func outlier(_ rule: OutlierDetection) -> OutlierPolicy {
        var policy = OutlierPolicy()
        policy.consecutive5xx = rule.consecutive5xxErrors ?? policy.consecutive5xx
        policy.consecutiveGatewayErrors = rule.consecutiveGatewayErrors ?? policy.consecutiveGatewayErrors
        policy.splitsLocalFailures = rule.splitExternalLocalOriginErrors
        if let failures = rule.consecutiveLocalOriginFailures, policy.splitsLocalFailures, failures > 0 {
            policy.consecutiveLocalFailures = failures
        }
        policy.intervalMilliseconds = rule.intervalMilliseconds ?? policy.intervalMilliseconds
        policy.baseEjectionMilliseconds = rule.baseEjectionTimeMilliseconds ?? policy.baseEjectionMilliseconds
        if let percent = rule.maxEjectionPercent, percent > 0 { policy.ejectionPercentMax = min(percent, 100) }
        policy.minHealthPercent = rule.minHealthPercent ?? policy.minHealthPercent
        return policy
    }
}
