extension Findings {
    mutating func check(_ entry: ServiceEntry) {
        guard check(workloadSelector: entry.workloadSelector) else { return }
        if entry.workloadSelector != nil, !entry.endpoints.isEmpty {
            error("a ServiceEntry has both workloadSelector and endpoints", fix: "keep one of them")
        }
        checkHosts(entry)
        for address in entry.addresses {
            if !Names.isAddress(address), !Names.isSubnet(address) {
                error("the address \(address.quotedForMessage) is neither an address nor a range")
            } else if address.contains("/"), entry.resolution != .none, entry.resolution != .static {
                error("the range \(address.quotedForMessage) needs resolution NONE or STATIC")
            }
        }
        checkPorts(entry)
        checkResolution(entry)
        check(exportTo: entry.exportTo, namespace: entry.metadata.namespace, allowsNone: true)
    }

    private mutating func checkHosts(_ entry: ServiceEntry) {
        if entry.hosts.isEmpty { error("a ServiceEntry needs hosts") }
        if entry.hosts.count > 256 { error("a ServiceEntry has at most 256 hosts") }
        for host in entry.hosts {
            if host == "*" || !Names.isWildcardDomain(host) {
                error("the host \(host.quotedForMessage) is not a domain")
            } else if Names.isPartialWildcard(host), entry.resolution != .dynamicDNS {
                warn("the host \(host.quotedForMessage) has a wildcard within a label, which matches no name")
            }
        }
    }

    private mutating func checkPorts(_ entry: ServiceEntry) {
        var names: Set<String> = []
        var numbers: Set<Int> = []
        for port in entry.ports {
            let place = port.location
            check(port: port.number, of: "port.number", at: place)
            if let target = port.targetPort { check(port: target, of: "targetPort", at: place) }
            if !numbers.insert(port.number).inserted { error("port \(port.number) is given twice", at: place) }
            if !Names.isLabel(port.name) {
                error("the port's name \(port.name.quotedForMessage) is not a DNS label", at: place)
            } else if !names.insert(port.name).inserted {
                error("two ports are named \(port.name.quotedForMessage)", at: place)
            }
            if !port.protocol.isEmpty, port.portProtocol == nil {
                error("the protocol \(port.protocol.quotedForMessage) is not known", at: place)
            }
            // Only HTTP and TLS name the host that is meant; to tell others apart takes addresses.
            let isNamed = port.portProtocol.map { $0.isHTTP || $0.isTLS } ?? true
            if entry.hosts.count > 1, !isNamed, entry.resolution != .none {
                error(
                    "with several hosts, port \(port.number) has to speak HTTP or TLS", at: place,
                    fix: "one ServiceEntry a host")
            }
            if entry.addresses.isEmpty, port.portProtocol == nil || port.portProtocol == .tcp {
                warn(
                    "port \(port.number) speaks TCP, or does not say what, and no addresses tell its traffic", at: place
                )
            }
        }
    }

    private mutating func checkResolution(_ entry: ServiceEntry) {
        let ports = Set(entry.ports.map(\.name))
        switch entry.resolution {
        case .none:
            if let first = entry.endpoints.first {
                error("resolution NONE has no endpoints", at: first.location, fix: "set resolution STATIC or DNS")
            }
            if entry.workloadSelector != nil { warn("resolution NONE has no use for a workloadSelector") }
        case .static:
            for endpoint in entry.endpoints {
                check(staticEndpoint: endpoint, ports: entry.ports)
                check(ports: endpoint, known: ports)
            }
        case .dns, .dnsRoundRobin:
            checkNames(entry)
            for endpoint in entry.endpoints {
                if !Names.isAddress(endpoint.address), !Names.isFQDN(endpoint.address) {
                    error(
                        "the endpoint \(endpoint.address.quotedForMessage) is neither a domain nor an address",
                        at: endpoint.location)
                }
                check(labels: endpoint.labels, of: "the endpoint", at: endpoint.location)
                check(ports: endpoint, known: ports)
            }
        case .dynamicDNS: checkDynamic(entry)
        }
    }

    private mutating func checkNames(_ entry: ServiceEntry) {
        if entry.endpoints.isEmpty, entry.workloadSelector == nil || entry.resolution == .dns {
            for host in entry.hosts where !Names.isFQDN(host) {
                error(
                    "resolution \(entry.resolution.rawValue) cannot resolve \(host.quotedForMessage)",
                    fix: "give endpoints")
            }
        }
        if entry.resolution == .dnsRoundRobin, entry.endpoints.count > 1 {
            error("resolution DNS_ROUND_ROBIN has at most one endpoint", at: entry.endpoints[1].location)
        }
        let hasTCP = entry.ports.contains { $0.portProtocol?.isHTTP != true }
        if entry.hosts.count > 1, !entry.addresses.isEmpty, hasTCP {
            warn("several hosts share the addresses, and TCP cannot tell them apart")
        }
    }

    private mutating func checkDynamic(_ entry: ServiceEntry) {
        for host in entry.hosts where !host.hasPrefix("*") {
            error("resolution DYNAMIC_DNS is for wildcards, not for \(host.quotedForMessage)")
        }
        if !entry.addresses.isEmpty { error("resolution DYNAMIC_DNS has no addresses") }
        if let first = entry.endpoints.first { error("resolution DYNAMIC_DNS has no endpoints", at: first.location) }
        for port in entry.ports {
            switch port.portProtocol {
            case .http, .http2, .grpc, .tls, .https: break
            default: error("resolution DYNAMIC_DNS is for HTTP, HTTP2, GRPC and TLS", at: port.location)
            }
        }
    }

    private mutating func check(staticEndpoint endpoint: Workload, ports: [Port]) {
        let place = endpoint.location
        check(workload: endpoint, at: place)
        if endpoint.address.hasPrefix("unix://") {
            if ports.count != 1 { error("an endpoint at a path needs a service of one port", at: place) }
        } else if !endpoint.address.isEmpty, !Names.isAddress(endpoint.address) {
            error(
                "the endpoint \(endpoint.address.quotedForMessage) is not an address", at: place,
                fix: "set resolution DNS")
        }
    }

    private mutating func check(ports endpoint: Workload, known: Set<String>) {
        for name in endpoint.ports.keys.sorted() where !known.contains(name) {
            error("the endpoint's port \(name.quotedForMessage) is not a port of the service", at: endpoint.location)
        }
    }
}

// MARK: - WorkloadEntry

extension Findings {
    /// A WorkloadEntry's spec, or an endpoint of a ServiceEntry.
    mutating func check(workload: Workload, at place: SourceLocation) {
        let address = workload.address
        if address.isEmpty {
            if workload.network.isEmpty {
                error("a workload needs an address", at: place)
            } else {
                warn("a workload without an address is reached through its network's gateway only", at: place)
            }
        } else if address.hasPrefix("unix://") {
            if !Names.isUnixAddress(address) {
                error("\(address.quotedForMessage) is not an absolute path of a socket", at: place)
            }
            if !workload.ports.isEmpty { error("a workload at a path has no ports", at: place) }
        } else if !Names.isAddress(address), !Names.isFQDN(address) {
            error("\(address.quotedForMessage) is neither a domain nor an address", at: place)
        }
        if address.utf8.count > 256 { error("a workload's address has at most 256 characters", at: place) }
        for (name, number) in workload.ports.sorted(by: { $0.key < $1.key }) {
            if !Names.isLabel(name) { error("the port's name \(name.quotedForMessage) is not a DNS label", at: place) }
            check(port: number, of: "the port \(name.quotedForMessage)", at: place)
        }
        check(labels: workload.labels, of: "the workload", at: place)
    }
}
