import Istio

/// The resources by kind, each in Istio's order: oldest first, then by name, then by namespace.
struct Inputs {
    private(set) var virtualServices: [VirtualService] = []
    private(set) var destinationRules: [DestinationRule] = []
    private(set) var gateways: [Gateway] = []
    private(set) var serviceEntries: [ServiceEntry] = []
    private(set) var workloadEntries: [WorkloadEntry] = []
    private(set) var sidecars: [Sidecar] = []
    private(set) var services: [Service] = []
    private(set) var endpoints: [Endpoints] = []
    private(set) var endpointSlices: [EndpointSlice] = []
    private(set) var pods: [Pod] = []
    private(set) var secrets: [Secret] = []
    private(set) var configMaps: [ConfigMap] = []
    private(set) var peerAuthentications: [PeerAuthentication] = []

    init(_ resources: [Resource]) {
        for resource in resources {
            switch resource {
            case .virtualService(let value): virtualServices.append(value)
            case .destinationRule(let value): destinationRules.append(value)
            case .gateway(let value): gateways.append(value)
            case .serviceEntry(let value): serviceEntries.append(value)
            case .workloadEntry(let value): workloadEntries.append(value)
            case .sidecar(let value): sidecars.append(value)
            case .service(let value): services.append(value)
            case .endpoints(let value): endpoints.append(value)
            case .endpointSlice(let value): endpointSlices.append(value)
            case .pod(let value): pods.append(value)
            case .secret(let value): secrets.append(value)
            case .configMap(let value): configMaps.append(value)
            case .peerAuthentication(let value): peerAuthentications.append(value)
            case .proxy: break
            }
        }
        virtualServices = Self.ordered(virtualServices, by: \.metadata)
        destinationRules = Self.ordered(destinationRules, by: \.metadata)
        gateways = Self.ordered(gateways, by: \.metadata)
        serviceEntries = Self.ordered(serviceEntries, by: \.metadata)
        workloadEntries = Self.ordered(workloadEntries, by: \.metadata)
        sidecars = Self.ordered(sidecars, by: \.metadata)
        services = Self.ordered(services, by: \.metadata)
        endpoints = Self.ordered(endpoints, by: \.metadata)
        endpointSlices = Self.ordered(endpointSlices, by: \.metadata)
        pods = Self.ordered(pods, by: \.metadata)
        secrets = Self.ordered(secrets, by: \.metadata)
        configMaps = Self.ordered(configMaps, by: \.metadata)
        peerAuthentications = Self.ordered(peerAuthentications, by: \.metadata)
    }

    /// A resource without a timestamp counts as older than one that has it.
    static func ordered<Element>(_ elements: [Element], by metadata: (Element) -> Metadata) -> [Element] {
        let keys = elements.map { element in
            let metadata = metadata(element)
            return (metadata.creationTimestamp ?? "", metadata.name, metadata.namespace)
        }
        return elements.indices.sorted { keys[$0] < keys[$1] }.map { elements[$0] }
    }
}
