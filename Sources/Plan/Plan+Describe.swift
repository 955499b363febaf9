import Clusters
import Routing

extension Plan {
    /// The whole plan for people: listeners, route configurations in evaluation order, clusters with their endpoints. Equal plans
    /// give equal texts, so a test may freeze one. What has its default value is left out.
    package func describe() -> String {
        var text = Outline()
        text.line(
            0, "proxy \(identity.name).\(identity.namespace) \(identity.mode.rawValue)", Self.pairs(identity.labels))
        for listener in listeners {
            describe(listener, into: &text)
        }
        for configuration in routeConfigurations { describe(configuration, into: &text) }
        for cluster in clusters { cluster.describe(into: &text) }
        return text.text
    }

    /// A listener that takes everything for plain HTTP is one line.
    private func describe(_ listener: ListenerSpec, into text: inout Outline) {
        let head = "listener \(listener.name) on \(listener.address)"
        let tail = ["port \(listener.servicePort)", listener.origin].filter { !$0.isEmpty }.joined(separator: "  ")
        if listener.chains.count == 1, let chain = listener.chains.first, chain.takesEverything, chain.tls == nil,
            case .http(let routes) = chain.action
        {
            return text.line(0, head, listener.role.rawValue, "routes \(tableName(routes))", tail)
        }
        text.line(0, head, listener.role.rawValue, tail)
        for chain in listener.chains {
            text.line(1, "chain \(chain.name)", chain.condition, chain.tls?.sentence ?? "", chain.origin)
            switch chain.action {
            case .http(let routes): text.line(2, "http routes \(tableName(routes))")
            case .tcp(let route):
                text.line(
                    2, "tcp",
                    route.idleTimeoutMilliseconds == 3_600_000 ? "" : "idle \(route.idleTimeoutMilliseconds) ms",
                    route.provenance.description)
                for destination in route.destinations {
                    text.line(
                        3, "to \(name(of: destination.cluster))",
                        route.destinations.count > 1 ? "weight \(destination.weight)" : "")
                }
            }
        }
    }

    private func tableName(_ index: Int) -> String {
        routeConfigurations.indices.contains(index) ? routeConfigurations[index].name : "missing"
    }

    private func describe(_ configuration: RouteConfigurationSpec, into text: inout Outline) {
        text.line(0, "routes \(configuration.name)", configuration.matchesPort ? "by host:port" : "")
        for host in configuration.virtualHosts {
            text.line(1, "virtual host \(host.name)", host.requiresTLS ? "https only" : "", host.provenance.description)
            text.line(2, "domains " + host.domains.joined(separator: " "))
            for (index, route) in host.routes.enumerated() {
                let name = route.name.isEmpty ? "" : "named \(route.name)"
                text.line(2, "\(index + 1). \(route.sentence)", name, route.provenance.description)
                describe(route.action, into: &text)
                route.responseHeaders.describe("response", level: 3, into: &text)
            }
        }
    }

    private func describe(_ action: RouteAction, into text: inout Outline) {
        switch action {
        case .forward(let forward):
            for destination in forward.destinations {
                text.line(
                    3, "to \(name(of: destination.cluster))",
                    forward.destinations.count > 1 ? "weight \(destination.weight)" : "")
                destination.requestHeaders.describe("request", level: 4, into: &text)
                destination.responseHeaders.describe("response", level: 4, into: &text)
            }
            forward.requestHeaders.describe("request", level: 3, into: &text)
            let rewrite = forward.rewrite
            if let uri = rewrite.uri { text.line(3, "rewrite path to \(uri)") }
            if let regex = rewrite.regex { text.line(3, "rewrite path \(regex) to \(rewrite.regexReplacement ?? "")") }
            if let authority = rewrite.authority { text.line(3, "rewrite authority to \(authority)") }
            if let timeout = forward.timeoutMilliseconds { text.line(3, "timeout \(timeout) ms") }
            if forward.retry != .istioDefault { text.line(3, forward.retry.sentence) }
            for mirror in forward.mirrors {
                text.line(3, "mirror to \(name(of: mirror.cluster))", "\(mirror.partsPerMillion) ppm")
            }
        case .redirect(let redirect):
            let parts = [
                redirect.scheme.map { "scheme \($0)" }, redirect.authority.map { "authority \($0)" },
                redirect.port.map { "port \($0)" }, redirect.uri.map { "uri \($0)" },
                redirect.prefixRewrite.map { "prefix \($0)" },
            ]
            text.line(3, "redirect \(redirect.status)", parts.compactMap { $0 }.joined(separator: ", "))
        case .direct(let direct):
            text.line(3, "answer \(direct.status)", direct.body.map { "\($0.count) bytes" } ?? "")
        }
    }

