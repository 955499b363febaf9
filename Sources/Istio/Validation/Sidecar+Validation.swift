extension Findings {
    mutating func check(_ sidecar: Sidecar) {
        guard check(workloadSelector: sidecar.workloadSelector) else { return }
        if sidecar.egress.isEmpty, sidecar.ingress.isEmpty, sidecar.outboundTrafficPolicy == nil,
            sidecar.inboundConnectionPool == nil
        {
            error("a Sidecar needs ingress, egress, outboundTrafficPolicy or inboundConnectionPool")
        }
        var ports: Set<Int> = []
        for listener in sidecar.ingress {
            check(listener)
            if !ports.insert(listener.port.number).inserted {
                error("two ingress listeners have port \(listener.port.number)", at: listener.location)
            }
        }
        checkEgress(sidecar)
        if let pool = sidecar.inboundConnectionPool { check(pool) }
        if let policy = sidecar.outboundTrafficPolicy { check(policy) }
    }

    private mutating func check(_ policy: OutboundTrafficPolicy) {
        guard let proxy = policy.egressProxy else { return }
        let place = policy.location
        if policy.mode != .allowAny { error("egressProxy needs mode ALLOW_ANY", at: place) }
        if !Names.isFQDN(proxy.host) { error("egressProxy's host is not a domain", at: place) }
        if proxy.port == nil { error("egressProxy needs a port", at: place) }
        check(proxy, at: place)
    }

    private mutating func check(listenerPort port: Port) {
        if !port.protocol.isEmpty, port.portProtocol == nil {
            error("the protocol \(port.protocol.quotedForMessage) is not known", at: port.location)
        }
        if port.targetPort != nil { error("a listener's port has no targetPort", at: port.location) }
    }
}

// MARK: - Ingress

extension Findings {
    private mutating func check(_ listener: Sidecar.Ingress) {
        let place = listener.location
        if listener.port == Port() { error("an ingress listener has no port", at: place) }
        check(listenerPort: listener.port)
        check(port: listener.port.number, of: "port.number", at: place)
        if !listener.bind.isEmpty, !Names.isAddress(listener.bind) {
            error("bind \(listener.bind.quotedForMessage) is not an address", at: place)
        }
        if let problem = Self.problem(defaultEndpoint: listener.defaultEndpoint) {
            error(
                "defaultEndpoint \(listener.defaultEndpoint.quotedForMessage) \(problem)", at: place,
                fix: "write 127.0.0.1:port, 0.0.0.0:port, [::1]:port, [::]:port or unix:///path")
        }
        if let tls = listener.tls { check(tls, of: listener) }
        guard let pool = listener.connectionPool else { return }
        check(pool)
        if pool.http != nil, listener.port.portProtocol?.isHTTP == false {
            warn("connectionPool.http is for ports that speak HTTP", at: pool.location)
        }
    }

    private static func problem(defaultEndpoint endpoint: String) -> String? {
        if endpoint.isEmpty { return nil }
        if endpoint.hasPrefix("unix://") {
            return Names.isUnixAddress(endpoint) ? nil : "is not an absolute path of a socket"
        }
        for host in ["127.0.0.1:", "0.0.0.0:", "[::1]:", "[::]:"] where endpoint.hasPrefix(host) {
            let isPort = Int(endpoint.dropFirst(host.count)).map((1...65535).contains) ?? false
            return isPort ? nil : "has no port"
        }
        return "is neither this machine nor a path"
    }

    private mutating func check(_ tls: ServerTLS, of listener: Sidecar.Ingress) {
        let place = tls.location
        if tls.mode == .istioMutual || tls.mode == .autoPassthrough {
            error("an ingress listener's tls cannot have mode \(tls.mode.rawValue)", at: place)
        }
        if tls.httpsRedirect { error("an ingress listener cannot redirect to https", at: place) }
        if !tls.subjectAltNames.isEmpty { error("an ingress listener's tls has no subjectAltNames", at: place) }
        if !tls.credentialName.isEmpty || !tls.credentialNames.isEmpty || !tls.tlsCertificates.isEmpty {
            error("an ingress listener names its certificate by serverCertificate and privateKey", at: place)
        }
        if listener.port.portProtocol?.isTLS != true {
            error("an ingress listener with tls needs protocol HTTPS or TLS", at: place)
        }
        check(tls)
    }
}

