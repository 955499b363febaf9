import Istio
import Plan
import Routing
import Wire

/// From entries of `tls` and `tcp` to where the bytes of a connection go.
struct StreamRoutes {
    let proxy: ProxyResource
    let catalog: ClusterCatalog

    /// The selectors that are decided here and now; all of them must hold.
    func admits(_ match: L4Match, gateway: String, port: Int) -> Bool {
        if let wanted = match.port, wanted != 0, wanted != port { return false }
        if !match.gateways.isEmpty, !match.gateways.contains(gateway) { return false }
        if !match.sourceNamespace.isEmpty, match.sourceNamespace != proxy.metadata.namespace { return false }
        return proxy.metadata.labels.contains(match.sourceLabels)
    }

    func ranges(_ match: L4Match) -> [Subnet] { match.destinationSubnets.compactMap { Subnet($0) } }

    /// An entry's destinations, those with weight 0 left out. A destination's only port goes before `port`.
    func route(_ rule: VirtualRules.L4Rule, port: Int) -> TCPRouteSpec {
        let chosen = rule.route.count == 1 ? rule.route : rule.route.filter { $0.weight > 0 }
        let destinations = chosen.map { route in
            let service = catalog.service(route.destination.host)
            let only = service.flatMap { $0.ports.count == 1 ? $0.ports[0].number : nil }
            return TCPRouteSpec.Destination(
                cluster: catalog.reference(
                    host: service?.hostname ?? route.destination.host, port: route.destination.port ?? only ?? port,
                    subset: route.destination.subset, asked: (route.destination.location, rule.provenance)),
                weight: max(route.weight, 1))
        }
        return TCPRouteSpec(
            destinations: destinations,
            idleTimeoutMilliseconds: chosen.first.map { catalog.silenceMilliseconds(of: $0.destination.host) }
                ?? ClusterCatalog.silenceMilliseconds,
            provenance: rule.provenance)
    }

    /// Where a service's connections go that no rule speaks of.
    func defaultRoute(to service: MeshService, port: MeshService.Port) -> TCPRouteSpec {
        TCPRouteSpec(
            destinations: [TCPRouteSpec.Destination(cluster: catalog.reference(to: service, port: port))],
            idleTimeoutMilliseconds: catalog.silenceMilliseconds(of: service.hostname),
            provenance: Provenance(service.id, at: service.location))
    }
}
