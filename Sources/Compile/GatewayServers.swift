import Istio

/// The HTTP servers that a gateway workload serves, by the real port that they land on.
struct GatewayServers {
    /// One entry of a Gateway's `servers`.
    struct Entry {
        /// `namespace/name` of the Gateway.
        var name: String
        var id: ResourceID
        var server: Server
        /// `hosts`, with `.` written out and `*/` taken away.
        var sanitized: [String]

        /// The hosts that a VirtualService of this namespace may use, lower case.
        func hosts(for namespace: String) -> [String] {
            sanitized.compactMap { entry in
                guard let slash = entry.firstIndex(of: "/") else { return entry }
                return entry[..<slash] == namespace ? String(entry[entry.index(after: slash)...]) : nil
            }
        }
    }

    /// Servers that share one socket.
    struct RealPort {
        var number: Int
        var bind: String
        var servers: [Entry]
    }

    /// Ordered by port and bind.
    private(set) var ports: [RealPort] = []

    private struct Key: Hashable {
        let port: Int
        let bind: String
    }

    /// What has been seen on one real port, whether served or not: it decides who may join.
    private struct State {
        var firstIsTCP = false
        var firstIsTLS = false
        /// Host strings of servers with a `tls` block.
        var secured: [String: String] = [:]
        var servers: [Entry] = []
    }

    init(_ inputs: Inputs, proxy: ProxyResource, registry: ServiceRegistry, findings: Findings) {
        var states: [Key: State] = [:]
        for gateway in inputs.gateways where proxy.metadata.labels.contains(gateway.selector) {
            let id = gateway.metadata.id("Gateway")
            for server in gateway.servers {
                let real = Self.realPort(server.port.number, inputs, proxy: proxy)
                let key = Key(port: real, bind: server.bind)
                let entry = Entry(
                    name: "\(gateway.metadata.namespace)/\(gateway.metadata.name)", id: id, server: server,
                    sanitized: Self.sanitize(server.hosts, namespace: gateway.metadata.namespace))
                if let reason = Self.admit(entry, to: &states[key, default: State()], key) {
                    findings.warn(server.location, id, reason)
                }
            }
        }
        ports = states.filter { !$0.value.servers.isEmpty }
            .map { RealPort(number: $0.key.port, bind: $0.key.bind, servers: $0.value.servers) }
            .sorted { ($0.number, $0.bind) < ($1.number, $1.bind) }
    }

    /// Adds the server, or says why not.
    private static func admit(_ entry: Entry, to state: inout State, _ key: Key) -> String? {
        let server = entry.server
        let speaks = server.port.portProtocol ?? .auto
        let what = "the server on port \(server.port.number)"
        if state.firstIsTCP { return "\(what) is left out: a TCP server has the port already" }
        guard speaks.isHTTP else {
            if !state.servers.isEmpty {
                return "\(what) is left out: plain HTTP servers have the port already"
            }
            if !speaks.isTLS { state.firstIsTCP = true } else { state.firstIsTLS = true }
            return "\(what) speaks \(server.port.protocol): only plain HTTP is served yet, it is not listened on"
        }
        if state.firstIsTLS {
            return "\(what) shares its port with a TLS server, which is not served yet: it is left out"
        }
        if server.tls != nil {
            if let host = entry.sanitized.first(where: { state.secured[$0] != nil }) {
                return
                    "\(what) is left out: its host \(host) already belongs to a server of Gateway \(state.secured[host] ?? "")"
            }
            for host in entry.sanitized { state.secured[host] = entry.name }
        }
        state.servers.append(entry)
        return nil
    }

    /// The port of this workload that a Service's port leads to; a proxy that no Service selects listens on the number itself.
    private static func realPort(_ number: Int, _ inputs: Inputs, proxy: ProxyResource) -> Int {
        for service in inputs.services
        where service.metadata.namespace == proxy.metadata.namespace && !service.selector.isEmpty
            && service.metadata.labels["experimental.istio.io/disable-gateway-port-translation"] == nil
            && proxy.metadata.labels.contains(service.selector)
        {
            guard let port = service.ports.first(where: { $0.port == number }) else { continue }
            switch port.targetPort {
            case nil: return number
            case .number(let target): return target
            case .name(let name):
                let own = inputs.pods.first {
                    $0.metadata.namespace == proxy.metadata.namespace && $0.metadata.name == proxy.metadata.name
                }
                return own?.ports.first { $0.name == name }?.containerPort ?? number
            }
        }
        return number
    }

    private static func sanitize(_ hosts: [String], namespace: String) -> [String] {
        let hosts = hosts.map { $0.lowercased() }
        if hosts.contains("*/*") { return ["*"] }
        return hosts.map { host in
            if host.hasPrefix("./") { return namespace + host.dropFirst() }
            return host.hasPrefix("*/") ? String(host.dropFirst(2)) : host
        }
    }
}
