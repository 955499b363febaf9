import Istio
import Plan
import Routing

/// A gateway's listeners: one table for each real port, shared by the HTTP servers of all Gateways that select this
/// workload.
struct GatewayPass {
    let proxy: ProxyResource
    let registry: ServiceRegistry
    let virtualServices: VirtualServiceIndex
    let compiler: RouteCompiler
    let planner: ListenerPlanner
    let findings: Findings
    let servers: GatewayServers

    func run() {
        for port in servers.ports {
            let name = "http.\(port.number)" + (port.bind.isEmpty ? "" : ".\(port.bind)")
            let routes = planner.add(table(named: name, port))
            let first = port.servers[0]
            planner.listen(
                name, ports: Self.unique([first.server.port.number, port.number]), bind: port.bind, fallback: "0.0.0.0",
                role: .gateway, routes: routes, servicePort: first.server.port.number,
                for: (first.id, first.server.location))
        }
    }

    private static func unique(_ ports: [Int]) -> [Int] { ports[0] == ports.last ? [ports[0]] : ports }

    // MARK: - The table

    private func table(named name: String, _ port: GatewayServers.RealPort) -> RouteConfigurationSpec {
        var hosts = HostTable()
        var compiled: [String: [RouteSpec]] = [:]
        for server in port.servers {
            let redirects = server.server.tls?.httpsRedirect ?? false
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
        return RouteConfigurationSpec(name: name, virtualHosts: hosts.finished(port: port.number))
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
