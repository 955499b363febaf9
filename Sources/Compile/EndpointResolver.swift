import Clusters
import Istio
import Wire

/// An endpoint and the labels by which subsets select it.
struct MeshEndpoint {
    var spec: EndpointSpec
    var labels: [String: String]
    /// `ns/NAMESPACE/sa/ACCOUNT`, the end of its SPIFFE identity; empty: not known.
    var account = ""
    /// It has no label of its own, but an account of a WorkloadEntry.
    var hasWorkloadAccount = false

    /// The workload's port.
    var port: Int {
        switch spec.address {
        case .socket(let socket): Int(socket.port)
        case .name(_, let port): Int(port)
        }
    }

    /// Whether a sidecar ends mutual TLS there: the injector's label says so, or the account of a workload without the label.
    var endsMeshTLS: Bool {
        labels["security.istio.io/tlsMode"].map { $0 == "istio" } ?? hasWorkloadAccount
    }

    init(spec: EndpointSpec, labels: [String: String], pod: Pod? = nil) {
        self.spec = spec
        self.labels = labels
        // Every Pod has an account: without a name it is `default`.
        guard let pod else { return }
        let name = pod.serviceAccountName.isEmpty ? "default" : pod.serviceAccountName
        account = "ns/\(pod.metadata.namespace)/sa/\(name)"
    }
}

/// From services to addresses: EndpointSlices, Endpoints, selected Pods and WorkloadEntries, inline endpoints; in this
/// order, and each address once.
final class EndpointResolver {
    private let pods: [Pod]
    private let workloadEntries: [WorkloadEntry]
    private let podIndex: LabelIndex
    private let workloadIndex: LabelIndex
    private var podsByName: [ResourceName: Int] = [:]
    private var podsByAddress: [String: Int] = [:]
    private var slices: [ResourceName: [EndpointSlice]] = [:]
    private var endpointsObjects: [ResourceName: Endpoints] = [:]
    private let findings: Findings

    private struct ResourceName: Hashable {
        let namespace: String
        let name: String
    }

    init(_ inputs: Inputs, findings: Findings) {
        pods = inputs.pods
        workloadEntries = inputs.workloadEntries
        podIndex = LabelIndex(inputs.pods.map { ($0.metadata.namespace, $0.metadata.labels) })
        workloadIndex = LabelIndex(
            inputs.workloadEntries.map { entry in
                (entry.metadata.namespace, entry.workload.labels.merging(entry.metadata.labels) { $1 })
            })
        self.findings = findings
        for (index, pod) in pods.enumerated() {
            podsByName[ResourceName(namespace: pod.metadata.namespace, name: pod.metadata.name)] = index
            // Pods on the host's network share its address: which of them is meant stays unknown.
            if !pod.ip.isEmpty { podsByAddress[pod.ip] = podsByAddress[pod.ip] == nil ? index : -1 }
        }
        for slice in inputs.endpointSlices {
            slices[ResourceName(namespace: slice.metadata.namespace, name: slice.serviceName), default: []].append(
                slice)
        }
        for object in inputs.endpoints {
            endpointsObjects[ResourceName(namespace: object.metadata.namespace, name: object.metadata.name)] = object
        }
    }

    /// The endpoints of one port, ready or not, in a stable order.
    func endpoints(of service: MeshService, port: MeshService.Port) -> [MeshEndpoint] {
        var found = EndpointList()
        if service.isKubernetes {
            let name = ResourceName(namespace: service.namespace, name: service.name)
            for slice in slices[name] ?? [] { add(slice, port: port, of: service, to: &found) }
            if let object = endpointsObjects[name] { add(object, port: port, of: service, to: &found) }
        }
        for source in service.sources {
            guard let port = source.ports.first(where: { $0.number == port.number }) else { continue }
            if let selector = source.selector {
                for index in podIndex.matching(selector, in: service.namespace) {
                    add(pods[index], port: port, of: service, to: &found)
                }
                for index in workloadIndex.matching(selector, in: service.namespace) {
                    add(workloadEntries[index], port: port, of: service, to: &found)
                }
            }
            for workload in source.endpoints {
                add(workload, labels: workload.labels, port: port, of: service, id: source.id, to: &found)
            }
        }
        if found.endpoints.isEmpty, service.discovery != .listed, !service.isKubernetes {
            addHost(of: service, port, &found)
        }
        return found.endpoints
    }

    // MARK: - Sources

