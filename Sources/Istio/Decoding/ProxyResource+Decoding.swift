extension ProxyResource {
    init(_ spec: YAMLNode, metadata: Metadata) {
        self.init(metadata: metadata)
        mode = spec.choice("mode", Mode.self) ?? .sidecar
        serviceAccount = spec.string("serviceAccount")
        locality = spec.string("locality")
        workers = spec.int("workers") ?? 0
        adminAddress = spec["admin"]?.text("address")
        listen = spec.list("listen") { node in
            var listen = Listen()
            listen.port = node.int("port") ?? 0
            listen.address = node.string("address")
            listen.location = node.location
            return listen
        }
        identity = spec.object("identity") { node in
            var identity = Identity()
            identity.certificateChain = node.path("certificateChain")
            identity.privateKey = node.path("privateKey")
            identity.rootCertificates = node.path("rootCertificates")
            identity.location = node.location
            return identity
        }
        meshConfig = spec.object("meshConfig", MeshConfig.init) ?? MeshConfig()
        drainDurationMilliseconds = spec.milliseconds("drainDuration")
        clusterDomain = spec.text("clusterDomain") ?? "cluster.local"
    }
}

extension MeshConfig {
    init(_ node: YAMLNode) {
        proxyHttpPort = node.int("proxyHttpPort") ?? 0
        outboundTrafficPolicy =
            node["outboundTrafficPolicy"].map { $0.choice("mode", OutboundTrafficPolicy.Mode.self) ?? .registryOnly }
            ?? .allowAny
        pathNormalization = node["pathNormalization"]?.choice("normalization", Normalization.self) ?? .default
        accessLogFile = node.string("accessLogFile")
        accessLogEncoding = node.text("accessLogEncoding") ?? "TEXT"
        defaultHttpRetryPolicy = node.object("defaultHttpRetryPolicy", Retries.init)
        connectTimeoutMilliseconds = node.milliseconds("connectTimeout")
        tcpKeepalive = node.object("tcpKeepalive", ConnectionPool.Keepalive.init)
        rootNamespace = node.text("rootNamespace") ?? "istio-system"
        trustDomain = node.text("trustDomain") ?? "cluster.local"
        trustDomainAliases = node.strings("trustDomainAliases")
        enableAutoMtls = node.bool("enableAutoMtls") ?? true
        upgradesToHTTP2 = node.string("h2UpgradePolicy") == "UPGRADE"
        protocolDetectionTimeoutMilliseconds = node.milliseconds("protocolDetectionTimeout") ?? 0
        meshMTLSMinProtocolVersion = node["meshMTLS"]?.string("minProtocolVersion") ?? ""
        tlsDefaultsMinProtocolVersion = node["tlsDefaults"]?.string("minProtocolVersion") ?? ""
        tlsDefaultsCipherSuites = node["tlsDefaults"]?.strings("cipherSuites") ?? []
        verifyCertificateAtClient = node.bool("verifyCertificateAtClient") ?? true
        defaultServiceExportTo = node.strings("defaultServiceExportTo")
        defaultVirtualServiceExportTo = node.strings("defaultVirtualServiceExportTo")
        defaultDestinationRuleExportTo = node.strings("defaultDestinationRuleExportTo")
        trustedProxies = node["defaultConfig"]?["gatewayTopology"]?.int("numTrustedProxies") ?? 0
        location = node.location
    }
}
