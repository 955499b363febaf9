extension Gateway {
    init(_ spec: YAMLNode, metadata: Metadata) {
        self.init(metadata: metadata)
        servers = spec.list("servers", Server.init)
        selector = spec.labels("selector")
    }
}

extension Server {
    init(_ node: YAMLNode) {
        name = node.string("name")
        port = node.object("port", Port.init) ?? Port()
        bind = node.string("bind")
        hosts = node.strings("hosts")
        tls = node.object("tls", ServerTLS.init)
        defaultEndpoint = node.string("defaultEndpoint")
        location = node.location
    }
}

extension Port {
    init(_ node: YAMLNode) {
        number = node.int("number") ?? 0
        name = node.string("name")
        `protocol` = node.string("protocol")
        targetPort = node.int("targetPort")
        location = node.location
    }
}

extension ServerTLS {
    init(_ node: YAMLNode) {
        httpsRedirect = node.bool("httpsRedirect") ?? false
        mode = node.choice("mode", Mode.self) ?? .passthrough
        serverCertificate = node.path("serverCertificate")
        privateKey = node.path("privateKey")
        caCertificates = node.path("caCertificates")
        caCrl = node.path("caCrl")
        credentialName = node.string("credentialName")
        credentialNames = node.strings("credentialNames")
        caCertCredentialName = node.string("caCertCredentialName")
        tlsCertificates = node.list("tlsCertificates", Certificate.init)
        subjectAltNames = node.strings("subjectAltNames")
        verifyCertificateSpki = node.strings("verifyCertificateSpki")
        verifyCertificateHash = node.strings("verifyCertificateHash")
        insecureSkipVerify = node.bool("insecureSkipVerify") ?? false
        minProtocolVersion = node.string("minProtocolVersion")
        maxProtocolVersion = node.string("maxProtocolVersion")
        cipherSuites = node.strings("cipherSuites")
        location = node.location
    }
}

extension ServerTLS.Certificate {
    init(_ node: YAMLNode) {
        serverCertificate = node.path("serverCertificate")
        privateKey = node.path("privateKey")
        caCertificates = node.path("caCertificates")
    }
}
