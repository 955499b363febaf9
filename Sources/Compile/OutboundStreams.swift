import Istio
import Plan
import Routing
import Wire

/// A sidecar's egress ports that do not speak HTTP: TLS by server name, and bytes.
///
/// Nothing is intercepted, so that a connection's own destination is the listener: what Istio tells by a service's virtual address
/// is told by server name here, and unknown connections are closed whatever `outboundTrafficPolicy` says, for nobody knows where
/// they were going.
struct OutboundStreams {
    let proxy: ProxyResource
    let registry: ServiceRegistry
    let streams: StreamRoutes
    let findings: Findings

    typealias Place = (id: ResourceID, location: SourceLocation)

    // MARK: - TLS

    /// Chains by server name for each service with the port. A service whose rules have no match for this proxy takes its own name;
    /// the only service of a port takes any name.
    func tlsChains(for egress: SidecarScope.Egress, port: Int, at place: Place) -> [ChainSpec] {
        let services = Self.services(of: egress, port)
        let index = RulesByHost(egress.rules)
        var chains = ChainList()
        for service in services {
            var isRuled = false
            for rules in index.overlapping(service.hostname) {
                for rule in rules.tls {
                    for match in rule.match where streams.admits(match, gateway: HostName.mesh, port: port) {
                        isRuled = true
                        chains.add(
                            ChainSpec(
                                name: match.sniHosts.joined(separator: ","), serverNames: Self.names(match.sniHosts),
                                transport: .tls, destinations: streams.ranges(match),
                                action: .tcp(streams.route(rule, port: port)), origin: "\(match.location)"))
                    }
                }
            }
            guard !isRuled, let own = service.port(port) else { continue }
            let isAlone = services.count == 1
            chains.add(
                ChainSpec(
                    name: service.hostname, serverNames: isAlone ? [] : names(of: service),
                    transport: isAlone ? .any : .tls, action: .tcp(streams.defaultRoute(to: service, port: own)),
                    origin: "\(service.location)"))
        }
        return chains.all
    }

    /// Server names by which clients may call a service: its host, its aliases, and the short forms of a Kubernetes service.
    private func names(of service: MeshService) -> [String] {
        var domains = VirtualHostDomains(proxy: proxy, fullNames: [])
        return Self.names(
            domains.claim(service, aliases: registry.aliases(of: service.hostname), port: nil)
                .filter { !$0.hasPrefix("[") && !$0.hasSuffix(".") && SocketAddress(host: $0, port: 0) == nil })
    }

    /// Names as a chain has them: with a plain `*` among them any name will do.
    static func names(_ hosts: [String]) -> [String] {
        hosts.contains("*") ? [] : Set(hosts).sorted()
    }

    // MARK: - Bytes

    /// Chains of the first service with the port: an address that several share tells nobody which of them is meant.
    func tcpChains(for egress: SidecarScope.Egress, port: Int, at place: Place) -> [ChainSpec] {
        let services = Self.services(of: egress, port)
        guard let service = services.first, let own = service.port(port) else { return [] }
        if services.count > 1 {
            findings.warn(
                place.location, place.id,
                "\(services.count) services have port \(port), and bytes do not say which they are for: all go to \(service.hostname), the oldest",
                fix: "name the one that is meant in the entry's hosts, and give each its own entry and bind")
        }
        var chains = ChainList()
        for rules in RulesByHost(egress.rules).overlapping(service.hostname) {
            for rule in rules.tcp {
                let matches = rule.match.filter { streams.admits($0, gateway: HostName.mesh, port: port) }
                if matches.isEmpty, !rule.match.isEmpty { continue }
                let isFinal = matches.isEmpty || matches.contains { $0.destinationSubnets.isEmpty }
                chains.add(
                    ChainSpec(
                        name: rule.provenance.rule, destinations: isFinal ? [] : matches.flatMap(streams.ranges),
                        action: .tcp(streams.route(rule, port: port)),
                        origin: "\(rule.provenance.file):\(rule.provenance.line)"))
                if isFinal { return chains.all }
            }
        }
        chains.add(
            ChainSpec(
                name: "tcp", action: .tcp(streams.defaultRoute(to: service, port: own)), origin: "\(service.location)"))
        return chains.all
    }

    // MARK: - Who takes part

    private static func services(of egress: SidecarScope.Egress, _ port: Int) -> [MeshService] {
        egress.services.filter { $0.port(port)?.isStream ?? false }
    }
}

/// VirtualServices by their hosts, so that ten thousand of them are not asked about each of ten thousand services.
private struct RulesByHost {
    private let all: [VirtualRules]
    private var exact: [String: [Int]] = [:]
    private var wildcards = HostIndex<[Int]>()

    init(_ rules: [VirtualRules]) {
        all = rules
        for (index, rules) in rules.enumerated() {
            for host in rules.hosts {
                if HostName.isWildcard(host) {
                    wildcards[host, default: []].append(index)
                } else {
                    exact[host, default: []].append(index)
                }
            }
        }
    }

    /// Those of which some host overlaps with the name, in evaluation order.
    func overlapping(_ hostname: String) -> [VirtualRules] {
        guard !HostName.isWildcard(hostname) else {
            return all.filter { rules in rules.hosts.contains { HostName.overlap($0, hostname) } }
        }
        let found = (exact[hostname] ?? []) + wildcards.wildcards(covering: hostname).flatMap { $0 }
        return Set(found).sorted().map { all[$0] }
    }
}

/// Chains under construction: of two with the same conditions the first stays, and each has its own name.
struct ChainList {
    private struct Conditions: Hashable {
        var serverNames: [String]
        var destinations: [Subnet]
        var transport: ChainSpec.Transport
        var alpn: [String]
        var application: ChainSpec.Application
    }

    private(set) var all: [ChainSpec] = []
    private var taken: Set<Conditions> = []
    private var names: Set<String> = []

    /// Whether it was added.
    @discardableResult
    mutating func add(_ chain: ChainSpec) -> Bool {
        let conditions = Conditions(
            serverNames: chain.serverNames, destinations: chain.destinations, transport: chain.transport,
            alpn: chain.alpn, application: chain.application)
        guard taken.insert(conditions).inserted else { return false }
        var chain = chain
        let name = chain.name
        var number = 2
        while !names.insert(chain.name).inserted {
            chain.name = "\(name)#\(number)"
            number += 1
        }
        all.append(chain)
        return true
    }
}
