extension Sidecar {
    init(_ spec: YAMLNode, metadata: Metadata) {
        self.init(metadata: metadata)
        workloadSelector = spec["workloadSelector"]?.labels("labels")
        ingress = spec.list("ingress", Ingress.init)
        egress = spec.list("egress", Egress.init)
        inboundConnectionPool = spec.object("inboundConnectionPool", ConnectionPool.init)
        outboundTrafficPolicy = spec.object("outboundTrafficPolicy", OutboundTrafficPolicy.init)
    }
}

extension Sidecar.Ingress {
    init(_ node: YAMLNode) {
        port = node.object("port", Port.init) ?? Port()
        bind = node.string("bind")
        captureMode = node.choice("captureMode", Sidecar.CaptureMode.self) ?? .default
        defaultEndpoint = node.string("defaultEndpoint")
        tls = node.object("tls", ServerTLS.init)
        connectionPool = node.object("connectionPool", ConnectionPool.init)
        location = node.location
    }
}

extension Sidecar.Egress {
    init(_ node: YAMLNode) {
        port = node.object("port", Port.init)
        bind = node.string("bind")
        captureMode = node.choice("captureMode", Sidecar.CaptureMode.self) ?? .default
        hosts = node.strings("hosts")
        location = node.location
    }
}

extension OutboundTrafficPolicy {
    init(_ node: YAMLNode) {
        mode = node.choice("mode", Mode.self) ?? .registryOnly
        egressProxy = node.object("egressProxy", Destination.init)
        location = node.location
    }
}
