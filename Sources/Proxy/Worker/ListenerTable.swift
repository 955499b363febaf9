import Clusters
import Plan
import TLS

/// A generation's listeners, chains and TLS contexts as connections read them: flat, found by position.
///
/// @unchecked Sendable: nothing changes after init.
final class ListenerTable: @unchecked Sendable {
    struct Listener {
        var role: ListenerSpec.Role
        var servicePort: Int
        /// What must be seen of a connection before a chain can be chosen.
        var inspection: Inspection
        /// Every connection is plain HTTP: nothing is looked at.
        var isPlainHTTP: Bool
        /// Position of its first chain.
        var firstChain: Int
    }

    struct Chain {
        /// Of `Plan.routeConfigurations`; -1: bytes are passed on.
        var routes: Int
        /// Ends TLS. Without a context the chain is quarantined.
        var isTLS: Bool
        unowned(unsafe) var context: TLSServerContext?
        /// Of `tcpRoutes`; -1: HTTP.
        var tcpRoute: Int
    }

    let specs: [ListenerSpec]
    private(set) var listeners: [Listener] = []
    private(set) var chains: [Chain] = []
    private(set) var tcpRoutes: [TCPRouteSpec] = []
    /// By cluster; nil: no TLS, or quarantined.
    let clientContexts: [TLSClientContext?]
    private let contexts: TLSContexts

    init(_ plan: Plan, contexts: TLSContexts) {
        specs = plan.listeners
        self.contexts = contexts
        clientContexts = plan.clusters.map { cluster in cluster.tls.flatMap { contexts.clients[$0] } }
        for spec in plan.listeners {
            let only = spec.chains.count == 1 ? spec.chains[0] : nil
            var isPlainHTTP = false
            if let only, only.tls == nil, spec.inspects.isNothing, case .http = only.action { isPlainHTTP = true }
            listeners.append(
                Listener(
                    role: spec.role, servicePort: spec.servicePort, inspection: spec.inspects,
                    isPlainHTTP: isPlainHTTP, firstChain: chains.count))
            for chain in spec.chains { add(chain) }
        }
    }

    private func add(_ spec: ChainSpec) {
        var chain = Chain(
            routes: -1, isTLS: spec.tls != nil, context: spec.tls.flatMap { contexts.servers[$0] }, tcpRoute: -1)
        switch spec.action {
        case .http(let routes): chain.routes = routes
        case .tcp(let route):
            chain.tcpRoute = tcpRoutes.count
            tcpRoutes.append(route)
        }
        chains.append(chain)
    }

    /// The chain for a connection of a listener, as a position in `chains`; -1: none takes it.
    func chain(listener: Int, for facts: ConnectionFacts) -> Int {
        // The only chain, which finds out by itself whether it understands the connection.
        if listeners[listener].inspection.isNothing { return listeners[listener].firstChain }
        guard let chain = specs[listener].chain(for: facts) else { return -1 }
        return listeners[listener].firstChain + chain
    }
}
