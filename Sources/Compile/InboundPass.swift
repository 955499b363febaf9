import Clusters
import Istio
import Plan
import Routing
import TLS
import Wire

/// `Sidecar.ingress`: a port for peers, and the application behind it. PeerAuthentication says whether peers speak mutual TLS.
struct InboundPass {
    let proxy: ProxyResource
    let inputs: Inputs
    let registry: ServiceRegistry
    let catalog: ClusterCatalog
    let planner: ListenerPlanner
    let serverTLS: ServerTLSPass
    let peers: PeerAuthenticationIndex
    let findings: Findings

    func listen(to ingress: Sidecar.Ingress, of sidecar: Sidecar) {
        let id = sidecar.metadata.id("Sidecar")
        let port = ingress.port
        guard port.portProtocol != .udp else {
            findings.warn(ingress.location, id, "ingress port \(port.number) speaks UDP: it is not listened on")
            return
        }
        let name = "inbound|\(port.number)"
        let cluster = catalog.reference(to: cluster(for: ingress, of: sidecar))
        var actions = Actions(place: (id, ingress.location, "ingress port \(port.number)"))
        let mode = mode(for: ingress, id)
        let ending = mode == .disable ? ingress.tls.flatMap { $0.endsTLS ? $0 : nil } : nil
        let speaks = port.portProtocol ?? .auto
        if speaks.isHTTP || speaks == .auto || (ending != nil && speaks == .https) {
            actions.http = .http(routes: planner.add(table(name, to: cluster, ingress, id)))
        }
        if !speaks.isHTTP {
            let silence = (ingress.connectionPool ?? sidecar.inboundConnectionPool)?.tcp?.idleTimeoutMilliseconds
            actions.tcp = .tcp(
                TCPRouteSpec(
                    destinations: [TCPRouteSpec.Destination(cluster: cluster)],
                    idleTimeoutMilliseconds: silence ?? ClusterCatalog.silenceMilliseconds,
                    provenance: Provenance(id, rule: "ingress", at: ingress.location)))
        }
        planner.listen(
            name, ports: [port.number], bind: ingress.bind, fallback: "0.0.0.0", role: .inbound,
            chains: chains(mode, ending, actions), servicePort: port.number, for: (id, ingress.location))
    }

    private func table(
        _ name: String, to cluster: ClusterReference, _ ingress: Sidecar.Ingress, _ id: ResourceID
    ) -> RouteConfigurationSpec {
        let provenance = Provenance(id, rule: "ingress", at: ingress.location)
        let speaks = ingress.port.portProtocol
        let retry: RetryPolicy = speaks == .grpc || speaks == .grpcWeb ? .none : .istioInboundDefault
        let route = RouteSpec(
            name: "default",
            action: .forward(ForwardAction(destinations: [Routing.Destination(cluster: cluster)], retry: retry)),
            provenance: provenance)
        return RouteConfigurationSpec(
            name: "\(name)||",
            virtualHosts: [
                VirtualHostSpec(
                    name: "inbound|http|\(ingress.port.number)", domains: ["*"], routes: [route],
                    provenance: provenance)
            ])
    }

    // MARK: - Who may come, and how

    /// What connections may become: HTTP, bytes, or either as they turn out.
    private struct Actions {
        var http: ChainSpec.Action?
        var tcp: ChainSpec.Action?
        let place: ServerTLSPass.Place

        func chain(
            _ name: String, _ action: ChainSpec.Action?, _ transport: ChainSpec.Transport = .any, alpn: [String] = [],
            _ application: ChainSpec.Application = .any, tls: TLSServerSettings? = nil
        ) -> ChainSpec? {
            action.map {
                ChainSpec(
                    name: name, transport: transport, alpn: alpn, application: application, tls: tls, action: $0,
                    origin: "\(place.location)")
            }
        }
    }

