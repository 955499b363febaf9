import Istio
import Regex
import Routing

/// From the rules of a VirtualService to routes: one for each match block that can hold for this proxy and port, in order.
final class RouteCompiler {
    let proxy: ProxyResource
    let registry: ServiceRegistry
    let catalog: ClusterCatalog
    let findings: Findings
    private let defaultRetry: RetryPolicy
    /// What is wrong with each expression that was seen; nil: nothing.
    private var expressions: [String: String?] = [:]

    init(proxy: ProxyResource, registry: ServiceRegistry, catalog: ClusterCatalog, findings: Findings) {
        self.proxy = proxy
        self.registry = registry
        self.catalog = catalog
        self.findings = findings
        defaultRetry =
            proxy.meshConfig.defaultHttpRetryPolicy.map {
                RetryPolicy($0, under: .istioDefault, timeoutMilliseconds: nil)
            } ?? .istioDefault
    }

    /// The routes, up to the first that takes everything. Empty: no rule can hold here.
    func routes(of rules: VirtualRules, in scope: RouteScope) -> [RouteSpec] {
        var routes: [RouteSpec] = []
        for (index, rule) in rules.http.enumerated() {
            let blocks = rule.route.match.isEmpty ? [HTTPMatch()] : rule.route.match
            let admitted = blocks.indices.filter { admits(blocks[$0], in: scope) }
            guard !admitted.isEmpty, let action = action(of: rule, in: scope) else { continue }
            for position in admitted {
                let provenance = rule.matchProvenance[position]
                guard var route = route(blocks[position], rule, provenance, action) else { continue }
                route.responseHeaders = HeaderOperations(
                    response: rule.route.headers.response, of: provenance, findings: findings)
                routes.append(route)
                guard route.isCatchAll else { continue }
                // A block that serves only some proxies or ports leaves the rest to others; an entry without any is told of
                // when the resource is validated.
                if !rule.route.match.isEmpty, blocks[position].isUnconditional {
                    warnUnreachable(after: position, of: rule, rules.http[(index + 1)...], provenance)
                }
                return routes
            }
        }
        return routes
    }

    /// The route of a service that no VirtualService speaks of.
    func defaultRoute(to service: MeshService, port: MeshService.Port) -> RouteSpec {
        RouteSpec(
            name: "default",
            action: .forward(
                ForwardAction(
                    destinations: [Routing.Destination(cluster: catalog.reference(to: service, port: port))],
                    retry: defaultRetry)),
            provenance: Provenance(service.id, at: service.location))
    }

    // MARK: - Matching

    /// The selectors that are decided here and now.
    private func admits(_ match: HTTPMatch, in scope: RouteScope) -> Bool {
        if let port = match.port, port != scope.matchPort { return false }
        // With `gateways` the two other selectors are not looked at.
        if !match.gateways.isEmpty { return match.gateways.contains(scope.gateway) }
        if !match.sourceNamespace.isEmpty, match.sourceNamespace != proxy.metadata.namespace { return false }
        return proxy.metadata.labels.contains(match.sourceLabels)
    }

    /// nil: the block can never hold, or an expression in it cannot be compiled.
    private func route(
        _ match: HTTPMatch, _ rule: VirtualRules.Rule, _ provenance: Provenance, _ action: RouteAction
    ) -> RouteSpec? {
        let name = rule.route.name + (match.name.isEmpty ? "" : "." + match.name)
        var route = RouteSpec(name: name, action: action, provenance: provenance)
        route.path = path(match)
        route.method = match.method.map(Routing.StringMatch.init)
        route.authority = match.authority.map(Routing.StringMatch.init)
        route.scheme = match.scheme.map(Routing.StringMatch.init)
        for (headers, isInverted) in [(match.headers, false), (match.withoutHeaders, true)] {
            for header in headers {
                if header.name.hasPrefix("@") {
                    findings.warn(
                        header.location, provenance.id,
                        "\(provenance.rule): claims of tokens are not read: the condition on '\(header.name)' \(isInverted ? "always holds" : "never holds")"
                    )
                    if isInverted { continue }
                    return nil
                }
                let name = header.name.lowercased()
                route.headers.append(
                    Routing.NamedMatch(
                        name: name == "host" ? ":authority" : name, match: Routing.StringMatch(header.match),
                        isInverted: isInverted))
            }
        }
        route.queryParameters = match.queryParams.map {
            Routing.NamedMatch(name: $0.name, match: Routing.StringMatch($0.match))
        }
        guard route.expressions.allSatisfy({ compiles($0, at: provenance) }) else { return nil }
        return route
    }

    private func path(_ match: HTTPMatch) -> PathMatch {
        switch match.uri {
        case nil, .present: .any
        case .exact(let text): .exact(text, ignoreCase: match.ignoreUriCase)
        case .prefix(let text): .prefix(text, ignoreCase: match.ignoreUriCase)
        case .regex("*"): .any
        case .regex(let text): .regex(text)
        }
    }

