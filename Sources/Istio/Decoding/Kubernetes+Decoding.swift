extension Service {
    init(_ spec: YAMLNode, metadata: Metadata) {
        self.init(metadata: metadata)
        type = spec.text("type") ?? "ClusterIP"
        clusterIP = spec.string("clusterIP")
        clusterIPs = spec.strings("clusterIPs")
        externalName = spec.string("externalName")
        selector = spec.labels("selector")
        ports = spec.list("ports", Port.init)
        publishNotReadyAddresses = spec.bool("publishNotReadyAddresses") ?? false
    }
}

extension Service.Port {
    init(_ node: YAMLNode) {
        name = node.string("name")
        port = node.int("port") ?? 0
        targetPort = node["targetPort"].flatMap { target in
            target.integer.map { .number($0) } ?? target.text.map { .name($0) }
        }
        `protocol` = node.text("protocol") ?? "TCP"
        appProtocol = node.text("appProtocol")
        location = node.location
    }
}

extension Endpoints {
    init(_ document: YAMLNode, metadata: Metadata) {
        self.init(metadata: metadata)
        subsets = document.list("subsets") { node in
            var subset = Subset()
            subset.addresses =
                node.list("addresses") { Address($0, isReady: true) }
                + node.list("notReadyAddresses") { Address($0, isReady: false) }
            subset.ports = node.list("ports", EndpointPort.init)
            subset.location = node.location
            return subset
        }
    }
}

extension Endpoints.Address {
    init(_ node: YAMLNode, isReady: Bool) {
        ip = node.string("ip")
        pod = node.targetPod
        nodeName = node.string("nodeName")
        self.isReady = isReady
        location = node.location
    }
}

extension EndpointPort {
    init(_ node: YAMLNode) {
        name = node.string("name")
        port = node.int("port") ?? 0
        `protocol` = node.text("protocol") ?? "TCP"
        location = node.location
    }
}

extension EndpointSlice {
    init(_ document: YAMLNode, metadata: Metadata) {
        self.init(metadata: metadata)
        serviceName = metadata.labels["kubernetes.io/service-name"] ?? ""
        addressType = document.string("addressType")
        endpoints = document.list("endpoints", Endpoint.init)
        ports = document.list("ports", EndpointPort.init)
    }
}

extension EndpointSlice.Endpoint {
    init(_ node: YAMLNode) {
        addresses = node.strings("addresses")
        let conditions = node["conditions"]
        if conditions?.bool("ready") ?? true {
            health = .ready
        } else {
            health = conditions?.bool("terminating") ?? true ? .terminating : .unhealthy
        }
        pod = node.targetPod
        nodeName = node.string("nodeName")
        zone = node.string("zone")
        location = node.location
    }
}

extension Pod {
    init(_ spec: YAMLNode, status: YAMLNode, metadata: Metadata) {
        self.init(metadata: metadata)
        ip = status.text("podIP") ?? status["podIPs"]?.items.first?.string("ip") ?? ""
        ports =
            (spec["initContainers"]?.items ?? []).flatMap(Self.ports)
            + (spec["containers"]?.items ?? []).flatMap(Self.ports)
        nodeName = spec.string("nodeName")
        serviceAccountName = spec.string("serviceAccountName")
        phase = status.string("phase")
        isReady = status.condition("Ready")
    }

    private static func ports(of container: YAMLNode) -> [Port] {
        container.list("ports") { node in
            var port = Port()
            port.name = node.string("name")
            port.containerPort = node.int("containerPort") ?? 0
            port.protocol = node.text("protocol") ?? "TCP"
            return port
        }
    }
}

extension YAMLNode {
    /// `targetRef`'s name, if it is a Pod.
    fileprivate var targetPod: String? {
        guard let target = self["targetRef"], target.text("kind") == "Pod" else { return nil }
        return target.text("name")
    }
}
