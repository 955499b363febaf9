import Istio
import Plan
import Routing

/// A gateway's listeners: one for each real port, shared by the servers of all Gateways that select this workload. Plain HTTP servers
/// share one table; each server that ends TLS has its own, behind its server names.
struct GatewayPass {
    let proxy: ProxyResource
    let registry: ServiceRegistry
    let virtualServices: VirtualServiceIndex
    let compiler: RouteCompiler
    let planner: ListenerPlanner
    let streams: StreamRoutes
    let serverTLS: ServerTLSPass
    let catalog: ClusterCatalog
    let findings: Findings
    let servers: GatewayServers

    func run() {
        for port in servers.ports {
            let name =
                (port.isHTTP ? "http" : port.plain.isEmpty ? "https" : "tcp") + ".\(port.number)"
                + (port.bind.isEmpty ? "" : ".\(port.bind)")
            let chains = chains(of: port, named: name)
            let first = port.first
            guard !chains.isEmpty else {
                findings.warn(
                    first.server.location, first.id,
                    "no rule says where connections to port \(first.server.port.number) go: it is not listened on",
                    fix: "bind a VirtualService with tls or tcp rules to the Gateway")
                continue
            }
            planner.listen(
                name, ports: Self.unique([first.server.port.number, port.number]), bind: port.bind, fallback: "0.0.0.0",
                role: .gateway, chains: chains, servicePort: first.server.port.number,
                for: (first.id, first.server.location))
        }
    }

    private static func unique(_ ports: [Int]) -> [Int] { ports[0] == ports.last ? [ports[0]] : ports }

    // MARK: - Chains

    private func chains(of port: GatewayServers.RealPort, named name: String) -> [ChainSpec] {
        var chains = ChainList()
        // Server names that connections are passed on by: a name has one chain on a port.
        var claimed: Set<String> = []
        for entry in port.secure {
            switch entry.server.tls?.mode {
            case .passthrough: addPassthrough(entry, &claimed, to: &chains)
            case .autoPassthrough: addAutoPassthrough(entry, to: &chains)
            case nil: break
            default: addEnding(entry, to: &chains)
            }
        }
        guard let first = port.plain.first else { return chains.all }
        let isAlone = chains.all.isEmpty && port.secure.isEmpty
        if port.isHTTP {
            chains.add(
                ChainSpec(
                    name: "http", transport: isAlone ? .any : .plain,
                    action: .http(routes: planner.add(table(named: name, port.plain, port: port.number))),
                    origin: "\(first.server.location)"))
        } else if let route = streamRoute(of: first) {
            chains.add(
                ChainSpec(
                    name: "tcp", transport: isAlone ? .any : .plain, action: .tcp(route),
                    origin: "\(first.server.location)"))
        }
        return chains.all
    }

    /// TLS ends here: HTTP by a table of its own, other protocols by the first `tcp` rule.
    private func addEnding(_ entry: GatewayServers.Entry, to chains: inout ChainList) {
        guard let tls = entry.server.tls else { return }
        let place: ServerTLSPass.Place = (entry.id, tls.location, entry.place.what)
        if entry.speaks == .https {
            let routes = planner.add(table(named: entry.tableName, [entry], port: entry.server.port.number))
            chains.add(
                ChainSpec(
                    name: entry.tableName, serverNames: entry.serverNames, transport: .tls,
                    tls: serverTLS.settings(tls, alpn: ["h2", "http/1.1"], for: place), action: .http(routes: routes),
                    origin: "\(entry.server.location)"))
        } else if let route = streamRoute(of: entry) {
            let alpn = tls.mode == .istioMutual ? ["istio-peer-exchange", "h2", "http/1.1"] : []
            chains.add(
                ChainSpec(
                    name: "tls.\(entry.server.port.number).\(entry.server.port.name).\(entry.name)",
                    serverNames: entry.serverNames, transport: .tls,
                    tls: serverTLS.settings(tls, alpn: alpn, for: place), action: .tcp(route),
                    origin: "\(entry.server.location)"))
        }
    }

    /// The first `tcp` entry that holds for the server has it all. Hosts only bind the rules to the server.
    private func streamRoute(of entry: GatewayServers.Entry) -> TCPRouteSpec? {
        let port = entry.server.port.number
        for rules in bound(to: entry) {
            for rule in rules.tcp
            where rule.match.isEmpty
                || rule.match.contains(where: { streams.admits($0, gateway: entry.name, port: port) })
            {
                return streams.route(rule, port: port)
            }
        }
        findings.warn(
            entry.server.location, entry.id,
            "no tcp rule says where the connections of \(entry.place.what) go: they are closed",
            fix: "bind a VirtualService with tcp rules to the Gateway")
        return nil
    }

