/// Istio's admission rules for one resource by itself. Shapes and single values were checked
/// against the schema when the resource was decoded; these are the rules between values.
package enum Validation {
    /// All findings, errors and warnings. A resource with an error must not serve.
    package static func validate(_ resource: Resource) -> [Diagnostic] {
        var findings = Findings(resource: resource)
        findings.checkAnnotations(resource.metadata)
        switch resource {
        case .virtualService(let service): findings.check(service)
        case .destinationRule(let rule): findings.check(rule)
        case .gateway(let gateway): findings.check(gateway)
        case .serviceEntry(let entry): findings.check(entry)
        case .workloadEntry(let entry): findings.check(workload: entry.workload, at: entry.metadata.location)
        case .sidecar(let sidecar): findings.check(sidecar)
        case .proxy(let proxy): findings.check(proxy)
        case .service(let service): findings.check(service)
        case .peerAuthentication(let authentication): findings.check(authentication)
        case .secret(let secret): findings.check(secret)
        case .endpoints, .endpointSlice, .pod, .configMap: break
        }
        return findings.diagnostics
    }
}

/// What validation of one resource has found so far. Each kind adds its rules in an extension.
struct Findings {
    let resource: String
    /// Where the resource begins.
    let location: SourceLocation
    private(set) var diagnostics: [Diagnostic] = []

    init(resource: Resource) {
        self.resource = resource.id.description
        location = resource.location
    }

    mutating func error(_ message: String, at place: SourceLocation? = nil, fix: String? = nil) {
        report(.error, message, at: place, fix: fix)
    }

    mutating func warn(_ message: String, at place: SourceLocation? = nil, fix: String? = nil) {
        report(.warning, message, at: place, fix: fix)
    }

    private mutating func report(
        _ severity: Diagnostic.Severity, _ message: String, at place: SourceLocation?, fix: String?
    ) {
        guard diagnostics.count < DecodeLimits.diagnosticsMax else { return }
        let place = place.flatMap { $0.line > 0 ? $0 : nil } ?? location
        diagnostics.append(Diagnostic(severity, at: place, resource: resource, message, fix: fix))
    }
}

// MARK: - Rules of several kinds

extension Findings {
    fileprivate mutating func checkAnnotations(_ metadata: Metadata) {
        if metadata.annotations["istio.io/dry-run"] != nil {
            error("the annotation istio.io/dry-run is only for AuthorizationPolicy", fix: "remove it")
        }
    }

    mutating func check(exportTo entries: [String], namespace: String, allowsNone: Bool = false) {
        var seen: Set<String> = []
        for entry in entries {
            let name = entry == "." ? namespace : entry
            if !seen.insert(name).inserted { error("exportTo names \(entry.quotedForMessage) twice") }
            if entry == "~" {
                if !allowsNone {
                    error("exportTo \"~\" is only for ServiceEntry")
                } else if entries.count > 1 {
                    error("exportTo \"~\" stands alone")
                }
            } else if entry != "*", entry != ".", !Names.isLabel(entry) {
                error("exportTo \(entry.quotedForMessage) is neither \"*\", \".\" nor a namespace")
            }
        }
        if entries.contains("*"), entries.count > 1 { error("exportTo \"*\" stands alone") }
    }

    /// Whether the rest may be checked: a selector that is in error is told alone.
    mutating func check(workloadSelector labels: [String: String]?) -> Bool {
        guard let labels else { return true }
        if labels.isEmpty { warn("workloadSelector has no labels, so it selects every workload of the namespace") }
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            if key.isEmpty {
                error("workloadSelector has an empty label name")
                return false
            }
            if key.contains("*") || value.contains("*") {
                error(
                    "workloadSelector has a wildcard in \(key)=\(value), which selects nothing",
                    fix: "name the label's value")
                return false
            }
        }
        return true
    }

    mutating func check(labels: [String: String], of what: String, at place: SourceLocation) {
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            if !Names.isLabelKey(key) {
                error("\(what) has the label name \(key.quotedForMessage), which Kubernetes does not allow", at: place)
            }
            if !Names.isLabelValue(value) {
                error(
                    "\(what) has the label value \(value.quotedForMessage), which Kubernetes does not allow", at: place)
            }
        }
    }

    mutating func check(port: Int, of what: String, at place: SourceLocation) {
        if !(1...65535).contains(port) { error("\(what) is \(port), outside 1…65535", at: place) }
    }

    mutating func check(_ destination: Destination, at place: SourceLocation) {
        let place = destination.location.line > 0 ? destination.location : place
        if destination.host.isEmpty {
            error("a destination has no host", at: place)
        } else if destination.host == "*" || !Names.isWildcardDomain(destination.host) {
            error("the destination \(destination.host.quotedForMessage) is not a name of a service", at: place)
        }
        if !destination.subset.isEmpty, !Names.isLabel(destination.subset) {
            error("the subset \(destination.subset.quotedForMessage) is not a name of a subset", at: place)
        }
        if let port = destination.port { check(port: port, of: "the destination's port.number", at: place) }
    }

    mutating func check(subnets: [String], at place: SourceLocation) {
        for subnet in subnets where !Names.isAddress(subnet) && !Names.isSubnet(subnet) {
            error("the subnet \(subnet.quotedForMessage) is neither an address nor a range", at: place)
        }
    }

    /// Rules of Kubernetes that routing relies on.
    mutating func check(_ service: Service) {
        var names: Set<String> = []
        for port in service.ports {
            check(port: port.port, of: "the port", at: port.location)
            if !names.insert(port.name).inserted {
                error("two ports are named \(port.name.quotedForMessage)", at: port.location, fix: "name each")
            }
        }
    }

    mutating func check(_ proxy: ProxyResource) {
        if proxy.workers < 0 { error("spec.workers is \(proxy.workers), less than none") }
        if !(0...65535).contains(proxy.meshConfig.proxyHttpPort) {
            error("meshConfig.proxyHttpPort is not a port", at: proxy.meshConfig.location)
        }
        var ports: Set<Int> = []
        for listen in proxy.listen where !ports.insert(listen.port).inserted {
            error("spec.listen names port \(listen.port) twice", at: listen.location, fix: "keep one of them")
        }
        if let identity = proxy.identity, !identity.isComplete {
            error(
                "identity needs certificateChain, privateKey and rootCertificates", at: identity.location,
                fix: "name the three files, or leave identity out")
        }
        if let retries = proxy.meshConfig.defaultHttpRetryPolicy { check(retries) }
    }
}
