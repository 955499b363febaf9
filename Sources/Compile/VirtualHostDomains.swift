import Istio

/// The names under which clients may call a service, and who has each already.
struct VirtualHostDomains {
    private let namespace: String
    private let clusterDomain: String
    /// Full names that no short name may shadow.
    private let fullNames: Set<String>
    private var taken: Set<String> = []

    init(proxy: ProxyResource, fullNames: Set<String>) {
        namespace = proxy.metadata.namespace
        clusterDomain = proxy.clusterDomain
        self.fullNames = fullNames
    }

    /// The domains of a service that are still free.
    ///
    /// - Parameter ports: nil: without port; otherwise each domain in the forms that a proxy port's table wants.
    mutating func claim(_ service: MeshService, aliases: [String], port: Int?) -> [String] {
        var domains: [(domain: String, isShort: Bool)] = []
        for hostname in [service.hostname] + aliases {
            domains.append((hostname, false))
            domains += shortNames(hostname).map { ($0, true) }
            if !HostName.isWildcard(hostname), !hostname.hasSuffix(".") { domains.append((hostname + ".", false)) }
        }
        domains += service.addresses.filter { $0 != "0.0.0.0" && $0 != "::" }.map {
            ($0.contains(":") ? "[\($0)]" : $0, false)
        }
        // The Pods of a headless service have names under it.
        if service.isHeadless { domains += domains.map { ("*." + $0.domain, true) } }
        return domains.filter { !($0.isShort && fullNames.contains($0.domain)) }
            .flatMap { forms($0.domain, port) }.filter { taken.insert($0).inserted }
    }

    /// The domain of a host that no service has, if it is still free.
    mutating func claim(_ host: String, port: Int?) -> [String] {
        forms(host, port).filter { taken.insert($0).inserted }
    }

    /// On a proxy port port 80 may be left out, and every other port must be there.
    private func forms(_ domain: String, _ port: Int?) -> [String] {
        switch port {
        case nil: [domain]
        case 80: [domain, domain + ":80"]
        case let port?: ["\(domain):\(port)"]
        }
    }

    private func shortNames(_ hostname: String) -> [String] {
        guard hostname.hasSuffix(".svc." + clusterDomain) else { return [] }
        let labels = hostname.split(separator: ".", maxSplits: 2)
        guard labels.count == 3 else { return [] }
        let (name, home) = (labels[0], labels[1])
        let names = ["\(name).\(home)", "\(name).\(home).svc"]
        return home == namespace ? [String(name)] + names : names
    }
}
