import Istio
import Routing

/// A VirtualService after all names in it were resolved and its delegates put in place.
struct VirtualRules {
    var id: ResourceID
    var namespace: String { id.namespace }
    /// Lower case, short names completed.
    var hosts: [String]
    /// `mesh` or `namespace/name`.
    var gateways: [String]
    var exportTo: ExportSet
    var http: [Rule]
    var tls: [L4Rule]
    var tcp: [L4Rule]
    var location: SourceLocation

    /// One entry of `http`.
    struct Rule {
        /// Destinations resolved, match gateways resolved.
        var route: HTTPRoute
        /// Where the entry comes from: `http[2]`.
        var provenance: Provenance
        /// Where each match block comes from: `http[2].match[0]`; one for an entry without match.
        var matchProvenance: [Provenance]
    }

    /// One entry of `tls` or `tcp`. Destinations and match gateways are resolved, server names lower case.
    struct L4Rule {
        var match: [L4Match]
        var route: [RouteDestination]
        /// `tls[0]`.
        var provenance: Provenance
    }

    /// Resolves the names of `service`; delegations are still as written.
    init(_ service: VirtualService, proxy: ProxyResource) {
        let namespace = service.metadata.namespace
        id = service.metadata.id("VirtualService")
        location = service.metadata.location
        hosts = service.hosts.map { HostName.resolve($0, namespace: namespace, domain: proxy.clusterDomain) }
        gateways =
            service.gateways.isEmpty
            ? [HostName.mesh] : service.gateways.map { HostName.gateway($0, namespace: namespace) }
        exportTo = ExportSet(
            service.exportTo, namespace: namespace, fallback: proxy.meshConfig.defaultVirtualServiceExportTo)
        let domain = proxy.clusterDomain
        let id = id
        tls = service.tls.enumerated().map { index, route in
            L4Rule(
                route.match, route.route, Provenance(id, rule: "tls[\(index)]", at: route.location), namespace, domain)
        }
        tcp = service.tcp.enumerated().map { index, route in
            L4Rule(
                route.match, route.route, Provenance(id, rule: "tcp[\(index)]", at: route.location), namespace, domain)
        }
        http = []
        for (index, route) in service.http.enumerated() {
            let name = "http[\(index)]" + (route.name.isEmpty ? "" : " \"\(route.name)\"")
            http.append(
                Rule(
                    route: route.resolved(in: namespace, domain: proxy.clusterDomain),
                    provenance: Provenance(id, rule: name, at: route.location),
                    matchProvenance: Self.places(of: route, index, id)))
        }
    }

    private static func places(of route: HTTPRoute, _ index: Int, _ id: ResourceID) -> [Provenance] {
        let suffix = route.name.isEmpty ? "" : " \"\(route.name)\""
        if route.match.isEmpty { return [Provenance(id, rule: "http[\(index)]\(suffix)", at: route.location)] }
        return route.match.enumerated().map { position, match in
            let location = match.location.line > 0 ? match.location : route.location
            return Provenance(id, rule: "http[\(index)].match[\(position)]\(suffix)", at: location)
        }
    }
}

extension VirtualRules.L4Rule {
    fileprivate init(
        _ match: [L4Match], _ route: [RouteDestination], _ provenance: Provenance, _ namespace: String, _ domain: String
    ) {
        self.match = match.map { match in
            var match = match
            match.sniHosts = match.sniHosts.map { $0.lowercased() }
            match.gateways = match.gateways.map { HostName.gateway($0, namespace: namespace) }
            return match
        }
        self.route = route.map { route in
            var route = route
            route.destination.host = HostName.resolve(route.destination.host, namespace: namespace, domain: domain)
            return route
        }
        self.provenance = provenance
    }
}

extension HTTPRoute {
    fileprivate func resolved(in namespace: String, domain: String) -> HTTPRoute {
        var route = self
        func resolve(_ destination: inout Istio.Destination) {
            destination.host = HostName.resolve(destination.host, namespace: namespace, domain: domain)
        }
        for index in route.route.indices { resolve(&route.route[index].destination) }
        for index in route.mirrors.indices { resolve(&route.mirrors[index].destination) }
        for index in route.match.indices where !route.match[index].gateways.isEmpty {
            route.match[index].gateways = route.match[index].gateways.map { HostName.gateway($0, namespace: namespace) }
        }
        return route
    }
}
