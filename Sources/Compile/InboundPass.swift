import Clusters
import Istio
import Plan
import Routing
import Wire

/// `Sidecar.ingress`: a port for peers, and the application behind it.
struct InboundPass {
    let proxy: ProxyResource
    let inputs: Inputs
    let registry: ServiceRegistry
    let catalog: ClusterCatalog
    let planner: ListenerPlanner
    let findings: Findings

    func listen(to ingress: Sidecar.Ingress, of sidecar: Sidecar) {
        let id = sidecar.metadata.id("Sidecar")
        let port = ingress.port
        let speaks = port.portProtocol ?? .auto
        guard speaks.isHTTP || speaks == .auto else {
            findings.warn(
                ingress.location, id,
                "ingress port \(port.number) speaks \(speaks.rawValue): only HTTP is served, it is not listened on")
            return
        }
        let provenance = Provenance(id, rule: "ingress", at: ingress.location)
        let cluster = catalog.reference(to: cluster(for: ingress, of: sidecar))
        let retry: RetryPolicy = speaks == .grpc || speaks == .grpcWeb ? .none : .istioInboundDefault
        let route = RouteSpec(
            name: "default",
            action: .forward(ForwardAction(destinations: [Routing.Destination(cluster: cluster)], retry: retry)),
            provenance: provenance)
        let name = "inbound|\(port.number)"
        let routes = planner.add(
            RouteConfigurationSpec(
                name: "\(name)||",
                virtualHosts: [
                    VirtualHostSpec(
                        name: "inbound|http|\(port.number)", domains: ["*"], routes: [route], provenance: provenance)
                ]))
        planner.listen(
            name, ports: [port.number], bind: ingress.bind, fallback: "0.0.0.0", role: .inbound, routes: routes,
            servicePort: port.number, for: (id, ingress.location))
    }

    // MARK: - The application

    private func cluster(for ingress: Sidecar.Ingress, of sidecar: Sidecar) -> ClusterSpec {
        let number = ingress.port.number
        let service = owner(of: number)
        var cluster = ClusterSpec(
            name: "inbound|\(number)||", host: service?.hostname ?? proxy.metadata.name, port: number,
            serviceName: service?.name ?? proxy.metadata.name,
            serviceNamespace: service?.namespace ?? proxy.metadata.namespace, origin: "\(ingress.location)")
        let labels = proxy.metadata.labels
        if let address = address(of: ingress, sidecar.metadata.id("Sidecar")) {
            cluster.endpoints = [
                EndpointSpec(
                    address: .socket(address), workload: proxy.metadata.name, app: labels["app"] ?? "",
                    version: labels["version"] ?? "")
            ]
        }
        EffectivePolicy.apply(
            ingress.connectionPool ?? sidecar.inboundConnectionPool, to: &cluster, mesh: proxy.meshConfig)
        return cluster
    }

    /// nil, with a finding: the endpoint is unusable.
    private func address(of ingress: Sidecar.Ingress, _ id: ResourceID) -> SocketAddress? {
        let own = inputs.pods.first {
            $0.metadata.name == proxy.metadata.name && $0.metadata.namespace == proxy.metadata.namespace
        }
        if ingress.defaultEndpoint.isEmpty {
            findings.warn(
                ingress.location, id,
                "ingress port \(ingress.port.number) has no defaultEndpoint, and without interception the connection's own destination is this listener: its requests get 503",
                fix: "set defaultEndpoint to 127.0.0.1 and the application's port")
            return nil
        }
        guard let address = SocketAddress(ingress.defaultEndpoint) else {
            findings.fail(
                ingress.location, id,
                "defaultEndpoint '\(ingress.defaultEndpoint)' is no address: its requests get 503",
                fix: "write 127.0.0.1:PORT or unix:///PATH")
            return nil
        }
        guard address.isUnspecified else { return address }
        // The workload's own address, as far as its Pod tells it.
        let host = own.map(\.ip).flatMap { $0.isEmpty ? nil : $0 } ?? "127.0.0.1"
        return SocketAddress(host: host, port: address.port)
    }

    /// The oldest service that selects this workload and leads to the port, by its target or by its own number.
    private func owner(of number: Int) -> MeshService? {
        let selecting = registry.services.filter { service in
            service.namespace == proxy.metadata.namespace
                && service.sources.contains { source in
                    source.selector.map { proxy.metadata.labels.contains($0) } ?? false
                }
        }
        return selecting.first { service in
            service.ports.contains { port in
                if case .number(let target) = port.target { target == number } else { port.number == number }
            }
        } ?? selecting.first { $0.port(number) != nil } ?? selecting.first
    }
}
