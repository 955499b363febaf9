extension Findings {
    mutating func check(_ rule: DestinationRule) {
        if rule.host.isEmpty {
            error("a DestinationRule needs a host")
        } else if !Names.isWildcardDomain(rule.host) {
            error("the host \(rule.host.quotedForMessage) is not a name of a service")
        }
        if let policy = rule.trafficPolicy { check(policy) }
        var names: Set<String> = []
        for subset in rule.subsets {
            if !Names.isLabel(subset.name) {
                error("the subset name \(subset.name.quotedForMessage) is not a DNS label", at: subset.location)
            } else if !names.insert(subset.name).inserted {
                error(
                    "two subsets are named \(subset.name.quotedForMessage)", at: subset.location,
                    fix: "keep one of them")
            }
            check(labels: subset.labels, of: "the subset", at: subset.location)
            if let policy = subset.trafficPolicy { check(policy) }
        }
        check(exportTo: rule.exportTo, namespace: rule.metadata.namespace)
        _ = check(workloadSelector: rule.workloadSelector)
    }

    private mutating func check(_ policy: TrafficPolicy) {
        let hasBlock =
            policy.loadBalancer != nil || policy.connectionPool != nil || policy.outlierDetection != nil
            || policy.tls != nil || policy.tunnel != nil || policy.proxyProtocol != nil || policy.retryBudget != nil
        if !hasBlock, policy.portLevelSettings.isEmpty { error("a trafficPolicy is empty", at: policy.location) }
        check(policy.loadBalancer, outlierDetection: policy.outlierDetection)
        if let pool = policy.connectionPool { check(pool) }
        if let detection = policy.outlierDetection { check(detection) }
        if let tls = policy.tls { check(tls) }
        if let tunnel = policy.tunnel { check(tunnel) }
        if let percent = policy.retryBudget?.percent, !(0...100).contains(percent) {
            error("retryBudget.percent is \(percent), outside 0…100", at: policy.retryBudget?.location)
        }
        var ports: Set<Int> = []
        for level in policy.portLevelSettings {
            check(port: level.port, of: "portLevelSettings' port.number", at: level.location)
            if !ports.insert(level.port).inserted {
                warn("portLevelSettings names port \(level.port) twice, and the first holds", at: level.location)
            }
            check(level.loadBalancer, outlierDetection: level.outlierDetection)
            if let pool = level.connectionPool { check(pool) }
            if let detection = level.outlierDetection { check(detection) }
            if let tls = level.tls { check(tls) }
        }
    }

    private mutating func check(_ tunnel: TrafficPolicy.Tunnel) {
        if !["", "CONNECT", "POST"].contains(tunnel.protocol) {
            error(
                "tunnel.protocol is \(tunnel.protocol.quotedForMessage), neither CONNECT nor POST", at: tunnel.location)
        }
        if !Names.isFQDN(tunnel.targetHost), !Names.isAddress(tunnel.targetHost) {
            error("tunnel.targetHost is neither a domain nor an address", at: tunnel.location)
        }
        check(port: tunnel.targetPort, of: "tunnel.targetPort", at: tunnel.location)
    }
}

// MARK: - Blocks

extension Findings {
    mutating func check(_ pool: ConnectionPool) {
        if pool.tcp == nil, pool.http == nil { error("a connectionPool is empty", at: pool.location) }
        if let tcp = pool.tcp {
            check(count: tcp.maxConnections, "maxConnections", at: tcp.location)
        }
        guard let http = pool.http else { return }
        check(count: http.http1MaxPendingRequests, "http1MaxPendingRequests", at: http.location)
        check(count: http.http2MaxRequests, "http2MaxRequests", at: http.location)
        check(count: http.maxRequestsPerConnection, "maxRequestsPerConnection", at: http.location)
        check(count: http.maxRetries, "maxRetries", at: http.location)
        check(count: http.maxConcurrentStreams, "maxConcurrentStreams", at: http.location)
        if http.useClientProtocol, http.h2UpgradePolicy == "UPGRADE" {
            error("useClientProtocol and h2UpgradePolicy UPGRADE contradict each other", at: http.location)
        }
        if let keepalive = http.http2KeepAlive,
            keepalive.intervalMilliseconds == nil || keepalive.timeoutMilliseconds == nil
        {
            error("http2KeepAlive needs both interval and timeout", at: http.location)
        }
    }

    private mutating func check(count: Int?, _ name: String, at place: SourceLocation) {
        if let count, count < 0 { error("\(name) is \(count), less than none", at: place) }
    }

    private mutating func check(_ detection: OutlierDetection) {
        if detection.consecutiveLocalOriginFailures ?? 0 > 0, !detection.splitExternalLocalOriginErrors {
            error(
                "consecutiveLocalOriginFailures counts only with splitExternalLocalOriginErrors",
                at: detection.location,
                fix: "set splitExternalLocalOriginErrors: true")
        }
    }

