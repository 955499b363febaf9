extension Findings {
    mutating func check(_ gateway: Gateway) {
        if !Names.isLabel(gateway.metadata.name) { error("a Gateway's name is a DNS label, without dots") }
        if gateway.servers.isEmpty { error("a Gateway needs servers") }
        check(labels: gateway.selector, of: "selector", at: location)
        var names: Set<String> = []
        for server in gateway.servers {
            if server.port.name.isEmpty {
                error("a server's port has no name", at: server.location)
            } else if !names.insert(server.port.name).inserted {
                error("two servers' ports are named \(server.port.name.quotedForMessage)", at: server.port.location)
            }
            check(server)
        }
    }

    private mutating func check(_ server: Server) {
        let place = server.location
        if server.hosts.isEmpty { error("a server has no hosts", at: place, fix: "write hosts: [\"*\"] for any") }
        for host in server.hosts { check(serverHost: host, at: place) }
        checkBind(server)
        if server.port.targetPort != nil { error("a server's port has no targetPort", at: server.port.location) }
        guard let portProtocol = server.port.portProtocol else {
            error(
                "the protocol \(server.port.protocol.quotedForMessage) is not known", at: server.port.location,
                fix: "write HTTP, HTTPS, GRPC, HTTP2, TLS or TCP")
            return
        }
        check(server.tls, protocol: portProtocol, at: place)
    }

    private mutating func checkBind(_ server: Server) {
        guard server.bind.hasPrefix("unix://") else {
            if !server.bind.isEmpty, !Names.isAddress(server.bind) {
                error("bind \(server.bind.quotedForMessage) is neither an address nor unix://path", at: server.location)
            }
            check(port: server.port.number, of: "port.number", at: server.port.location)
            return
        }
        if !Names.isUnixAddress(server.bind) {
            error("bind \(server.bind.quotedForMessage) is not an absolute path", at: server.location)
        }
        if server.port.number != 0 { error("a server bound to a path has port 0", at: server.port.location) }
    }

    private mutating func check(serverHost entry: String, at place: SourceLocation) {
        let parts = entry.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, let host = parts.last, !host.isEmpty else {
            return error("the host \(entry.quotedForMessage) is not of the form [namespace/]name", at: place)
        }
        if parts.count == 2, parts[0] != "*", parts[0] != ".", !Names.isLabel(parts[0]) {
            error("the host \(entry.quotedForMessage) names no namespace", at: place, fix: "write *, . or a namespace")
        }
        if host == "*" || Names.isAddress(host) { return }
        if Names.isPartialWildcard(host) {
            error("the host \(entry.quotedForMessage) has a wildcard within a label", at: place, fix: "write *.domain")
        } else if !host.contains(".") {
            error(
                "the host \(entry.quotedForMessage) is a short name", at: place,
                fix: "write it in full, with its domain")
        } else if !Names.isWildcardDomain(host) {
            error("the host \(entry.quotedForMessage) is not a domain", at: place)
        }
    }

    /// Which protocols go with `tls`, and which need it.
    private mutating func check(_ tls: ServerTLS?, protocol portProtocol: PortProtocol, at place: SourceLocation) {
        guard let tls else {
            if portProtocol.isTLS { error("a server of \(portProtocol.rawValue) needs tls", at: place) }
            return
        }
        if portProtocol.isHTTP {
            let isPlain = tls.mode == .passthrough || tls.mode == .autoPassthrough
            if !isPlain || !tls.serverCertificate.isEmpty || !tls.privateKey.isEmpty || !tls.caCertificates.isEmpty {
                error("a server of \(portProtocol.rawValue) has certificates", at: tls.location, fix: "use HTTPS")
            }
        } else if portProtocol.isTLS {
            if tls.httpsRedirect { warn("httpsRedirect is for HTTP servers", at: tls.location) }
        } else {
            error("a server of \(portProtocol.rawValue) has tls", at: tls.location, fix: "use TLS")
        }
        check(tls)
    }

    /// The rules between the fields of `tls`, for Gateways and Sidecars.
    mutating func check(_ tls: ServerTLS) {
        let place = tls.location
        let hasFiles = !tls.serverCertificate.isEmpty || !tls.privateKey.isEmpty
        let hasCredential = !tls.credentialName.isEmpty || !tls.credentialNames.isEmpty
        let hasAny = hasFiles || hasCredential || !tls.caCertificates.isEmpty || !tls.tlsCertificates.isEmpty
        let sources = [
            hasFiles, !tls.credentialName.isEmpty, !tls.credentialNames.isEmpty, !tls.tlsCertificates.isEmpty,
        ]
        if sources.count(where: { $0 }) > 1 {
            error("tls names its certificates in several ways", at: place, fix: "keep one")
        }
        switch tls.mode {
        case .istioMutual:
            if hasAny {
                error("mode ISTIO_MUTUAL uses the mesh's own certificates", at: place, fix: "remove the others")
            }
        case .passthrough, .autoPassthrough:
            if hasAny { warn("\(tls.mode.rawValue) uses no certificates", at: place) }
        case .simple, .mutual, .optionalMutual:
            if !hasCredential { checkFiles(tls) }
        }
        if !tls.caCrl.isEmpty, !tls.credentialName.isEmpty || tls.mode == .simple {
            error("caCrl is for client certificates named by files", at: place)
        }
        if ["TLSV1_0", "TLSV1_1"].contains(tls.minProtocolVersion), tls.cipherSuites.isEmpty {
            warn("\(tls.minProtocolVersion) needs cipherSuites that allow it", at: place)
        }
        if tls.tlsCertificates.count > 2 { warn("of tlsCertificates the first two are used", at: place) }
        if Set(tls.cipherSuites).count < tls.cipherSuites.count { warn("cipherSuites has one twice", at: place) }
    }

    private mutating func checkFiles(_ tls: ServerTLS) {
        let mode = tls.mode.rawValue
        let needsClients = tls.mode != .simple
        if tls.tlsCertificates.isEmpty {
            if tls.serverCertificate.isEmpty || tls.privateKey.isEmpty {
                error("mode \(mode) needs serverCertificate and privateKey", at: tls.location)
            }
            if needsClients, tls.caCertificates.isEmpty { error("mode \(mode) needs caCertificates", at: tls.location) }
        }
        for certificate in tls.tlsCertificates {
            if certificate.serverCertificate.isEmpty || certificate.privateKey.isEmpty {
                error("each of tlsCertificates needs serverCertificate and privateKey", at: tls.location)
            }
            if needsClients, certificate.caCertificates.isEmpty, tls.caCertificates.isEmpty {
                error("mode \(mode) needs caCertificates", at: tls.location)
            }
        }
    }
}
