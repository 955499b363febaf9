/// What names a resource: the identity under which it is kept, replaced and reported.
package struct ResourceID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var kind: String
    package var namespace: String
    package var name: String

    package init(kind: String, namespace: String, name: String) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
    }

    /// `VirtualService ns/name`.
    package var description: String { "\(kind) \(namespace)/\(name)" }

    package static func < (left: ResourceID, right: ResourceID) -> Bool {
        (left.kind, left.namespace, left.name) < (right.kind, right.namespace, right.name)
    }
}

/// Every resource that takes part in routing, as a plain value. Equality includes lines.
///
/// Indirect: directories hold tens of thousands, which are sorted, kept and handed on far more often than looked into.
package indirect enum Resource: Hashable, Sendable {
    case virtualService(VirtualService)
    case destinationRule(DestinationRule)
    case gateway(Gateway)
    case serviceEntry(ServiceEntry)
    case workloadEntry(WorkloadEntry)
    case sidecar(Sidecar)
    case service(Service)
    case endpoints(Endpoints)
    case endpointSlice(EndpointSlice)
    case pod(Pod)
    case secret(Secret)
    case configMap(ConfigMap)
    case peerAuthentication(PeerAuthentication)
    case proxy(ProxyResource)

    package var kind: String {
        switch self {
        case .virtualService: "VirtualService"
        case .destinationRule: "DestinationRule"
        case .gateway: "Gateway"
        case .serviceEntry: "ServiceEntry"
        case .workloadEntry: "WorkloadEntry"
        case .sidecar: "Sidecar"
        case .service: "Service"
        case .endpoints: "Endpoints"
        case .endpointSlice: "EndpointSlice"
        case .pod: "Pod"
        case .secret: "Secret"
        case .configMap: "ConfigMap"
        case .peerAuthentication: "PeerAuthentication"
        case .proxy: "Proxy"
        }
    }

    package var metadata: Metadata {
        switch self {
        case .virtualService(let resource): resource.metadata
        case .destinationRule(let resource): resource.metadata
        case .gateway(let resource): resource.metadata
        case .serviceEntry(let resource): resource.metadata
        case .workloadEntry(let resource): resource.metadata
        case .sidecar(let resource): resource.metadata
        case .service(let resource): resource.metadata
        case .endpoints(let resource): resource.metadata
        case .endpointSlice(let resource): resource.metadata
        case .pod(let resource): resource.metadata
        case .secret(let resource): resource.metadata
        case .configMap(let resource): resource.metadata
        case .peerAuthentication(let resource): resource.metadata
        case .proxy(let resource): resource.metadata
        }
    }

    package var namespace: String { metadata.namespace }
    package var name: String { metadata.name }
    package var location: SourceLocation { metadata.location }
    package var id: ResourceID {
        let metadata = metadata
        return ResourceID(kind: kind, namespace: metadata.namespace, name: metadata.name)
    }
}
