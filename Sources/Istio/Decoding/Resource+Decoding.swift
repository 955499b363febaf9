extension Resource {
    /// Of a document that was checked against the schema and has no errors.
    init(_ kind: Kind.Served, _ document: YAMLNode, metadata: Metadata) {
        let spec = document["spec"] ?? .empty(at: document.location)
        let status = document["status"] ?? .empty(at: document.location)
        switch kind {
        case .virtualService: self = .virtualService(VirtualService(spec, metadata: metadata))
        case .destinationRule: self = .destinationRule(DestinationRule(spec, metadata: metadata))
        case .gateway: self = .gateway(Gateway(spec, metadata: metadata))
        case .serviceEntry: self = .serviceEntry(ServiceEntry(spec, metadata: metadata))
        case .workloadEntry: self = .workloadEntry(WorkloadEntry(spec, status: status, metadata: metadata))
        case .sidecar: self = .sidecar(Sidecar(spec, metadata: metadata))
        case .service: self = .service(Service(spec, metadata: metadata))
        case .endpoints: self = .endpoints(Endpoints(document, metadata: metadata))
        case .endpointSlice: self = .endpointSlice(EndpointSlice(document, metadata: metadata))
        case .pod: self = .pod(Pod(spec, status: status, metadata: metadata))
        case .secret: self = .secret(Secret(document, metadata: metadata))
        case .configMap: self = .configMap(ConfigMap(document, metadata: metadata))
        case .peerAuthentication: self = .peerAuthentication(PeerAuthentication(spec, metadata: metadata))
        case .proxy: self = .proxy(ProxyResource(spec, metadata: metadata))
        }
    }
}

extension Metadata {
    init(_ document: YAMLNode, defaultNamespace: String) {
        let node = document["metadata"] ?? .empty(at: document.location)
        self.init(
            name: node.string("name"), namespace: node.text("namespace") ?? defaultNamespace,
            location: document.location)
        labels = node.labels("labels")
        annotations = node.labels("annotations")
        creationTimestamp = node.text("creationTimestamp")
    }
}
