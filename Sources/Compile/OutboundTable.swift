import Istio
import Routing

/// One table of a sidecar's way out: for a listen port, or for a port that clients use as their HTTP proxy, where all
/// ports meet.
struct OutboundTable {
    let proxy: ProxyResource
    let registry: ServiceRegistry
    let catalog: ClusterCatalog
    let compiler: RouteCompiler
    let findings: Findings
    let scope: SidecarScope

    /// - Parameter port: the listen port; nil: the table of a proxy port.
    func build(named name: String, for egress: SidecarScope.Egress, port: Int?) -> RouteConfigurationSpec {
        let services = egress.services.filter { service in
            service.ports.contains { (port == nil || $0.number == port) && $0.isRouted }
        }
        var hosts = Hosts(
            domains: VirtualHostDomains(proxy: proxy, fullNames: Set(services.map(\.hostname))), registry: registry,
            isProxyPort: port == nil)
        let assignment = assign(egress.rules, to: services)
        for (index, rules) in egress.rules.enumerated() {
            add(rules, services: assignment.services[index], others: assignment.others[index], port, to: &hosts)
        }
        for service in services {
            for servicePort in service.ports where servicePort.isRouted && (port == nil || servicePort.number == port) {
                guard hosts.owner(of: service.hostname, servicePort.number) == nil else { continue }
                hosts.add(
                    service.hostname, service, servicePort.number,
                    [compiler.defaultRoute(to: service, port: servicePort)],
                    Provenance(service.id, at: service.location))
            }
        }
        return RouteConfigurationSpec(
            name: name, virtualHosts: hosts.all + [catchAll(port: port)], matchesPort: port == nil)
    }

    /// The virtual hosts of one VirtualService, on each port of its services.
    private func add(
        _ rules: VirtualRules, services: [MeshService], others: [String], _ port: Int?, to hosts: inout Hosts
    ) {
        let ports = port.map { [$0] } ?? Self.ports(of: services)
        if ports.isEmpty { warnUnserved(rules) }
        for group in ports {
            let members = services.filter { $0.port(group)?.isRouted ?? false }
            // A host that no service has is served on port 80 only.
            if members.isEmpty, port != 80 { continue }
            let routes = compiler.routes(of: rules, in: routeScope(port: port, group: group))
            // With no rule left its services keep their own route.
            if routes.isEmpty { continue }
            for (host, service) in members.map({ ($0.hostname, Optional($0)) }) + others.map({ ($0, nil) }) {
                if let owner = hosts.owner(of: host, group) {
                    if owner != rules.id { warnDuplicate(host, owner, rules) }
                } else {
                    hosts.add(host, service, group, routes, Provenance(rules.id, at: rules.location))
                }
            }
        }
    }

    /// The virtual hosts so far. A host and port has one, and a domain leads to the first that claimed it.
    private struct Hosts {
        private(set) var all: [VirtualHostSpec] = []
        private var owners: [String: ResourceID] = [:]
        private var domains: VirtualHostDomains
        private let registry: ServiceRegistry
        private let isProxyPort: Bool

        init(domains: VirtualHostDomains, registry: ServiceRegistry, isProxyPort: Bool) {
            self.domains = domains
            self.registry = registry
            self.isProxyPort = isProxyPort
        }

        /// Whose rules a host has on a port; nil: nobody's yet.
        func owner(of host: String, _ port: Int) -> ResourceID? { owners["\(host):\(port)"] }

        mutating func add(
            _ host: String, _ service: MeshService?, _ port: Int, _ routes: [RouteSpec], _ provenance: Provenance
        ) {
            let name = "\(host):\(port)"
            owners[name] = provenance.id
            let suffix = isProxyPort ? port : nil
            let claimed =
                service.map { domains.claim($0, aliases: registry.aliases(of: host), port: suffix) }
                ?? domains.claim(host, port: suffix)
            if claimed.isEmpty { return }
            all.append(VirtualHostSpec(name: name, domains: claimed, routes: routes, provenance: provenance))
        }
    }

    // MARK: - Whose hosts are whose

