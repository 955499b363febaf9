extension Findings {
    mutating func check(_ service: VirtualService) {
        let isMeshBound = service.gateways.isEmpty || service.gateways.contains("mesh")
        if service.http.isEmpty, service.tls.isEmpty, service.tcp.isEmpty {
            error("a VirtualService needs rules: http, tls or tcp")
        }
        if service.hosts.isEmpty { checkDelegate(service) }
        checkHosts(service, isMeshBound: isMeshBound)
        check(gateways: service.gateways, at: location)
        check(exportTo: service.exportTo, namespace: service.metadata.namespace)
        for route in service.http {
            check(route, isDelegate: service.hosts.isEmpty, isMeshBound: isMeshBound)
        }
        for route in service.tls { check(route, hosts: service.hosts, isMeshBound: isMeshBound) }
        for route in service.tcp {
            for match in route.match { check(match) }
            check(destinations: route.route, at: route.location)
            if route.route.isEmpty { error("a tcp rule has no route", at: route.location) }
        }
        checkReachability(service)
    }

    private mutating func checkDelegate(_ service: VirtualService) {
        let place = location
        let advice = "name hosts, or keep it a delegate that has only http rules"
        if !service.gateways.isEmpty { error("a VirtualService without hosts has gateways", at: place, fix: advice) }
        if !service.tls.isEmpty { error("a VirtualService without hosts has tls rules", at: place, fix: advice) }
        if !service.tcp.isEmpty { error("a VirtualService without hosts has tcp rules", at: place, fix: advice) }
    }

    private mutating func checkHosts(_ service: VirtualService, isMeshBound: Bool) {
        guard service.hosts.count <= DecodeLimits.hostsMax else {
            return error("a VirtualService has at most \(DecodeLimits.hostsMax) hosts", fix: "split it")
        }
        let hasServerNames = service.tls.contains { $0.match.contains { !$0.sniHosts.isEmpty } }
        for (index, host) in service.hosts.enumerated() {
            if host == "*", isMeshBound {
                error("the host \"*\" cannot be used in the mesh", fix: "name gateways, or name the host")
            } else if !Names.isWildcardDomain(host), !Names.isAddress(host),
                isMeshBound || !hasServerNames || !host.hasPrefix("outbound_.")
            {
                error("the host \(host.quotedForMessage) is neither a domain nor an address")
            }
            if let other = service.hosts[..<index].first(where: { HostPattern.overlap($0, host) }) {
                error(
                    "the hosts \(other.quotedForMessage) and \(host.quotedForMessage) overlap", fix: "keep one of them")
            }
        }
    }

    mutating func check(gateways: [String], at place: SourceLocation) {
        for gateway in gateways where gateway != "mesh" {
            let parts = gateway.split(separator: "/", omittingEmptySubsequences: false)
            if parts.count == 1 {
                if !Names.isFQDN(gateway) {
                    error("the gateway \(gateway.quotedForMessage) is not a name of a Gateway", at: place)
                } else if gateway.contains(".") {
                    warn(
                        "the gateway \(gateway.quotedForMessage) is written in the old way", at: place,
                        fix: "write namespace/name")
                }
            } else if parts.count != 2 || !Names.isLabel(parts[0]) || !Names.isLabel(parts[1]) {
                error("the gateway \(gateway.quotedForMessage) is not of the form namespace/name", at: place)
            }
        }
    }

    private mutating func check(_ route: TLSRoute, hosts: [String], isMeshBound: Bool) {
        if route.match.isEmpty { error("a tls rule has no match", at: route.location) }
        for match in route.match {
            if match.sniHosts.isEmpty { error("a tls match has no sniHosts", at: match.location) }
            for host in match.sniHosts {
                if Names.isAddress(host) {
                    warn(
                        "the server name \(host.quotedForMessage) is an address, which clients do not send",
                        at: match.location)
                } else if !Names.isWildcardDomain(host), isMeshBound || !host.hasPrefix("outbound_.") {
                    error("the server name \(host.quotedForMessage) is not a domain", at: match.location)
                } else if !hosts.contains(where: { HostPattern.isSubset(host, of: $0) }) {
                    error(
                        "the server name \(host.quotedForMessage) is not within the VirtualService's hosts",
                        at: match.location)
                }
            }
            check(match)
        }
        check(destinations: route.route, at: route.location)
        if route.route.isEmpty { error("a tls rule has no route", at: route.location) }
    }

    private mutating func check(_ match: L4Match) {
        check(subnets: match.destinationSubnets, at: match.location)
        if let port = match.port, port != 0 { check(port: port, of: "the match's port", at: match.location) }
        check(labels: match.sourceLabels, of: "sourceLabels", at: match.location)
        check(gateways: match.gateways, at: match.location)
    }

    mutating func check(destinations: [RouteDestination], at place: SourceLocation) {
        for route in destinations {
            check(route.destination, at: route.location)
            if route.weight < 0 { error("a weight is \(route.weight), less than nothing", at: route.location) }
            check(route.headers)
        }
        if destinations.count > 1, destinations.allSatisfy({ $0.weight == 0 }) {
            error(
                "the weights of \(destinations.count) destinations add up to 0", at: place, fix: "give each its weight")
        }
    }
}
