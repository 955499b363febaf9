import Istio
import Plan

/// What one sidecar imports: its Sidecar resource, and behind each egress listener the services and VirtualServices
/// that it sees.
struct SidecarScope {
    /// One `egress` entry.
    struct Egress {
        /// nil: the listener of everything that has no port of its own.
        var listener: Sidecar.Egress?
        var services: [MeshService]
        var rules: [VirtualRules]
    }

    /// nil: no Sidecar resource selects this proxy.
    var sidecar: Sidecar?
    var egress: [Egress]
    var policy: OutboundTrafficPolicy.Mode
    /// Where unknown traffic goes instead of to its own destination.
    var egressProxy: Destination?

    init(_ inputs: Inputs, proxy: ProxyResource, registry: ServiceRegistry, virtualServices: VirtualServiceIndex) {
        sidecar = Self.select(inputs.sidecars, for: proxy)
        policy = sidecar?.outboundTrafficPolicy?.mode ?? proxy.meshConfig.outboundTrafficPolicy
        egressProxy = sidecar?.outboundTrafficPolicy?.egressProxy
        let namespace = proxy.metadata.namespace
        let rules = virtualServices.bound(to: HostName.mesh)
        let written: [Sidecar.Egress?] = sidecar?.egress ?? []
        let listeners = written.isEmpty ? [nil] : written
        let home = sidecar?.metadata.namespace ?? namespace
        egress = listeners.map { listener in
            let imports = Imports(listener?.hosts ?? ["*/*"], home: home)
            return Egress(
                listener: listener,
                services: registry.visible(from: namespace) { imports.admits($0.hostname, of: $0.namespace) },
                rules: imports.isEverything ? rules : rules.filter { imports.admitsAny($0.hosts, of: $0.namespace) })
        }
    }

    /// The egress listener that an explicit proxy port stands for: the one without a port.
    var catchAll: Egress { egress.first { $0.listener?.port == nil } ?? Egress(services: [], rules: []) }

    /// A selector in the proxy's namespace first, then one without there, then the root namespace's.
    private static func select(_ sidecars: [Sidecar], for proxy: ProxyResource) -> Sidecar? {
        let own = sidecars.filter { $0.metadata.namespace == proxy.metadata.namespace }
        let selecting = own.first { sidecar in
            sidecar.workloadSelector.map { proxy.metadata.labels.contains($0) } ?? false
        }
        return selecting ?? own.first { $0.workloadSelector == nil }
            ?? sidecars.first {
                $0.workloadSelector == nil && $0.metadata.namespace == proxy.meshConfig.rootNamespace
            }
    }
}

/// `egress[].hosts`.
private struct Imports {
    private var admitted: [(namespace: String, host: String)] = []
    private var refused: [(namespace: String, host: String)] = []

    init(_ hosts: [String], home: String) {
        for entry in hosts {
            guard let slash = entry.firstIndex(of: "/") else { continue }
            let host = entry[entry.index(after: slash)...].lowercased()
            switch entry[..<slash] {
            case "~": continue
            case ".": admitted.append((home, host))
            case let namespace where namespace.hasPrefix("~"): refused.append((String(namespace.dropFirst()), host))
            case let namespace: admitted.append((String(namespace), host))
            }
        }
    }

    var isEverything: Bool { refused.isEmpty && admitted.contains { $0.namespace == "*" && $0.host == "*" } }

    /// A service: its name lies within a pattern.
    func admits(_ host: String, of namespace: String) -> Bool {
        func covers(_ pattern: (namespace: String, host: String)) -> Bool {
            (pattern.namespace == "*" || pattern.namespace == namespace) && HostName.isSubset(host, of: pattern.host)
        }
        return admitted.contains(where: covers) && !refused.contains(where: covers)
    }

    /// A VirtualService: any of its hosts overlaps a pattern; then all of it is imported.
    func admitsAny(_ hosts: [String], of namespace: String) -> Bool {
        hosts.contains { host in
            admitted.contains {
                ($0.namespace == "*" || $0.namespace == namespace) && HostName.overlap(host, $0.host)
            }
                && !refused.contains {
                    ($0.namespace == "*" || $0.namespace == namespace) && HostName.isSubset(host, of: $0.host)
                }
        }
    }
}