    /// For each VirtualService the services that its hosts mean, and its hosts that mean none. A service with an exact
    /// VirtualService belongs to no wildcard; of wildcards the longest has it.
    private func assign(
        _ rules: [VirtualRules], to services: [MeshService]
    ) -> (services: [[MeshService]], others: [[String]]) {
        var own = [[MeshService]](repeating: [], count: rules.count)
        var others = [[String]](repeating: [], count: rules.count)
        let byHostname = Dictionary(services.map { ($0.hostname, $0) }) { first, _ in first }
        var wildcards = HostIndex<[Int]>()
        var exact: Set<String> = []
        for (index, rule) in rules.enumerated() {
            for host in rule.hosts {
                if HostName.isWildcard(host) {
                    if wildcards[host]?.last != index { wildcards[host, default: []].append(index) }
                } else if let service = byHostname[host] {
                    exact.insert(service.hostname)
                    if !own[index].contains(where: { $0.hostname == service.hostname }) { own[index].append(service) }
                } else if !others[index].contains(host) {
                    others[index].append(host)
                }
            }
        }
        var matched: Set<String> = []
        for service in services where !exact.contains(service.hostname) {
            guard let (pattern, indices) = wildcards.mostSpecific(for: service.hostname) else { continue }
            for index in indices {
                own[index].append(service)
                matched.insert("\(index) \(pattern)")
            }
        }
        for (index, rule) in rules.enumerated() {
            for host in rule.hosts where HostName.isWildcard(host) && !matched.contains("\(index) \(host)") {
                if !others[index].contains(host) { others[index].append(host) }
            }
        }
        return (own, others)
    }

    /// The routed ports of all services, ascending.
    private static func ports(of services: [MeshService]) -> [Int] {
        Set(services.flatMap { $0.ports.filter(\.isRouted).map(\.number) }).sorted()
    }

    /// On a proxy port blocks with a port are dropped, and a destination's only port goes first. Where it has several, Istio
    /// makes it port 0, which never exists; here it is the port that the client named.
    private func routeScope(port: Int?, group: Int) -> RouteScope {
        RouteScope(gateway: HostName.mesh, matchPort: port, port: group, prefersOnlyPort: port == nil)
    }

    // MARK: - Everything else

    /// The last virtual host: what no service and no rule has.
    private func catchAll(port: Int?) -> VirtualHostSpec {
        let id = scope.sidecar?.metadata.id("Sidecar") ?? proxy.metadata.id("Proxy")
        let location = scope.sidecar?.metadata.location ?? proxy.meshConfig.location
        let provenance = Provenance(id, rule: "outboundTrafficPolicy", at: location)
        let name: String
        let action: RouteAction
        switch scope.policy {
        case .registryOnly:
            name = "block_all"
            action = .direct(DirectAction(status: 502))
        case .allowAny:
            name = "allow_any"
            var cluster = ClusterReference.passthrough
            if let destination = scope.egressProxy {
                let host = HostName.resolve(destination.host, namespace: id.namespace, domain: proxy.clusterDomain)
                let service = catalog.service(host)
                cluster = catalog.reference(
                    host: service?.hostname ?? host,
                    port: destination.port ?? service?.ports.first?.number ?? port ?? 80,
                    subset: destination.subset, asked: (destination.location, provenance))
            }
            action = .forward(ForwardAction(destinations: [Routing.Destination(cluster: cluster)], retry: .none))
        }
        return VirtualHostSpec(
            name: name, domains: ["*"], routes: [RouteSpec(name: name, action: action, provenance: provenance)],
            provenance: provenance)
    }

    private func warnDuplicate(_ host: String, _ owner: ResourceID, _ rules: VirtualRules) {
        findings.warn(
            rules.location, rules.id,
            "the host \(host) already has the rules of \(owner), which is older: these are not used for it",
            fix: "put all rules of a host into one VirtualService")
    }

    private func warnUnserved(_ rules: VirtualRules) {
        let hosts = rules.hosts.joined(separator: " or ")
        // Services that a wildcard covers may all have rules of their own.
        let reason =
            rules.hosts.contains(where: HostName.isWildcard)
            ? "no service is left for \(hosts)" : "no service is called \(hosts)"
        findings.warn(
            rules.location, rules.id, "\(reason): on a proxy port its rules are not used",
            fix: "add a Service or a ServiceEntry for it")
    }
}
