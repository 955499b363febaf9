import Clusters
import Routing
import Wire

/// What Compile hands to Control, and Control to the workers: one configuration, complete, in plain values. Equal inputs give
/// equal plans.
package struct Plan: Hashable, Sendable {
    package var identity: ProxyIdentity
    package var listeners: [ListenerSpec]
    /// Listeners refer to them by index.
    package var routeConfigurations: [RouteConfigurationSpec]
    /// Routes refer to them by index.
    package var clusters: [ClusterSpec]
    package var settings: ProxySettings

    package init(
        identity: ProxyIdentity, listeners: [ListenerSpec] = [], routeConfigurations: [RouteConfigurationSpec] = [],
        clusters: [ClusterSpec] = [], settings: ProxySettings = ProxySettings()
    ) {
        self.identity = identity
        self.listeners = listeners
        self.routeConfigurations = routeConfigurations
        self.clusters = clusters
        self.settings = settings
    }
}

/// Who this proxy is, for labels, logs and selectors.
package struct ProxyIdentity: Hashable, Sendable {
    package enum Mode: String, Sendable { case sidecar, gateway }

    package var name: String
    package var namespace: String
    package var mode: Mode
    package var labels: [String: String]
    package var serviceAccount: String
    package var locality: String
    package var clusterDomain: String

    package init(
        name: String, namespace: String, mode: Mode, labels: [String: String] = [:], serviceAccount: String = "",
        locality: String = "", clusterDomain: String = "cluster.local"
    ) {
        self.name = name
        self.namespace = namespace
        self.mode = mode
        self.labels = labels
        self.serviceAccount = serviceAccount
        self.locality = locality
        self.clusterDomain = clusterDomain
    }
}

/// One address that is listened on.
package struct ListenerSpec: Hashable, Sendable {
    /// Which rules of header handling apply, and who reports metrics.
    package enum Role: String, Sendable, CaseIterable { case gateway, outbound, inbound, proxyPort }

    /// `http.80`, `outbound|80`, `inbound|9000`, `http_proxy`.
    package var name: String
    package var address: SocketAddress
    package var role: Role
    /// At least one. Their order matters to nobody: `chain(for:)` takes the most specific.
    package var chains: [ChainSpec]
    /// The port that rules and labels speak of; the address may have another.
    package var servicePort: Int
    /// Where it comes from, `file:line`.
    package var origin: String

    package init(
        name: String, address: SocketAddress, role: Role, chains: [ChainSpec], servicePort: Int, origin: String = ""
    ) {
        self.name = name
        self.address = address
        self.role = role
        self.chains = chains
        self.servicePort = servicePort
        self.origin = origin
    }

    /// A listener that takes every connection for plain HTTP.
    package init(
        name: String, address: SocketAddress, role: Role, routeConfiguration: Int, servicePort: Int, origin: String = ""
    ) {
        self.init(
            name: name, address: address, role: role,
            chains: [ChainSpec(name: "http", action: .http(routes: routeConfiguration), origin: origin)],
            servicePort: servicePort, origin: origin)
    }

    /// The table of its first chain that speaks HTTP, as an index into `Plan.routeConfigurations`; -1: none does.
    package var routeConfiguration: Int {
        for chain in chains { if case .http(let routes) = chain.action { return routes } }
        return -1
    }
}

/// What a Proxy resource says of the process itself.
package struct ProxySettings: Hashable, Sendable {
    /// 0: one a core. Needs a restart.
    package var workers: Int
    /// Needs a restart.
    package var admin: SocketAddress?
    package var pathNormalization: PathNormalization
    /// `meshConfig.accessLogFile`: empty is off, `/dev/stdout` is stdout.
    package var accessLogFile: String
    /// `gatewayTopology.numTrustedProxies`.
    package var trustedProxies: Int
    /// `meshConfig.protocolDetectionTimeout`: how long a listener waits for the first bytes that it must inspect; then they count as
    /// plain and not HTTP. 0: as long as it takes.
    package var protocolDetectionTimeoutMilliseconds: Int

    package init(
        workers: Int = 0, admin: SocketAddress? = nil, pathNormalization: PathNormalization = .base,
        accessLogFile: String = "", trustedProxies: Int = 0, protocolDetectionTimeoutMilliseconds: Int = 0
    ) {
        self.workers = workers
        self.admin = admin
        self.pathNormalization = pathNormalization
        self.accessLogFile = accessLogFile
        self.trustedProxies = trustedProxies
        self.protocolDetectionTimeoutMilliseconds = protocolDetectionTimeoutMilliseconds
    }
}
