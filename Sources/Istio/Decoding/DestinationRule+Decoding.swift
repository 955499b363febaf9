extension DestinationRule {
    init(_ spec: YAMLNode, metadata: Metadata) {
        self.init(metadata: metadata)
        host = spec.string("host")
        trafficPolicy = spec.object("trafficPolicy", TrafficPolicy.init)
        subsets = spec.list("subsets", Subset.init)
        exportTo = spec.strings("exportTo")
        workloadSelector = spec["workloadSelector"]?.labels("matchLabels")
    }
}

extension Subset {
    init(_ node: YAMLNode) {
        name = node.string("name")
        labels = node.labels("labels")
        trafficPolicy = node.object("trafficPolicy", TrafficPolicy.init)
        location = node.location
    }
}

extension TrafficPolicy {
    init(_ node: YAMLNode) {
        loadBalancer = node.object("loadBalancer", LoadBalancer.init)
        connectionPool = node.object("connectionPool", ConnectionPool.init)
        outlierDetection = node.object("outlierDetection", OutlierDetection.init)
        tls = node.object("tls", ClientTLS.init)
        portLevelSettings = node.list("portLevelSettings", PortLevel.init)
        tunnel = node.object("tunnel", Tunnel.init)
        proxyProtocol = node["proxyProtocol"].map { $0.text("version") ?? "V1" }
        retryBudget = node.object("retryBudget", RetryBudget.init)
        location = node.location
    }
}

extension TrafficPolicy.PortLevel {
    init(_ node: YAMLNode) {
        port = node["port"]?.int("number") ?? 0
        loadBalancer = node.object("loadBalancer", LoadBalancer.init)
        connectionPool = node.object("connectionPool", ConnectionPool.init)
        outlierDetection = node.object("outlierDetection", OutlierDetection.init)
        tls = node.object("tls", ClientTLS.init)
        location = node.location
    }
}

extension TrafficPolicy.Tunnel {
    init(_ node: YAMLNode) {
        `protocol` = node.string("protocol")
        targetHost = node.string("targetHost")
        targetPort = node.int("targetPort") ?? 0
        location = node.location
    }
}

extension TrafficPolicy.RetryBudget {
    init(_ node: YAMLNode) {
        percent = node.number("percent")
        minRetryConcurrency = node.int("minRetryConcurrency")
        budgetIntervalMilliseconds = node.milliseconds("budgetInterval")
        location = node.location
    }
}

// MARK: - Balancing

extension LoadBalancer {
    init(_ node: YAMLNode) {
        simple = node.choice("simple", Simple.self)
        consistentHash = node.object("consistentHash", ConsistentHash.init)
        localityLbSetting = node.object("localityLbSetting", Locality.init)
        hasZoneFailover = node["zoneAwareLbSetting"]?["failover"] != nil
        warmup = node.object("warmup", Warmup.init)
        warmupDurationSecsMilliseconds = node.milliseconds("warmupDurationSecs")
        location = node.location
    }
}

extension LoadBalancer.Warmup {
    init(_ node: YAMLNode) {
        durationMilliseconds = node.milliseconds("duration")
        minimumPercent = node.number("minimumPercent")
        aggression = node.number("aggression")
        location = node.location
    }
}

extension LoadBalancer.Locality {
    init(_ node: YAMLNode) {
        enabled = node.bool("enabled")
        distribute = node.list("distribute") { node in
            var part = Distribute()
            part.from = node.string("from")
            for entry in node["to"]?.entries ?? [] { part.to[entry.key] = entry.value.integer ?? 0 }
            part.location = node.location
            return part
        }
        failover = node.list("failover") { node in
            var part = Failover()
            part.from = node.string("from")
            part.to = node.string("to")
            part.location = node.location
            return part
        }
        failoverPriority = node.strings("failoverPriority")
        location = node.location
    }
}