    private func add(
        _ slice: EndpointSlice, port: MeshService.Port, of service: MeshService, to found: inout EndpointList
    ) {
        guard slice.addressType != "FQDN", let number = Self.join(slice.ports, port) else { return }
        for endpoint in slice.endpoints {
            for address in endpoint.addresses {
                guard let socket = socket(address, number, endpoint.location, slice.metadata.id("EndpointSlice")) else {
                    continue
                }
                if endpoint.health == .terminating {
                    found.refuse(.socket(socket))
                    continue
                }
                let pod = pod(named: endpoint.pod, address: address, in: service.namespace)
                var spec = EndpointSpec(address: .socket(socket), isUnhealthy: endpoint.health == .unhealthy)
                spec.describe(pod?.metadata, workload: pod.map(Self.workload) ?? "")
                found.add(MeshEndpoint(spec: spec, labels: pod?.metadata.labels ?? [:], pod: pod))
            }
        }
    }

    private func add(_ object: Endpoints, port: MeshService.Port, of service: MeshService, to found: inout EndpointList)
    {
        for subset in object.subsets {
            guard let number = Self.join(subset.ports, port) else { continue }
            for address in subset.addresses {
                guard let socket = socket(address.ip, number, address.location, object.metadata.id("Endpoints")) else {
                    continue
                }
                let pod = pod(named: address.pod, address: address.ip, in: service.namespace)
                var spec = EndpointSpec(
                    address: .socket(socket), isUnhealthy: !address.isReady && !service.publishesUnready)
                spec.describe(pod?.metadata, workload: pod.map(Self.workload) ?? "")
                found.add(MeshEndpoint(spec: spec, labels: pod?.metadata.labels ?? [:], pod: pod))
            }
        }
    }

    private func add(_ pod: Pod, port: MeshService.Port, of service: MeshService, to found: inout EndpointList) {
        // A Pod without an address is not there yet, one that ended is there no more.
        guard !pod.ip.isEmpty, pod.phase != "Succeeded", pod.phase != "Failed" else { return }
        let number: Int
        switch port.target {
        case .number(let target): number = target
        case nil: number = port.number
        case .name(let name):
            guard let named = pod.ports.first(where: { $0.name == name && $0.protocol.uppercased() != "UDP" }) else {
                findings.warn(
                    pod.metadata.location, pod.metadata.id("Pod"),
                    "no container port is named '\(name)', which \(service.id) asks for: the Pod is no endpoint of its port \(port.number)",
                    fix: "name the container's port")
                return
            }
            number = named.containerPort
        }
        guard let socket = socket(pod.ip, number, pod.metadata.location, pod.metadata.id("Pod")) else { return }
        var spec = EndpointSpec(
            address: .socket(socket), isUnhealthy: pod.isReady == false && !service.publishesUnready)
        spec.describe(pod.metadata, workload: Self.workload(pod))
        found.add(MeshEndpoint(spec: spec, labels: pod.metadata.labels, pod: pod))
    }

    private func add(
        _ entry: WorkloadEntry, port: MeshService.Port, of service: MeshService, to found: inout EndpointList
    ) {
        let id = entry.metadata.id("WorkloadEntry")
        if service.discovery == .listed, SocketAddress(host: entry.workload.address, port: 0) == nil {
            findings.warn(
                entry.metadata.location, id,
                "the address '\(entry.workload.address)' is no IP address: \(service.id) does not select it",
                fix: "use an IP address, or a ServiceEntry with resolution DNS")
            return
        }
        let labels = entry.workload.labels.merging(entry.metadata.labels) { $1 }
        let asksHealth = entry.metadata.annotations["proxy.istio.io/health-checks-enabled"] == "true"
        add(
            entry.workload, labels: labels, name: entry.metadata.name,
            isUnhealthy: asksHealth && entry.isHealthy != true,
            port: port, of: service, id: id, to: &found)
    }