    private mutating func check(_ balancer: LoadBalancer?, outlierDetection: OutlierDetection?) {
        guard let balancer else { return }
        if let hash = balancer.consistentHash { check(hash) }
        if let locality = balancer.localityLbSetting { check(locality, outlierDetection: outlierDetection) }
        if balancer.hasZoneFailover, outlierDetection == nil {
            warn("failover between zones needs outlierDetection", at: balancer.location)
        }
        if let warmup = balancer.warmup {
            if warmup.durationMilliseconds == nil { error("warmup has no duration", at: warmup.location) }
            if let percent = warmup.minimumPercent, !(0...100).contains(percent) {
                error("warmup.minimumPercent is \(percent), outside 0…100", at: warmup.location)
            }
            if let aggression = warmup.aggression, aggression < 1 {
                error("warmup.aggression is \(aggression), below 1", at: warmup.location)
            }
        }
    }

    private mutating func check(_ hash: ConsistentHash) {
        if hash.usesOldRingSize {
            warn(
                "minimumRingSize belongs into ringHash", at: hash.location, fix: "write ringHash: {minimumRingSize: …}")
        }
        if case .cookie(let cookie) = hash.key {
            if cookie.name.isEmpty { error("httpCookie has no name", at: hash.location) }
            var names: Set<String> = []
            for attribute in cookie.attributes {
                if attribute.name.isEmpty {
                    error("an attribute of httpCookie has no name", at: attribute.location)
                } else if !names.insert(attribute.name).inserted {
                    error(
                        "httpCookie has the attribute \(attribute.name.quotedForMessage) twice", at: attribute.location)
                }
            }
        }
        if case .maglev(let size?) = hash.algorithm, size != 0, !Self.isPrime(size) {
            error("maglev.tableSize is \(size), which is not a prime number", at: hash.location)
        }
    }

    private static func isPrime(_ number: Int) -> Bool {
        guard number > 3 else { return number > 1 }
        guard !number.isMultiple(of: 2) else { return false }
        var divisor = 3
        // At most 2^15 steps: the schema bounds table sizes by 2^32.
        while divisor &* divisor <= number {
            if number.isMultiple(of: divisor) { return false }
            divisor += 2
        }
        return true
    }

    private mutating func check(_ locality: LoadBalancer.Locality, outlierDetection: OutlierDetection?) {
        if !locality.distribute.isEmpty, !locality.failover.isEmpty || !locality.failoverPriority.isEmpty {
            error("localityLbSetting has both distribute and failover", at: locality.location, fix: "keep one of them")
        }
        for distribute in locality.distribute {
            let total = distribute.to.values.reduce(0, { $0.addingReportingOverflow($1).partialValue })
            if total != 100 { error("distribute's shares add up to \(total), not to 100", at: distribute.location) }
        }
        for failover in locality.failover where failover.from == failover.to {
            error("failover leads from \(failover.from.quotedForMessage) to itself", at: failover.location)
        }
        if outlierDetection == nil, !locality.failover.isEmpty || !locality.failoverPriority.isEmpty {
            warn("failover between localities needs outlierDetection", at: locality.location)
        }
    }

    private mutating func check(_ tls: ClientTLS) {
        let place = tls.location
        let skips = tls.insecureSkipVerify == true
        if skips, tls.mode == .simple,
            !tls.caCertificates.isEmpty || !tls.credentialName.isEmpty || !tls.subjectAltNames.isEmpty
        {
            error(
                "insecureSkipVerify verifies nothing, but caCertificates, credentialName or subjectAltNames say what",
                at: place)
        }
        if tls.mode == .mutual {
            if skips, !tls.caCertificates.isEmpty || !tls.subjectAltNames.isEmpty {
                error("insecureSkipVerify verifies nothing, but caCertificates or subjectAltNames say what", at: place)
            }
            if tls.credentialName.isEmpty, tls.clientCertificate.isEmpty || tls.privateKey.isEmpty {
                error("mode MUTUAL needs clientCertificate and privateKey, or credentialName", at: place)
            }
            if !tls.credentialName.isEmpty, !tls.clientCertificate.isEmpty || !tls.privateKey.isEmpty {
                error("tls has both credentialName and files", at: place, fix: "keep one of them")
            }
        }
        if tls.mode == .istioMutual,
            !tls.clientCertificate.isEmpty || !tls.privateKey.isEmpty || !tls.caCertificates.isEmpty
                || !tls.credentialName.isEmpty
        {
            error("mode ISTIO_MUTUAL uses the mesh's own certificates", at: place, fix: "remove the others")
        }
    }
}
