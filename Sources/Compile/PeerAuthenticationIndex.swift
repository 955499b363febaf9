import Istio

/// Whether workloads take mutual TLS: PeerAuthentications, put together for a workload and port.
///
/// The workload's own goes before its namespace's, and that before the mesh's in the root namespace; on each level the oldest
/// counts, and `UNSET` leaves it to the level above. Without any, both kinds of connections are taken.
struct PeerAuthenticationIndex {
    private var byNamespace: [String: PeerAuthentication] = [:]
    private var withSelector: [String: [PeerAuthentication]] = [:]
    private let rootNamespace: String

    init(_ inputs: Inputs, proxy: ProxyResource) {
        rootNamespace = proxy.meshConfig.rootNamespace
        for authentication in inputs.peerAuthentications {
            let namespace = authentication.metadata.namespace
            if authentication.selector?.isEmpty ?? true {
                if byNamespace[namespace] == nil { byNamespace[namespace] = authentication }
            } else if namespace != rootNamespace {
                withSelector[namespace, default: []].append(authentication)
            }
        }
    }

    /// What holds, and what says so; nil: nothing does, and the default does.
    struct Verdict {
        var mode: PeerAuthentication.Mode
        var source: PeerAuthentication?
    }

    /// - Parameter port: the workload's own, not a service's.
    func verdict(namespace: String, labels: [String: String], port: Int) -> Verdict {
        let own = withSelector[namespace]?.first { labels.contains($0.selector ?? [:]) }
        if let own, let mode = own.portLevelMtls[port], mode != .unset { return Verdict(mode: mode, source: own) }
        if let own, own.mode != .unset { return Verdict(mode: own.mode, source: own) }
        return verdict(namespace: namespace)
    }

    /// What holds for a namespace at large.
    func verdict(namespace: String) -> Verdict {
        for level in [namespace, rootNamespace] {
            if let found = byNamespace[level], found.mode != .unset { return Verdict(mode: found.mode, source: found) }
        }
        return Verdict(mode: .permissive, source: nil)
    }
}