    private func name(of cluster: ClusterReference) -> String {
        switch cluster {
        case .index(let index): clusters.indices.contains(index) ? clusters[index].name : "cluster \(index), missing"
        case .unknown(let name): "\(name), unknown"
        case .passthrough: "PassthroughCluster"
        }
    }

    static func pairs(_ labels: [String: String]) -> String {
        labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}

/// Lines with two blanks a level and their parts apart by two blanks; empty parts are left out.
struct Outline {
    private(set) var text = ""

    mutating func line(_ level: Int, _ parts: String...) {
        text += String(repeating: "  ", count: level)
        text += parts.filter { !$0.isEmpty }.joined(separator: "  ")
        text += "\n"
    }
}

extension ClusterSpec {
    fileprivate func describe(into text: inout Outline) {
        text.line(0, "cluster \(name)", balancer.rawValue, resolution == .fixed ? "" : "\(resolution)", origin)
        if speaks != .http1 { text.line(1, "speaks \(speaks.sentence)") }
        if let tls { text.line(1, tls.sentence) }
        if limits != ClusterLimits() {
            let parts = [
                ("connections", limits.connectionsMax), ("pending", limits.pendingMax),
                ("requests", limits.requestsMax), ("retries", limits.retriesMax),
            ].filter { $0.1 != ClusterLimits().connectionsMax }
            text.line(1, "limits " + parts.map { "\($0.0) \($0.1)" }.joined(separator: ", "))
        }
        if let outlier {
            text.line(
                1, "ejects after \(outlier.consecutive5xx) 5xx, \(outlier.consecutiveGatewayErrors) gateway errors",
                "every \(outlier.intervalMilliseconds) ms for \(outlier.baseEjectionMilliseconds) ms",
                "at most \(outlier.ejectionPercentMax) %")
        }
        for endpoint in endpoints {
            let address =
                switch endpoint.address {
                case .socket(let socket): "\(socket)"
                case .name(let name, let port): "\(name):\(port)"
                }
            text.line(
                1, "endpoint \(address)", endpoint.weight == 1 ? "" : "weight \(endpoint.weight)",
                endpoint.locality.isEmpty ? "" : "in \(endpoint.locality)", endpoint.isUnhealthy ? "not ready" : "",
                tls != nil && endpoint.isPlain ? "plain text" : "",
                endpoint.workload, endpoint.version)
        }
    }
}

extension RouteSpec {
    /// The conditions in one line: `path prefix "/a", header x exact "1"`.
    fileprivate var sentence: String {
        var parts = path == .any ? [] : ["path \(path)"]
        if let method { parts.append("method \(method)") }
        if let authority { parts.append("authority \(authority)") }
        if let scheme { parts.append("scheme \(scheme)") }
        parts += headers.map { "\($0.isInverted ? "not " : "")header \($0.name) \($0.match)" }
        parts += queryParameters.map { "query \($0.name) \($0.match)" }
        return parts.isEmpty ? "everything" : parts.joined(separator: ", ")
    }
}

extension HeaderOperations {
    fileprivate func describe(_ side: String, level: Int, into text: inout Outline) {
        for name in remove { text.line(level, "\(side) remove \(name)") }
        for header in set { text.line(level, "\(side) set \(header.name): \(header.value)") }
        for header in add { text.line(level, "\(side) add \(header.name): \(header.value)") }
        if let authority { text.line(level, "\(side) authority \(authority)") }
    }
}

extension RetryPolicy {
    fileprivate var sentence: String {
        if attempts == 0 { return "no retries" }
        var parts = [
            "retries \(attempts) on \((conditions.names + statusCodes.map(String.init)).joined(separator: ","))"
        ]
        if let perTryTimeoutMilliseconds { parts.append("each within \(perTryTimeoutMilliseconds) ms") }
        if backoffMilliseconds != 25 { parts.append("back-off \(backoffMilliseconds) ms") }
        if !ignoresPreviousHosts { parts.append("the same host again") }
        if triesRemoteLocalities { parts.append("remote localities too") }
        return parts.joined(separator: ", ")
    }
}
