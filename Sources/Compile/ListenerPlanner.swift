import Istio
import Plan
import Routing
import Wire

/// Collects listeners and their route configurations, and finds the real address of each port.
final class ListenerPlanner {
    private(set) var listeners: [ListenerSpec] = []
    private(set) var routeConfigurations: [RouteConfigurationSpec] = []
    private let proxy: ProxyResource
    private let findings: Findings
    private var taken: Set<SocketAddress> = []
    /// Ports for which entries of `listen` were used.
    private var moved: Set<Int> = []

    init(proxy: ProxyResource, findings: Findings) {
        self.proxy = proxy
        self.findings = findings
    }

    /// Adds a route configuration for listeners to come.
    func add(_ configuration: RouteConfigurationSpec) -> Int {
        routeConfigurations.append(configuration)
        return routeConfigurations.count - 1
    }

    /// Listens for a port: where the Proxy's `listen` says, else on `bind`, else on `fallback`.
    ///
    /// - Parameters:
    ///   - ports: under these numbers `listen` may speak of it: the first that has entries counts.
    ///   - fallback: an address without its port.
    func listen(
        _ name: String, ports: [Int], bind: String, fallback: String, role: ListenerSpec.Role, chains: [ChainSpec],
        servicePort: Int, for origin: (id: ResourceID, location: SourceLocation)
    ) {
        for address in addresses(ports, bind: bind, fallback: fallback, origin) {
            guard taken.insert(address).inserted else {
                findings.fail(
                    origin.location, origin.id, "\(address) is already listened on: listener \(name) is left out",
                    fix: "give it another port or bind, or an entry in the Proxy's spec.listen")
                continue
            }
            listeners.append(
                ListenerSpec(
                    name: name, address: address, role: role, chains: chains, servicePort: servicePort,
                    origin: "\(origin.location)"))
        }
    }

    /// The same for a table that takes every connection for plain HTTP.
    func listen(
        _ name: String, ports: [Int], bind: String, fallback: String, role: ListenerSpec.Role, routes: Int,
        servicePort: Int, for origin: (id: ResourceID, location: SourceLocation)
    ) {
        listen(
            name, ports: ports, bind: bind, fallback: fallback, role: role,
            chains: [ChainSpec(name: "http", action: .http(routes: routes), origin: "\(origin.location)")],
            servicePort: servicePort, for: origin)
    }

    /// Tells what of the Proxy's own words led to nothing.
    func finish() {
        let id = proxy.metadata.id("Proxy")
        for entry in proxy.listen where !moved.contains(entry.port) {
            findings.warn(
                entry.location, id, "listen: nothing is served on port \(entry.port), so \(entry.address) stays closed")
        }
        if proxy.mode == .gateway, proxy.meshConfig.proxyHttpPort != 0 {
            findings.warn(proxy.meshConfig.location, id, "proxyHttpPort is for sidecars: a gateway does not open it")
        }
        guard listeners.isEmpty else { return }
        findings.warn(
            proxy.metadata.location, id, "nothing is listened on",
            fix: proxy.mode == .gateway
                ? "add a Gateway whose selector is part of this Proxy's labels"
                : "set meshConfig.proxyHttpPort, or add a Sidecar with ingress or egress ports")
    }

    private func addresses(
        _ ports: [Int], bind: String, fallback: String, _ origin: (id: ResourceID, location: SourceLocation)
    ) -> [SocketAddress] {
        for port in ports {
            let entries = proxy.listen.filter { $0.port == port }
            if entries.isEmpty { continue }
            moved.insert(port)
            return entries.compactMap { entry in
                if let address = SocketAddress(entry.address) { return address }
                findings.fail(
                    entry.location, proxy.metadata.id("Proxy"), "listen: '\(entry.address)' is no address",
                    fix: "write IP:port")
                return nil
            }
        }
        let host = bind.isEmpty ? fallback : bind
        if host.hasPrefix("unix:"), let socket = SocketAddress(host) { return [socket] }
        if let port = ports.last.flatMap({ UInt16(exactly: $0) }), port > 0,
            let socket = SocketAddress(host: host, port: port)
        {
            return [socket]
        }
        findings.fail(
            origin.location, origin.id, "'\(host)' port \(ports.last ?? 0) is no address that can be listened on",
            fix: "bind takes an IP address or unix:// and a path")
        return []
    }
}
