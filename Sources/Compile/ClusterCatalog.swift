import Clusters
import Istio
import Routing
import Wire

/// The clusters that routes refer to: hands out an index at the first mention, and builds them all at the end, when the proxy's
/// own addresses are known.
final class ClusterCatalog {
    /// Indirect: it holds whole services and rules, and there are tens of thousands.
    private indirect enum Wanted {
        case service(MeshService, MeshService.Port, Subset?, DestinationRule?)
        /// The same, to be sent bytes that are TLS already.
        case opaque(MeshService, MeshService.Port, Subset?, DestinationRule?)
        case ready(ClusterSpec)
    }

    /// Where a destination is written, and in which rule.
    typealias Place = (location: SourceLocation, rule: Provenance)

    private let proxy: ProxyResource
    private let registry: ServiceRegistry
    private let destinationRules: DestinationRuleIndex
    private let resolver: EndpointResolver
    private let upstreamTLS: UpstreamTLS
    private let findings: Findings
    /// Services of the proxy's own scope, which go before what its namespace merely sees.
    private var imported: [String: MeshService] = [:]
    private var references: [String: ClusterReference] = [:]
    private var wanted: [(name: String, what: Wanted)] = []

    init(
        proxy: ProxyResource, registry: ServiceRegistry, destinationRules: DestinationRuleIndex,
        resolver: EndpointResolver, upstreamTLS: UpstreamTLS, findings: Findings
    ) {
        self.proxy = proxy
        self.registry = registry
        self.destinationRules = destinationRules
        self.resolver = resolver
        self.upstreamTLS = upstreamTLS
        self.findings = findings
    }

    /// From now on these services own their host names.
    func prefer(_ services: [MeshService]) {
        for service in services where imported[service.hostname] == nil { imported[service.hostname] = service }
    }

    /// The service that a destination's host means here; an ExternalName stands for its target.
    func service(_ hostname: String) -> MeshService? {
        let hostname = registry.resolve(hostname)
        return imported[hostname] ?? registry.owner(of: hostname, seenFrom: proxy.metadata.namespace)
    }

    /// A service's port without a subset.
    func reference(to service: MeshService, port: MeshService.Port) -> ClusterReference {
        let name = Self.name(service.hostname, port.number, "")
        if let known = references[name] { return known }
        let rule = destinationRules.rule(for: service.hostname, of: service.namespace)
        return add(name, .service(service, port, nil, rule), to: service)
    }

    /// A destination. What does not exist is told once for each place, and its requests get 503 `NC`.
    func reference(host: String, port: Int, subset: String, asked place: Place) -> ClusterReference {
        let name = Self.name(host, port, subset)
        if let known = references[name] {
            // Known to be missing: this place gets its own finding.
            guard case .unknown = known else { return known }
        }
        guard let service = service(host) else {
            if let target = registry.aliasTarget(of: host) {
                return missing(
                    name, place, "\(host) stands for \(target), which no service is called",
                    fix: "add a ServiceEntry for \(target)")
            }
            let isHidden = registry.isKnown(host)
            return missing(
                name, place,
                isHidden
                    ? "\(host) is not exported to namespace \(proxy.metadata.namespace)"
                    : "no service is called \(host)",
                fix: isHidden ? nil : "write the whole name, or add a Service or ServiceEntry")
        }
        guard let servicePort = service.port(port) else {
            let ports = service.ports.map { String($0.number) }.joined(separator: ", ")
            return missing(name, place, "\(host) has no port \(port)", fix: "it has \(ports.isEmpty ? "none" : ports)")
        }
        let rule = destinationRules.rule(for: service.hostname, of: service.namespace)
        guard !subset.isEmpty else { return add(name, .service(service, servicePort, nil, rule), to: service) }
        guard let found = rule?.subsets.first(where: { $0.name == subset }) else {
            return missing(
                name, place, "no DestinationRule that holds here defines subset '\(subset)' of \(host)",
                fix: rule.map { "\($0.metadata.id("DestinationRule")) is the one that holds" }
                    ?? "add a DestinationRule for \(host)")
        }
        return add(name, .service(service, servicePort, found, rule), to: service)
    }

    /// A service's port, and each of its subsets, for connections that are mutual TLS already and stay as they are
    /// (`AUTO_PASSTHROUGH`). Named as their server names are: `outbound_.PORT_.SUBSET_.HOST`.
    func opaqueReferences(to service: MeshService, port: MeshService.Port) -> [(name: String, ClusterReference)] {
        let rule = destinationRules.rule(for: service.hostname, of: service.namespace)
        return ([nil] + (rule?.subsets ?? [])).map { subset in
            let name = "outbound_.\(port.number)_.\(subset?.name ?? "")_.\(service.hostname)"
            return (name, references[name] ?? enter(name, .opaque(service, port, subset, rule)))
        }
    }

    /// How long a connection to the service may be silent: `tcp.idleTimeout` of its rule's top level, where alone Istio looks.
    func silenceMilliseconds(of host: String) -> Int {
        let service = service(host)
        let rule = service.flatMap { destinationRules.rule(for: $0.hostname, of: $0.namespace) }
        return rule?.trafficPolicy?.connectionPool?.tcp?.idleTimeoutMilliseconds ?? Self.silenceMilliseconds
    }

