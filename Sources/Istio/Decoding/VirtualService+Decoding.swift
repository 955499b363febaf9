extension VirtualService {
    init(_ spec: YAMLNode, metadata: Metadata) {
        self.init(metadata: metadata)
        hosts = spec.strings("hosts")
        gateways = spec.strings("gateways")
        http = spec.list("http", HTTPRoute.init)
        tls = spec.list("tls", TLSRoute.init)
        tcp = spec.list("tcp", TCPRoute.init)
        exportTo = spec.strings("exportTo")
    }
}

extension TLSRoute {
    init(_ node: YAMLNode) {
        match = node.list("match", L4Match.init)
        route = node.list("route", RouteDestination.init)
        location = node.location
    }
}

extension TCPRoute {
    init(_ node: YAMLNode) {
        match = node.list("match", L4Match.init)
        route = node.list("route", RouteDestination.init)
        location = node.location
    }
}

extension L4Match {
    init(_ node: YAMLNode) {
        sniHosts = node.strings("sniHosts")
        destinationSubnets = node.strings("destinationSubnets")
        port = node.int("port")
        sourceLabels = node.labels("sourceLabels")
        sourceNamespace = node.string("sourceNamespace")
        gateways = node.strings("gateways")
        location = node.location
    }
}

extension Destination {
    init(_ node: YAMLNode) {
        host = node.string("host")
        subset = node.string("subset")
        port = node["port"].map { $0.int("number") ?? 0 }
        location = node.location
    }
}

extension RouteDestination {
    init(_ node: YAMLNode) {
        destination = node.object("destination", Destination.init) ?? Destination()
        weight = node.int("weight") ?? 0
        headers = node.object("headers", HeaderOperations.init) ?? HeaderOperations()
        location = node.location
    }
}

extension HeaderOperations {
    init(_ node: YAMLNode) {
        request = node.object("request", HeaderChanges.init) ?? HeaderChanges()
        response = node.object("response", HeaderChanges.init) ?? HeaderChanges()
    }
}

extension HeaderChanges {
    init(_ node: YAMLNode) {
        set = Self.values(node["set"])
        add = Self.values(node["add"])
        remove = node.strings("remove")
        location = node.location
    }

    private static func values(_ node: YAMLNode?) -> [HeaderValue] {
        node?.entries.map { HeaderValue(name: $0.key, value: $0.value.text ?? "", location: $0.keyLocation) } ?? []
    }
}
