// Rules that no request can reach. Istio's heuristic has false positives, so these are warnings only.

extension Findings {
    mutating func checkReachability(_ service: VirtualService) {
        var earlier: [HTTPMatch] = []
        var catchAll: SourceLocation?
        for route in service.http {
            if let catchAll {
                warn(
                    "this rule is never reached: the rule in line \(catchAll.line) takes every request",
                    at: route.location)
            }
            var ineffective = 0
            for match in route.match {
                if let (other, reason) = Self.cover(of: match, among: earlier) {
                    ineffective += 1
                    warn("this match never decides: \(reason) in line \(other.location.line)", at: match.location)
                }
                earlier.append(match)
            }
            if catchAll == nil, !route.match.isEmpty, ineffective == route.match.count {
                warn("this rule is never reached: earlier ones take its requests", at: route.location)
            }
            if route.match.isEmpty, catchAll == nil { catchAll = route.location }
        }
        checkReachability(service.tls.map { ($0.match, $0.location) })
        checkReachability(service.tcp.map { ($0.match, $0.location) })
    }

    private mutating func checkReachability(_ routes: [(match: [L4Match], location: SourceLocation)]) {
        guard let first = routes.firstIndex(where: { $0.match.isEmpty }) else { return }
        for route in routes[(first + 1)...] {
            warn(
                "this rule is never reached: the rule in line \(routes[first].location.line) takes every connection",
                at: route.location)
        }
    }

    /// An earlier match that takes all requests of this one, and how.
    private static func cover(of match: HTTPMatch, among earlier: [HTTPMatch]) -> (HTTPMatch, String)? {
        // Quadratic, so bounded: a VirtualService with more matches than this is not searched to its end.
        for other in earlier.suffix(200) {
            if other.isSame(as: match) { return (other, "an equal one stands") }
            if other.covers(match) { return (other, "a shorter prefix takes its requests") }
        }
        return nil
    }
}

extension HTTPMatch {
    /// Equal but for its name and place.
    fileprivate func isSame(as other: HTTPMatch) -> Bool {
        guard uri == other.uri, method == other.method, port == other.port else { return false }
        var left = self
        var right = other
        for match in [\HTTPMatch.headers, \.withoutHeaders, \.queryParams] {
            left[keyPath: match] = left[keyPath: match].withoutPlaces
            right[keyPath: match] = right[keyPath: match].withoutPlaces
        }
        left.name = right.name
        left.location = right.location
        return left == right
    }

    /// A shorter prefix with conditions that hold whenever the other's do.
    fileprivate func covers(_ other: HTTPMatch) -> Bool {
        guard case .prefix(let shorter) = uri, case .prefix(let longer) = other.uri, longer.hasPrefix(shorter),
            longer != shorter, port == other.port, ignoreUriCase == other.ignoreUriCase, gateways == other.gateways,
            sourceLabels == other.sourceLabels, sourceNamespace == other.sourceNamespace
        else { return false }
        return covers(scheme, other.scheme) && covers(method, other.method) && covers(authority, other.authority)
            && headers.withoutPlaces == other.headers.withoutPlaces
            && withoutHeaders.withoutPlaces == other.withoutHeaders.withoutPlaces
            && queryParams.withoutPlaces == other.queryParams.withoutPlaces
    }

    private func covers(_ wide: StringMatch?, _ narrow: StringMatch?) -> Bool { wide == nil || wide == narrow }
}

extension [NamedMatch] {
    fileprivate var withoutPlaces: [NamedMatch] {
        map { NamedMatch(name: $0.name, match: $0.match) }.sorted { $0.name < $1.name }
    }
}
