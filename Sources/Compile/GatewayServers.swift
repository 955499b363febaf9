import Istio

/// The servers that a gateway workload serves, by the real port that they land on.
struct GatewayServers {
    /// One entry of a Gateway's `servers`.
    struct Entry {
        /// `namespace/name` of the Gateway.
        var name: String
        var id: ResourceID
        var server: Server
        /// `hosts`, with `.` written out and `*/` taken away.
        var sanitized: [String]

        var speaks: PortProtocol { server.port.portProtocol ?? .auto }

        /// The name of the table that an HTTPS server has to itself: `https.PORT.PORTNAME.GATEWAY.NAMESPACE`.
        var tableName: String {
            "https.\(server.port.number).\(server.port.name).\(id.name).\(id.namespace)"
        }

        var place: (id: ResourceID, location: SourceLocation, what: String) {
            (id, server.location, "server \(server.port.name) on port \(server.port.number)")
        }

        /// Server names that the server takes, sorted; empty: any, also none.
        var serverNames: [String] {
            let names = sanitized.map { entry in
                entry.firstIndex(of: "/").map { String(entry[entry.index(after: $0)...]) } ?? entry
            }
            return names.contains("*") ? [] : Set(names).sorted()
        }

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
        /// What plain connections are: servers of one kind, HTTP or bytes.
        var plain: [Entry]
        /// Told apart by server name, in their order.
        var secure: [Entry]

        var isHTTP: Bool { plain.first?.speaks.isHTTP ?? false }
        var first: Entry { plain.first ?? secure[0] }
    }

    /// Ordered by port and bind.
    private(set) var ports: [RealPort] = []

    private struct Key: Hashable {
        let port: Int
        let bind: String
    }

    /// What is served on one real port, which decides who may join.
    private struct State {
        var plain: [Entry] = []
        var secure: [Entry] = []
        /// Host strings of servers with a `tls` block, and whose they are.
        var secured: [String: String] = [:]
        /// Names of the tables of HTTPS servers.
        var tables: Set<String> = []
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
        ports = states.filter { !$0.value.plain.isEmpty || !$0.value.secure.isEmpty }
            .map {
                RealPort(number: $0.key.port, bind: $0.key.bind, plain: $0.value.plain, secure: $0.value.secure)
            }
            .sorted { ($0.number, $0.bind) < ($1.number, $1.bind) }
    }

    /// Adds the server, or says why not. The table of who may share a port is Istio's (`mergeGateways`).
    private static func admit(_ entry: Entry, to state: inout State, _ key: Key) -> String? {
        let server = entry.server
        let what = "the server on port \(server.port.number)"
        let isSecure = entry.speaks.isTLS
        if entry.speaks == .udp { return "\(what) speaks UDP, which no proxy serves: it is left out" }
        if let first = state.plain.first {
            if !first.speaks.isHTTP { return "\(what) is left out: a TCP server has the port already" }
            if isSecure || !entry.speaks.isHTTP {
                return "\(what) is left out: plain HTTP servers have the port already"
            }
        }
        if server.tls != nil, let host = entry.sanitized.first(where: { state.secured[$0] != nil }) {
            return
                "\(what) is left out: its host \(host) already belongs to a server of Gateway \(state.secured[host] ?? "")"
        }
        if entry.speaks == .https, !state.tables.insert(entry.tableName).inserted {
            return "\(what) is left out: the Gateway has another HTTPS server with the port's name"
        }
        if !isSecure, state.plain.isEmpty, state.secure.contains(where: { $0.serverNames.isEmpty }) {
            return
                "\(what) is left out: a TLS server with host * has the port already, and both would take every connection"
        }
        if server.tls != nil { for host in entry.sanitized { state.secured[host] = entry.name } }
        if isSecure { state.secure.append(entry) } else { state.plain.append(entry) }
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