    private func add(
        _ workload: Workload, labels: [String: String], name: String = "", isUnhealthy: Bool = false,
        port: MeshService.Port, of service: MeshService, id: ResourceID, to found: inout EndpointList
    ) {
        var number = workload.ports[port.name]
        if number == nil, case .name(let target) = port.target { number = workload.ports[target] }
        if number == nil, case .number(let target) = port.target { number = target }
        let address: EndpointAddress
        if workload.address.hasPrefix("unix:"), let socket = SocketAddress(workload.address) {
            address = .socket(socket)
        } else if let port = UInt16(exactly: number ?? port.number), !workload.address.isEmpty {
            if let socket = SocketAddress(host: workload.address, port: port) {
                address = .socket(socket)
            } else if service.discovery == .listed {
                findings.warn(
                    workload.location, id, "the endpoint '\(workload.address)' is no address and is left out",
                    fix: "use an IP address, or resolution DNS")
                return
            } else {
                address = .name(workload.address.lowercased(), port: port)
            }
        } else {
            findings.warn(workload.location, id, "the endpoint '\(workload.address)' has no usable address and port")
            return
        }
        var spec = EndpointSpec(address: address, weight: max(workload.weight, 1), isUnhealthy: isUnhealthy)
        spec.describe(labels, workload: name)
        if !workload.locality.isEmpty { spec.locality = workload.locality }
        var endpoint = MeshEndpoint(spec: spec, labels: labels)
        if !workload.serviceAccount.isEmpty {
            endpoint.account = "ns/\(id.namespace)/sa/\(workload.serviceAccount)"
            endpoint.hasWorkloadAccount = true
        }
        found.add(endpoint)
    }

    /// A service of names without endpoints stands for its own host. `NONE` means the address that the client chose; a proxy
    /// that is named explicitly never learns it, so it resolves the host as the client would have.
    private func addHost(of service: MeshService, _ port: MeshService.Port, _ found: inout EndpointList) {
        var number = port.number
        if case .number(let target) = port.target { number = target }
        guard !HostName.isWildcard(service.hostname), let number = UInt16(exactly: number) else { return }
        let address =
            SocketAddress(host: service.hostname, port: number).map(EndpointAddress.socket)
            ?? .name(service.hostname, port: number)
        found.add(MeshEndpoint(spec: EndpointSpec(address: address), labels: [:]))
    }

    // MARK: - Joining

    /// Ports are joined by name; a single port without a name joins a port without a name.
    private static func join(_ ports: [EndpointPort], _ port: MeshService.Port) -> Int? {
        ports.first { $0.name == port.name }?.port
    }

    private func pod(named name: String?, address: String, in namespace: String) -> Pod? {
        if let name {
            return podsByName[ResourceName(namespace: namespace, name: name)].map { pods[$0] }
        }
        guard let index = podsByAddress[address], index >= 0 else { return nil }
        return pods[index]
    }

    private func socket(_ host: String, _ port: Int, _ location: SourceLocation, _ id: ResourceID) -> SocketAddress? {
        if let port = UInt16(exactly: port), port > 0, let socket = SocketAddress(host: host, port: port) {
            return socket
        }
        findings.warn(location, id, "'\(host)' port \(port) is no address that can be connected to")
        return nil
    }

    /// What runs the Pod: its Deployment's name as far as the labels tell, else its own.
    private static func workload(_ pod: Pod) -> String {
        let name = pod.metadata.name
        guard let hash = pod.metadata.labels["pod-template-hash"],
            let end = name.firstRange(of: "-\(hash)")?.lowerBound
        else { return name }
        return String(name[..<end])
    }
}

/// Endpoints in order, each address once: the first that names one decides about it.
private struct EndpointList {
    private(set) var endpoints: [MeshEndpoint] = []
    private var seen: Set<EndpointAddress> = []

    mutating func add(_ endpoint: MeshEndpoint) {
        if seen.insert(endpoint.spec.address).inserted { endpoints.append(endpoint) }
    }

    /// Nobody may add this address any more.
    mutating func refuse(_ address: EndpointAddress) { seen.insert(address) }
}

extension EndpointSpec {
    fileprivate mutating func describe(_ metadata: Metadata?, workload: String) {
        describe(metadata?.labels ?? [:], workload: workload)
    }

    /// Fills what metrics and locality need from a workload's labels.
    fileprivate mutating func describe(_ labels: [String: String], workload: String) {
        self.workload = labels["service.istio.io/workload-name"] ?? workload
        app = labels["app"] ?? labels["app.kubernetes.io/name"] ?? ""
        version = labels["version"] ?? labels["app.kubernetes.io/version"] ?? ""
        if let written = labels["istio-locality"] {
            locality = String(written.map { $0 == "." ? "/" : $0 })
        } else if let region = labels["topology.kubernetes.io/region"] {
            let parts = [region, labels["topology.kubernetes.io/zone"], labels["topology.istio.io/subzone"]]
            locality = parts.compactMap { $0 }.joined(separator: "/")
        }
    }
}
