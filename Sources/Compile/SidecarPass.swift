import Istio
import Plan
import Routing

/// A sidecar's listeners: the proxy port, `Sidecar.egress` with ports, and `Sidecar.ingress`.
struct SidecarPass {
    let proxy: ProxyResource
    let inputs: Inputs
    let registry: ServiceRegistry
    let catalog: ClusterCatalog
    let planner: ListenerPlanner
    let findings: Findings
    let scope: SidecarScope
    let outbound: OutboundTable
    let streams: OutboundStreams
    let inbound: InboundPass

    func run() {
        for egress in scope.egress { catalog.prefer(egress.services) }
        let proxyPort = proxy.meshConfig.proxyHttpPort
        var hasOutbound = false
        if proxyPort != 0 {
            if let sidecar = scope.sidecar, scope.egress.allSatisfy({ $0.listener?.port != nil }) {
                findings.warn(
                    sidecar.metadata.location, sidecar.metadata.id("Sidecar"),
                    "every egress entry has a port, so that the proxy port \(proxyPort) sees no service",
                    fix: "end the list with an entry without port")
            }
            let routes = planner.add(outbound.build(named: "http_proxy", for: scope.catchAll, port: nil))
            planner.listen(
                "http_proxy", ports: [proxyPort], bind: "", fallback: "127.0.0.1", role: .proxyPort, routes: routes,
                servicePort: proxyPort, for: (proxy.metadata.id("Proxy"), proxy.meshConfig.location))
            hasOutbound = true
        }
        for egress in scope.egress where listen(to: egress) { hasOutbound = true }
        if hasOutbound { importClusters() }
        if let sidecar = scope.sidecar {
            for ingress in sidecar.ingress { inbound.listen(to: ingress, of: sidecar) }
        }
    }

    /// Every imported service has its clusters, whether a route names them or not: scripts and mirrors may.
    private func importClusters() {
        for egress in scope.egress {
            for service in egress.services {
                for port in service.ports where port.isStream { _ = catalog.reference(to: service, port: port) }
            }
        }
    }

    /// Whether there is now a listener for it.
    private func listen(to egress: SidecarScope.Egress) -> Bool {
        guard let listener = egress.listener, let port = listener.port, let sidecar = scope.sidecar else {
            return false
        }
        let id = sidecar.metadata.id("Sidecar")
        let speaks = port.portProtocol ?? .auto
        guard speaks != .udp else {
            findings.warn(listener.location, id, "egress port \(port.number) speaks UDP: it is not listened on")
            return false
        }
        // Without interception there is nothing to be redirected: whatever captureMode says, the port is bound.
        let isProxyPort = speaks == .httpProxy || listener.bind.hasPrefix("unix:")
        var name = isProxyPort ? "http_proxy|\(port.number)" : "outbound|\(port.number)"
        if !listener.bind.isEmpty { name += "|\(listener.bind)" }
        let place: OutboundStreams.Place = (id, listener.location)
        var chains: [ChainSpec] = []
        if speaks.isTLS, !isProxyPort {
            chains = streams.tlsChains(for: egress, port: port.number, at: place)
        } else if !speaks.isHTTP, !isProxyPort {
            chains = streams.tcpChains(for: egress, port: port.number, at: place)
        }
        if speaks.isHTTP || speaks == .auto || isProxyPort {
            let routes = planner.add(outbound.build(named: name, for: egress, port: isProxyPort ? nil : port.number))
            chains.insert(
                ChainSpec(
                    name: "http", application: chains.isEmpty ? .any : .http, action: .http(routes: routes),
                    origin: "\(listener.location)"), at: 0)
        }
        guard !chains.isEmpty else {
            findings.warn(
                listener.location, id,
                "egress port \(port.number): no imported service has this port, so that it is not listened on")
            return false
        }
        planner.listen(
            name, ports: [port.number], bind: listener.bind, fallback: "127.0.0.1",
            role: isProxyPort ? .proxyPort : .outbound, chains: chains, servicePort: port.number, for: place)
        return true
    }
}