    /// `permissive` only where there is a certificate for it.
    private func mode(for ingress: Sidecar.Ingress, _ id: ResourceID) -> PeerAuthentication.Mode {
        let number = ingress.port.number
        let verdict = peers.verdict(
            namespace: proxy.metadata.namespace, labels: proxy.metadata.labels, port: number)
        var mode = verdict.mode
        if let tls = ingress.tls, mode != .disable {
            findings.warn(
                tls.location, id,
                "tls of ingress port \(number) is not used: it takes effect where PeerAuthentication says DISABLE, and here it says \(mode.rawValue)",
                fix: "add a PeerAuthentication with portLevelMtls {\(number): {mode: DISABLE}}")
        }
        if mode == .permissive, proxy.identity == nil {
            // Without any PeerAuthentication nobody asked for mutual TLS, and nobody needs to be told.
            if let source = verdict.source {
                findings.warn(
                    source.metadata.location, source.metadata.id("PeerAuthentication"),
                    "the Proxy has no identity, so that ports which may take mutual TLS take plain text only",
                    fix: ServerTLSPass.identityFix)
            }
            mode = .disable
        }
        return mode
    }

    private func chains(_ mode: PeerAuthentication.Mode, _ tls: ServerTLS?, _ actions: Actions) -> [ChainSpec] {
        if let tls { return ending(tls, actions) }
        return switch mode {
        case .strict: strict(actions)
        case .permissive: permissive(actions)
        case .disable, .unset: plain(actions)
        }
    }

    private func plain(_ actions: Actions) -> [ChainSpec] {
        guard actions.http != nil, actions.tcp != nil else {
            return [actions.chain("http", actions.http), actions.chain("tcp", actions.tcp)].compactMap { $0 }
        }
        return [actions.chain("http", actions.http, .any, .http), actions.chain("tcp", actions.tcp)].compactMap { $0 }
    }

    /// Mutual TLS or nothing. Without a certificate one quarantined chain takes everything, so that the port is closed.
    private func strict(_ actions: Actions) -> [ChainSpec] {
        guard proxy.identity != nil else {
            let tls = serverTLS.mesh(alpn: [], for: actions.place)
            return [actions.chain("closed", actions.http ?? actions.tcp, tls: tls)].compactMap { $0 }
        }
        let isEither = actions.http != nil && actions.tcp != nil
        return [
            actions.chain(
                "mtls-http", actions.http, .tls, alpn: isEither ? MeshALPN.wantsHTTP : [], tls: http(actions)),
            actions.chain("mtls-tcp", actions.tcp, .tls, tls: tcp(actions)),
        ].compactMap { $0 }
    }

    /// Both kinds. TLS that is not the mesh's is the application's own business, where the port may carry bytes.
    private func permissive(_ actions: Actions) -> [ChainSpec] {
        let isEither = actions.http != nil && actions.tcp != nil
        return [
            actions.chain(
                "mtls-http", actions.http, .tls, alpn: isEither ? MeshALPN.wantsHTTP : MeshALPN.any, tls: http(actions)),
            actions.chain("mtls-tcp", actions.tcp, .tls, alpn: MeshALPN.wantsTCP, tls: tcp(actions)),
            actions.chain("tls-tcp", actions.tcp, .tls),
            actions.chain("http", actions.http, .plain, isEither ? .http : .any),
            actions.chain("tcp", actions.tcp, .plain),
        ].compactMap { $0 }
    }

    /// The port's own `tls`, where the mesh's is switched off.
    private func ending(_ tls: ServerTLS, _ actions: Actions) -> [ChainSpec] {
        let settings = serverTLS.settings(
            tls, alpn: actions.http == nil ? [] : ["h2", "http/1.1"],
            for: (actions.place.id, tls.location, actions.place.what))
        return [actions.chain("tls", actions.http ?? actions.tcp, .tls, tls: settings)].compactMap { $0 }
    }

    private func http(_ actions: Actions) -> TLSServerSettings? {
        actions.http == nil ? nil : serverTLS.mesh(alpn: ["h2", "http/1.1"], for: actions.place)
    }

    private func tcp(_ actions: Actions) -> TLSServerSettings? {
        actions.tcp == nil
            ? nil : serverTLS.mesh(alpn: ["istio-peer-exchange", "h2", "http/1.1"], for: actions.place)
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
        // The application is spoken to in what its port declares, else in what the peer speaks.
        cluster.speaks = EffectivePolicy.speaks(
            ingress.port.portProtocol ?? .auto, nil, mesh: MeshConfig(), isGateway: false)
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

extension ServerTLS {
    /// Whether the mode ends TLS here.
    var endsTLS: Bool { mode != .passthrough && mode != .autoPassthrough }
}