    /// Whether RE2 takes the expression; tells it once for each place if not.
    private func compiles(_ expression: String, at provenance: Provenance) -> Bool {
        let problem: String?
        if let known = expressions[expression] {
            problem = known
        } else {
            problem = Self.problem(of: expression)
            expressions[expression] = .some(problem)
        }
        guard let problem else { return true }
        findings.fail(
            SourceLocation(file: provenance.file, line: provenance.line), provenance.id,
            "\(provenance.rule): the expression '\(expression)' cannot be used (\(problem)): the block is left out",
            fix: "RE2 has neither look-around nor back-references")
        return false
    }

    private static func problem(of expression: String) -> String? {
        do {
            _ = try Pattern(expression)
            return nil
        } catch {
            return error.reason
        }
    }

    private func warnUnreachable(
        after position: Int, of rule: VirtualRules.Rule, _ rest: ArraySlice<VirtualRules.Rule>, _ cause: Provenance
    ) {
        var lost = rule.matchProvenance.dropFirst(position + 1).map { $0 }
        lost += rest.map(\.provenance)
        for provenance in lost {
            findings.warn(
                SourceLocation(file: provenance.file, line: provenance.line), provenance.id,
                "\(provenance.rule) is never reached: \(cause.rule) takes every request before it",
                fix: "put the rule that takes everything last")
        }
    }

    // MARK: - Actions

    /// nil: the entry does nothing, or nothing that can be done.
    private func action(of rule: VirtualRules.Rule, in scope: RouteScope) -> RouteAction? {
        let route = rule.route
        if let redirect = route.redirect { return self.redirect(redirect, rule.provenance, in: scope) }
        if let direct = route.directResponse {
            return .direct(DirectAction(status: direct.status, body: direct.body.isEmpty ? nil : direct.body))
        }
        guard !route.route.isEmpty else { return nil }
        if let pattern = route.rewrite?.uriRegexRewrite, !compiles(pattern.match, at: rule.provenance) { return nil }
        var forward = ForwardAction(destinations: route.route.map { destination($0, rule, in: scope) })
        forward.requestHeaders = HeaderOperations(
            request: route.headers.request, of: rule.provenance, findings: findings)
        if let rewrite = route.rewrite {
            forward.rewrite = Routing.Rewrite(
                uri: rewrite.uri, regex: rewrite.uriRegexRewrite?.match,
                regexReplacement: rewrite.uriRegexRewrite?.rewrite, authority: rewrite.authority)
        }
        forward.timeoutMilliseconds = route.timeoutMilliseconds.flatMap { $0 > 0 ? $0 : nil }
        forward.retry =
            route.retries.map {
                RetryPolicy($0, under: defaultRetry, timeoutMilliseconds: forward.timeoutMilliseconds)
            } ?? defaultRetry
        forward.mirrors = route.mirrors.compactMap { mirror in
            let share = min(max(mirror.percentage, 0), 100)
            guard share > 0 else { return nil }
            return Routing.Mirror(
                cluster: cluster(mirror.destination, rule.provenance, in: scope),
                partsPerMillion: Int((share * 10_000).rounded()))
        }
        return .forward(forward)
    }

    private func destination(
        _ destination: RouteDestination, _ rule: VirtualRules.Rule, in scope: RouteScope
    ) -> Routing.Destination {
        Routing.Destination(
            cluster: cluster(destination.destination, rule.provenance, in: scope), weight: max(destination.weight, 0),
            requestHeaders: HeaderOperations(
                request: destination.headers.request, of: rule.provenance, findings: findings),
            responseHeaders: HeaderOperations(
                response: destination.headers.response, of: rule.provenance, findings: findings))
    }

    private func cluster(
        _ destination: Istio.Destination, _ provenance: Provenance, in scope: RouteScope
    ) -> ClusterReference {
        let service = catalog.service(destination.host)
        var port = destination.port
        if port == nil, scope.prefersOnlyPort, let service, service.ports.count == 1 { port = service.ports[0].number }
        return catalog.reference(
            host: service?.hostname ?? destination.host, port: port ?? scope.port, subset: destination.subset,
            asked: (destination.location, provenance))
    }

    private func redirect(_ redirect: Redirect, _ provenance: Provenance, in scope: RouteScope) -> RouteAction? {
        let status = redirect.redirectCode ?? 301
        guard [0, 301, 302, 303, 307, 308].contains(status) else {
            findings.fail(
                redirect.location, provenance.id,
                "\(provenance.rule): a redirect with status \(status) cannot be sent: the rule is left out",
                fix: "use 301, 302, 303, 307 or 308")
            return nil
        }
        return .redirect(
            RedirectAction(
                scheme: redirect.scheme, authority: redirect.authority,
                port: redirect.derivePort == .fromRequestPort ? scope.port : redirect.port, uri: redirect.uri,
                prefixRewrite: redirect.prefixRewrite, status: status == 0 ? 301 : status))
    }
}

extension HTTPMatch {
    /// Whether the block holds for every proxy and port.
    fileprivate var isUnconditional: Bool {
        port == nil && gateways.isEmpty && sourceLabels.isEmpty && sourceNamespace.isEmpty
    }
}
