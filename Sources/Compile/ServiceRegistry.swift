import Istio

/// All services of the mesh, oldest first, with the rule of who owns a host name.
struct ServiceRegistry {
    private(set) var services: [MeshService] = []
    private var byHostname: [String: [Int]] = [:]
    /// ExternalName services: their host name and what it stands for.
    private var aliases: [String: String] = [:]
    /// Aliases of a service that the registry knows, in order.
    private var aliasesOfTarget: [String: [String]] = [:]

    init(_ inputs: Inputs, mesh: MeshConfig, domain: String) {
        var declared: [(metadata: Metadata, services: [MeshService])] = []
        var aliased: [String] = []
        for service in inputs.services {
            let hostname = "\(service.metadata.name).\(service.metadata.namespace).svc.\(domain)".lowercased()
            if service.type == "ExternalName" {
                aliases[hostname] = service.externalName.lowercased()
                aliased.append(hostname)
                continue
            }
            declared.append((service.metadata, [MeshService(service, hostname: hostname, mesh: mesh)]))
        }
        for entry in inputs.serviceEntries {
            declared.append((entry.metadata, entry.hosts.map { MeshService(entry, host: $0, mesh: mesh) }))
        }
        for service in Inputs.ordered(declared, by: \.metadata).flatMap(\.services) { add(service) }
        for alias in aliased {
            let target = resolve(alias)
            if target != alias { aliasesOfTarget[target, default: []].append(alias) }
        }
    }

    /// Whether anything, visible or not, is called so.
    func isKnown(_ hostname: String) -> Bool { byHostname[hostname] != nil || aliases[hostname] != nil }

    /// What an ExternalName service finally stands for if the registry knows it; any other name stands for itself.
    func resolve(_ hostname: String) -> String {
        var name = hostname
        // As many steps as a chain may reasonably have; a loop ends here too.
        for _ in 0..<16 {
            guard let next = aliases[name] else { return byHostname[name] == nil ? hostname : name }
            name = next
        }
        return hostname
    }

    /// What an ExternalName service stands for, as it is written; nil for any other name.
    func aliasTarget(of hostname: String) -> String? { aliases[hostname] }

    /// ExternalName services that stand for this one.
    func aliases(of hostname: String) -> [String] { aliasesOfTarget[hostname] ?? [] }

    /// The service that owns a host name in the eyes of a namespace: its own, else Kubernetes', else the oldest.
    func owner(of hostname: String, seenFrom namespace: String, among admits: (MeshService) -> Bool = { _ in true })
        -> MeshService?
    {
        var best: MeshService?
        for index in byHostname[hostname] ?? [] {
            let service = services[index]
            guard service.exportTo.isVisible(in: namespace), admits(service) else { continue }
            if service.namespace == namespace { return service }
            if best == nil || (service.isKubernetes && best?.isKubernetes == false) { best = service }
        }
        return best
    }

    /// The services that a namespace sees, one for each host name, oldest first.
    func visible(from namespace: String, admits: (MeshService) -> Bool = { _ in true }) -> [MeshService] {
        var seen: Set<String> = []
        var result: [MeshService] = []
        for service in services where seen.insert(service.hostname).inserted {
            if let owner = owner(of: service.hostname, seenFrom: namespace, among: admits) { result.append(owner) }
        }
        return result
    }

    private mutating func add(_ service: MeshService) {
        for index in byHostname[service.hostname] ?? [] {
            let other = services[index]
            // ServiceEntries that speak of one host in one voice add up.
            if !service.isKubernetes, !other.isKubernetes, other.namespace == service.namespace,
                other.discovery == service.discovery, other.exportTo == service.exportTo
            {
                services[index].ports += service.ports.filter { other.port($0.number) == nil }
                services[index].addresses += service.addresses.filter { !other.addresses.contains($0) }
                services[index].sources += service.sources
                services[index].subjectAltNames += service.subjectAltNames.filter {
                    !other.subjectAltNames.contains($0)
                }
                return
            }
        }
        byHostname[service.hostname, default: []].append(services.count)
        services.append(service)
    }
}

extension MeshService {
    init(_ service: Service, hostname: String, mesh: MeshConfig) {
        let ports = service.ports.map {
            Port(number: $0.port, name: $0.name, speaks: $0.portProtocol, target: $0.targetPort)
        }
        let exportTo = service.metadata.annotations["networking.istio.io/exportTo"] ?? ""
        var addresses = service.clusterIPs.isEmpty ? [service.clusterIP] : service.clusterIPs
        addresses.removeAll { $0.isEmpty || $0 == "None" }
        self.init(
            hostname: hostname, name: service.metadata.name, namespace: service.metadata.namespace, isKubernetes: true,
            isHeadless: service.isHeadless, publishesUnready: service.publishNotReadyAddresses, discovery: .listed,
            ports: ports, addresses: addresses,
            exportTo: ExportSet(
                exportTo.split(separator: ",").map { String($0.filter { $0 != " " }) }.filter { !$0.isEmpty },
                namespace: service.metadata.namespace, fallback: mesh.defaultServiceExportTo),
            sources: [
                Source(
                    ports: ports, selector: service.selector.isEmpty ? nil : service.selector,
                    id: service.metadata.id("Service"), location: service.metadata.location)
            ])
    }

    init(_ entry: ServiceEntry, host: String, mesh: MeshConfig) {
        let ports = entry.ports.map { port in
            Port(
                number: port.number, name: port.name, speaks: port.portProtocol ?? .auto,
                target: port.targetPort.map { .number($0) })
        }
        let discovery: Discovery =
            switch entry.resolution {
            case .static: .listed
            case .dns: .dns
            case .dnsRoundRobin: .dnsFirst
            case .none, .dynamicDNS: .original
            }
        self.init(
            hostname: host.lowercased(), name: host.lowercased(), namespace: entry.metadata.namespace,
            isKubernetes: false, discovery: discovery, ports: ports,
            // Ranges and the wildcard address are no names.
            addresses: entry.addresses.map { $0.hasSuffix("/32") ? String($0.dropLast(3)) : $0 }
                .filter { !$0.contains("/") && $0 != "0.0.0.0" },
            isExternal: entry.location == .meshExternal, subjectAltNames: entry.subjectAltNames,
            exportTo: ExportSet(
                entry.exportTo, namespace: entry.metadata.namespace, fallback: mesh.defaultServiceExportTo),
            sources: [
                Source(
                    ports: ports, endpoints: entry.endpoints, selector: entry.workloadSelector,
                    id: entry.metadata.id("ServiceEntry"), location: entry.metadata.location)
            ])
    }
}