// MARK: - Egress

extension Findings {
    private mutating func checkEgress(_ sidecar: Sidecar) {
        var ports: Set<Int> = []
        var paths: Set<String> = []
        for (index, listener) in sidecar.egress.enumerated() {
            let place = listener.location
            if let port = listener.port {
                check(listener, port)
                if port.number != 0, !ports.insert(port.number).inserted {
                    error("two egress listeners have port \(port.number)", at: place)
                }
                if port.number == 0, !paths.insert(listener.bind).inserted {
                    error("two egress listeners are bound to \(listener.bind.quotedForMessage)", at: place)
                }
            } else if index != sidecar.egress.count - 1 {
                error("an egress listener without a port is the last", at: place, fix: "move it to the end")
            }
            if listener.hosts.isEmpty { error("an egress listener needs hosts", at: place) }
            for host in listener.hosts { check(egressHost: host, at: place) }
        }
        checkRepeatedHosts(sidecar)
    }

    private mutating func check(_ listener: Sidecar.Egress, _ port: Port) {
        let place = listener.location
        check(listenerPort: port)
        guard port.number == 0 else {
            check(port: port.number, of: "port.number", at: place)
            if !listener.bind.isEmpty, !Names.isAddress(listener.bind) {
                error("bind \(listener.bind.quotedForMessage) is not an address", at: place)
            }
            return
        }
        if !Names.isUnixAddress(listener.bind) {
            error("an egress listener with port 0 is bound to unix://path", at: place)
        } else if listener.captureMode == .iptables {
            error("captureMode IPTABLES is not for paths", at: place)
        }
    }

    private mutating func check(egressHost entry: String, at place: SourceLocation) {
        let parts = entry.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else {
            return error(
                "the host \(entry.quotedForMessage) is not of the form namespace/name", at: place,
                fix: "write */name or ./name")
        }
        // `~` is no namespace, `~ns` all but that one.
        let namespace = parts[0].hasPrefix("~") && parts[0] != "~" ? String(parts[0].dropFirst()) : parts[0]
        if !["*", ".", "~"].contains(namespace), !Names.isLabel(namespace) {
            error("the host \(entry.quotedForMessage) names no namespace", at: place)
        }
        let host = parts[1]
        if host == "*" { return }
        if Names.isPartialWildcard(host) {
            error("the host \(entry.quotedForMessage) has a wildcard within a label", at: place)
        } else if !host.contains(".") {
            error(
                "the host \(entry.quotedForMessage) is a short name", at: place,
                fix: "write it in full, with its domain")
        } else if !Names.isWildcardDomain(host) {
            error("the host \(entry.quotedForMessage) is not a domain", at: place)
        }
    }

    private mutating func checkRepeatedHosts(_ sidecar: Sidecar) {
        for listener in sidecar.egress {
            let hosts = listener.hosts.filter { !$0.hasPrefix("~") }
            if hosts.contains("*/*"), hosts.count > 1 {
                warn("\"*/*\" has all hosts; the others add none", at: listener.location)
            }
            var seen: Set<String> = []
            for host in hosts {
                let parts = host.split(separator: "/", maxSplits: 1)
                let namespace = parts.first == "." ? sidecar.metadata.namespace : String(parts.first ?? "")
                let name = "\(namespace)/\(parts.last ?? "")"
                if seen.contains(name) || seen.contains("\(namespace)/*") {
                    warn("the host \(host.quotedForMessage) is given twice", at: listener.location)
                }
                seen.insert(name)
            }
        }
    }
}