    /// Envoy's default: an hour.
    static let silenceMilliseconds = 3_600_000

    /// A cluster that is no service's: the way to the application behind an inbound port.
    func reference(to cluster: ClusterSpec) -> ClusterReference {
        references[cluster.name] ?? enter(cluster.name, .ready(cluster))
    }

    static func name(_ host: String, _ port: Int, _ subset: String) -> String { "outbound|\(port)|\(subset)|\(host)" }

    // MARK: - Building

    /// All clusters, in the order of their indices.
    ///
    /// - Parameters:
    ///   - outbound: where requests to services must not come back to.
    ///   - inbound: where requests to the application must not come back to.
    func build(outbound listeners: OwnAddresses, inbound: OwnAddresses) -> [ClusterSpec] {
        var cache: [String: [MeshEndpoint]] = [:]
        return wanted.map { name, what in
            switch what {
            case .ready(var cluster):
                let id = proxy.metadata.id("Proxy")
                cluster.endpoints.removeAll { isLoop($0, of: cluster.name, inbound, id, proxy.metadata.location) }
                return cluster
            case .service(let service, let port, let subset, let rule),
                .opaque(let service, let port, let subset, let rule):
                let key = Self.name(service.hostname, port.number, "")
                let all = cache[key] ?? resolver.endpoints(of: service, port: port)
                cache[key] = all
                var isOpaque = false
                if case .opaque = what { isOpaque = true }
                return build(name, service, port, subset, rule, all, listeners, isOpaque: isOpaque)
            }
        }
    }

    private func build(
        _ name: String, _ service: MeshService, _ port: MeshService.Port, _ subset: Subset?, _ rule: DestinationRule?,
        _ all: [MeshEndpoint], _ listeners: OwnAddresses, isOpaque: Bool
    ) -> ClusterSpec {
        let ruleID = rule?.metadata.id("DestinationRule")
        var endpoints = all
        if let subset, let ruleID {
            endpoints = all.filter { $0.labels.contains(subset.labels) }
            if endpoints.isEmpty, !all.isEmpty {
                findings.warn(
                    subset.location, ruleID,
                    "subset '\(subset.name)' selects none of the \(all.count) endpoints of \(service.hostname): its requests get 503",
                    fix:
                        "the labels are \(subset.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ","))"
                )
            }
        }
        endpoints.removeAll { isLoop($0.spec, of: name, listeners, service.id, service.location) }
        var cluster = ClusterSpec(
            name: name, host: service.hostname, port: port.number, subset: subset?.name ?? "",
            serviceName: service.name, serviceNamespace: service.namespace, endpoints: endpoints.map(\.spec),
            resolution: Self.resolution(service, endpoints), origin: "\(service.location)")
        let policy = EffectivePolicy(rule, port: port.number, subset: subset)
        policy.apply(to: &cluster, mesh: proxy.meshConfig)
        cluster.speaks = EffectivePolicy.speaks(
            port.speaks, policy.connectionPool?.http, mesh: proxy.meshConfig, isGateway: proxy.mode == .gateway)
        if let subset { cluster.origin = "\(subset.location)" }
        if !isOpaque {
            upstreamTLS.apply(policy.tls, of: rule, to: &cluster, service: service, port: port, endpoints: endpoints)
        }
        return cluster
    }

    private func isLoop(
        _ endpoint: EndpointSpec, of cluster: String, _ listeners: OwnAddresses, _ id: ResourceID,
        _ location: SourceLocation
    ) -> Bool {
        guard case .socket(let socket) = endpoint.address, let listener = listeners.loop(through: socket) else {
            return false
        }
        findings.warn(
            location, id,
            "the endpoint \(socket) of \(cluster) is this proxy's own listener \(listener): it is left out, since requests would go round in circles"
        )
        return true
    }

    /// `NONE` resolves like `DNS`: see `EndpointResolver`.
    private static func resolution(_ service: MeshService, _ endpoints: [MeshEndpoint]) -> Resolution {
        let hasNames = endpoints.contains {
            if case .name = $0.spec.address { true } else { false }
        }
        return hasNames ? (service.discovery == .dnsFirst ? .dnsFirst : .dns) : .fixed
    }

    private func add(_ name: String, _ what: Wanted, to service: MeshService) -> ClusterReference {
        if let known = references[name] { return known }
        // A wildcard without endpoints means wherever the client wants to go: the request's Host is all that says it.
        if service.discovery == .original, HostName.isWildcard(service.hostname),
            service.sources.allSatisfy({ $0.endpoints.isEmpty && $0.selector == nil })
        {
            references[name] = .passthrough
            return .passthrough
        }
        return enter(name, what)
    }

    private func enter(_ name: String, _ what: Wanted) -> ClusterReference {
        let reference = ClusterReference.index(wanted.count)
        wanted.append((name, what))
        references[name] = reference
        return reference
    }

    private func missing(_ name: String, _ place: Place, _ reason: String, fix: String?) -> ClusterReference {
        let location =
            place.location.line > 0
            ? place.location : SourceLocation(file: place.rule.file, line: place.rule.line)
        findings.warn(
            location, place.rule.id, "\(place.rule.rule): \(reason): requests get 503 (NC)", fix: fix)
        references[name] = .unknown(name)
        return .unknown(name)
    }
}
