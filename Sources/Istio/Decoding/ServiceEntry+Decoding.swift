extension ServiceEntry {
    init(_ spec: YAMLNode, metadata: Metadata) {
        self.init(metadata: metadata)
        hosts = spec.strings("hosts")
        addresses = spec.strings("addresses")
        ports = spec.list("ports", Port.init)
        location = spec.choice("location", Location.self) ?? .meshExternal
        resolution = spec.choice("resolution", Resolution.self) ?? .none
        endpoints = spec.list("endpoints", Workload.init)
        workloadSelector = spec["workloadSelector"]?.labels("labels")
        exportTo = spec.strings("exportTo")
        subjectAltNames = spec.strings("subjectAltNames")
    }
}

extension WorkloadEntry {
    init(_ spec: YAMLNode, status: YAMLNode, metadata: Metadata) {
        self.init(metadata: metadata)
        workload = Workload(spec)
        isHealthy = status.condition("Healthy")
    }
}

extension Workload {
    init(_ node: YAMLNode) {
        address = node.string("address")
        for entry in node["ports"]?.entries ?? [] { ports[entry.key] = entry.value.integer ?? 0 }
        labels = node.labels("labels")
        network = node.string("network")
        locality = node.string("locality")
        weight = node.int("weight") ?? 0
        serviceAccount = node.string("serviceAccount")
        location = node.location
    }
}

extension YAMLNode {
    /// Whether a status's condition of this type is true; nil: there is none.
    func condition(_ type: String) -> Bool? {
        self["conditions"]?.items.first { $0.text("type") == type }.map { $0.text("status")?.lowercased() == "true" }
    }
}