extension ConsistentHash {
    init(_ node: YAMLNode) {
        if let name = node.text("httpHeaderName") {
            key = .header(name)
        } else if let cookie = node["httpCookie"] {
            key = .cookie(Cookie(cookie))
        } else if node.bool("useSourceIp") == true {
            key = .sourceIP
        } else if let name = node.text("httpQueryParameterName") {
            key = .queryParameter(name)
        }
        if let maglev = node["maglev"] {
            algorithm = .maglev(tableSize: maglev.int("tableSize"))
        } else {
            algorithm = .ringHash(minimumRingSize: (node["ringHash"] ?? node).int("minimumRingSize"))
            usesOldRingSize = node["minimumRingSize"] != nil
        }
        location = node.location
    }
}

extension ConsistentHash.Cookie {
    init(_ node: YAMLNode) {
        name = node.string("name")
        path = node.string("path")
        ttlMilliseconds = node.milliseconds("ttl")
        attributes = node.list("attributes") {
            HeaderValue(name: $0.string("name"), value: $0.string("value"), location: $0.location)
        }
    }
}

// MARK: - Limits

extension ConnectionPool {
    init(_ node: YAMLNode) {
        tcp = node.object("tcp", TCP.init)
        http = node.object("http", HTTP.init)
        location = node.location
    }
}

extension ConnectionPool.TCP {
    init(_ node: YAMLNode) {
        maxConnections = node.int("maxConnections")
        connectTimeoutMilliseconds = node.milliseconds("connectTimeout")
        tcpKeepalive = node.object("tcpKeepalive", ConnectionPool.Keepalive.init)
        maxConnectionDurationMilliseconds = node.milliseconds("maxConnectionDuration")
        idleTimeoutMilliseconds = node.milliseconds("idleTimeout")
        location = node.location
    }
}

extension ConnectionPool.Keepalive {
    init(_ node: YAMLNode) {
        probes = node.int("probes")
        timeMilliseconds = node.milliseconds("time")
        intervalMilliseconds = node.milliseconds("interval")
    }
}

extension ConnectionPool.HTTP {
    init(_ node: YAMLNode) {
        http1MaxPendingRequests = node.int("http1MaxPendingRequests")
        http2MaxRequests = node.int("http2MaxRequests")
        maxRequestsPerConnection = node.int("maxRequestsPerConnection")
        maxRetries = node.int("maxRetries")
        idleTimeoutMilliseconds = node.milliseconds("idleTimeout")
        h2UpgradePolicy = node.string("h2UpgradePolicy")
        useClientProtocol = node.bool("useClientProtocol") ?? false
        maxConcurrentStreams = node.int("maxConcurrentStreams")
        http2KeepAlive = node.object("http2KeepAlive") { node in
            var keepalive = ConnectionPool.HTTP2Keepalive()
            keepalive.intervalMilliseconds = node.milliseconds("interval")
            keepalive.timeoutMilliseconds = node.milliseconds("timeout")
            return keepalive
        }
        location = node.location
    }
}

extension OutlierDetection {
    init(_ node: YAMLNode) {
        consecutive5xxErrors = node.int("consecutive5xxErrors")
        consecutiveGatewayErrors = node.int("consecutiveGatewayErrors")
        consecutiveLocalOriginFailures = node.int("consecutiveLocalOriginFailures")
        splitExternalLocalOriginErrors = node.bool("splitExternalLocalOriginErrors") ?? false
        intervalMilliseconds = node.milliseconds("interval")
        baseEjectionTimeMilliseconds = node.milliseconds("baseEjectionTime")
        maxEjectionPercent = node.int("maxEjectionPercent")
        minHealthPercent = node.int("minHealthPercent")
        outlierDetectionHttpErrorCodes = node.list("outlierDetectionHttpErrorCodes") { $0.integer ?? 0 }
        location = node.location
    }
}

extension ClientTLS {
    init(_ node: YAMLNode) {
        mode = node.choice("mode", Mode.self) ?? .disable
        clientCertificate = node.path("clientCertificate")
        privateKey = node.path("privateKey")
        caCertificates = node.path("caCertificates")
        caCrl = node.path("caCrl")
        credentialName = node.string("credentialName")
        subjectAltNames = node.strings("subjectAltNames")
        sni = node.string("sni")
        insecureSkipVerify = node.bool("insecureSkipVerify")
        location = node.location
    }
}