    /// One chain for each match of `tls` rules. A match with a server name that is taken is left out whole.
    private func addPassthrough(
        _ entry: GatewayServers.Entry, _ claimed: inout Set<String>, to chains: inout ChainList
    ) {
        let port = entry.server.port.number
        var isServed = false
        for rules in bound(to: entry) {
            for rule in rules.tls {
                for match in rule.match where streams.admits(match, gateway: entry.name, port: port) {
                    isServed = true
                    if let taken = match.sniHosts.first(where: claimed.contains) {
                        findings.warn(
                            match.location, rules.id,
                            "\(rule.provenance.rule): the server name \(taken) already has a rule on port \(port): this match is not used"
                        )
                        continue
                    }
                    claimed.formUnion(match.sniHosts)
                    chains.add(
                        ChainSpec(
                            name: "tls.\(match.sniHosts.joined(separator: ","))",
                            serverNames: OutboundStreams.names(match.sniHosts), transport: .tls,
                            destinations: streams.ranges(match), action: .tcp(streams.route(rule, port: port)),
                            origin: "\(match.location)"))
                }
            }
        }
        guard !isServed else { return }
        findings.warn(
            entry.server.location, entry.id,
            "no tls rule says where the connections of \(entry.place.what) go: they are closed",
            fix: "bind a VirtualService with tls rules to the Gateway")
    }

    /// The mesh's own mutual TLS, passed on by the server names that sidecars send.
    private func addAutoPassthrough(_ entry: GatewayServers.Entry, to chains: inout ChainList) {
        let hosts = entry.sanitized.map { host in
            host.firstIndex(of: "/").map { String(host[host.index(after: $0)...]) } ?? host
        }
        for service in registry.visible(from: proxy.metadata.namespace)
        where !service.isExternal && hosts.contains(where: { HostName.isSubset(service.hostname, of: $0) }) {
            for port in service.ports where port.isStream {
                for (name, cluster) in catalog.opaqueReferences(to: service, port: port) {
                    chains.add(
                        ChainSpec(
                            name: name, serverNames: [name], transport: .tls, alpn: MeshALPN.any,
                            action: .tcp(
                                TCPRouteSpec(
                                    destinations: [TCPRouteSpec.Destination(cluster: cluster)],
                                    idleTimeoutMilliseconds: catalog.silenceMilliseconds(of: service.hostname),
                                    provenance: Provenance(entry.id, at: entry.server.location))),
                            origin: "\(entry.server.location)"))
                }
            }
        }
    }

    /// The VirtualServices that may use the server, in evaluation order.
    private func bound(to entry: GatewayServers.Entry) -> [VirtualRules] {
        virtualServices.bound(to: entry.name).filter { rules in
            !HostSet(entry.hosts(for: rules.namespace)).intersection(rules.hosts).isEmpty
        }
    }

    // MARK: - Tables

    private func table(
        named name: String, _ servers: [GatewayServers.Entry], port: Int
    ) -> RouteConfigurationSpec {
        var hosts = HostTable()
        var compiled: [String: [RouteSpec]] = [:]
        for server in servers {
            let redirects = server.speaks.isHTTP && server.server.tls?.httpsRedirect ?? false
            var served: Set<String> = []
            var admitted: [String: HostSet] = [:]
            for rules in virtualServices.bound(to: server.name) {
                let admits = admitted[rules.namespace] ?? HostSet(server.hosts(for: rules.namespace))
                admitted[rules.namespace] = admits
                let effective = admits.intersection(rules.hosts)
                if effective.isEmpty { continue }
                // Once for each Gateway: a second server's port does not count.
                let key = "\(server.name) \(rules.id)"
                let scope = RouteScope(
                    gateway: server.name, matchPort: server.server.port.number, port: server.server.port.number,
                    prefersOnlyPort: true)
                let routes = compiled[key] ?? compiler.routes(of: rules, in: scope)
                compiled[key] = routes
                // Without a route the host stays unknown, unless it has to redirect.
                if routes.isEmpty, !redirects { continue }
                for host in effective {
                    hosts.add(host, routes, redirects, from: "\(key) \(host)", Provenance(rules.id, at: rules.location))
                    served.insert(host)
                }
            }
            guard redirects else { continue }
            // Hosts without rules redirect too; with a namespace before them they match nothing, as in Istio.
            for host in server.sanitized where !served.contains(host) && !host.contains("/") {
                hosts.add(host, [], true, from: "", Provenance(server.id, at: server.server.location))
            }
        }
        return RouteConfigurationSpec(name: name, virtualHosts: hosts.finished(port: port))
    }
}

/// Virtual hosts under construction: routes of several VirtualServices for one host are put one behind the other.
private struct HostTable {
    private var hosts: [VirtualHostSpec] = []
    private var positions: [String: Int] = [:]
    private var added: Set<String> = []

    /// - Parameter key: the same routes from the same Gateway come once; empty: no routes.
    mutating func add(
        _ host: String, _ routes: [RouteSpec], _ requiresTLS: Bool, from key: String, _ provenance: Provenance
    ) {
        let position =
            positions[host]
            ?? {
                hosts.append(VirtualHostSpec(name: host, domains: [host], routes: [], provenance: provenance))
                return hosts.count - 1
            }()
        positions[host] = position
        if requiresTLS { hosts[position].requiresTLS = true }
        if !key.isEmpty, added.insert(key).inserted { hosts[position].routes += routes }
    }

    /// Routes that take everything go to the end, in their order.
    func finished(port: Int) -> [VirtualHostSpec] {
        hosts.map { host in
            var host = host
            host.name += ":\(port)"
            host.routes = host.routes.filter { !$0.isCatchAll } + host.routes.filter(\.isCatchAll)
            return host
        }
    }
}
