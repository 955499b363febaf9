extension Findings {
    mutating func check(_ route: HTTPRoute, isDelegate: Bool, isMeshBound: Bool) {
        checkAction(route, isDelegate: isDelegate)
        for match in route.match { check(match, isMeshBound: isMeshBound) }
        check(destinations: route.route, at: route.location)
        for mirror in route.mirrors { check(mirror.destination, at: mirror.location) }
        check(route.headers)
        checkAuthority(route)
        if let rewrite = route.rewrite { check(rewrite) }
        if let redirect = route.redirect { check(redirect, of: route) }
        if let response = route.directResponse { check(response) }
        if let retries = route.retries { check(retries) }
        if let fault = route.fault { check(fault) }
        if let policy = route.corsPolicy { check(policy) }
    }

    private mutating func checkAction(_ route: HTTPRoute, isDelegate: Bool) {
        let place = route.location
        if route.delegate != nil {
            if isDelegate {
                error("a delegate's rule delegates again", at: place)
            } else {
                if !route.route.isEmpty {
                    error("a rule has both delegate and route", at: place, fix: "keep one of them")
                }
                if route.redirect != nil {
                    error("a rule has both delegate and redirect", at: place, fix: "keep one of them")
                }
            }
            if !isDelegate { return }
        }
        if route.redirect != nil {
            if !route.route.isEmpty { error("a rule has both redirect and route", at: place, fix: "keep one of them") }
            if route.fault != nil { error("a rule has both redirect and fault", at: place, fix: "keep one of them") }
            if route.rewrite != nil {
                error(
                    "a rule has both redirect and rewrite", at: place, fix: "redirect has uri and authority of its own")
            }
            if route.directResponse != nil {
                error("a rule has both redirect and directResponse", at: place, fix: "keep one of them")
            }
        } else if route.directResponse != nil {
            if !route.route.isEmpty {
                error("a rule has both directResponse and route", at: place, fix: "keep one of them")
            }
            if route.fault != nil {
                error("a rule has both directResponse and fault", at: place, fix: "keep one of them")
            }
            if route.rewrite != nil {
                error("a rule has both directResponse and rewrite", at: place, fix: "keep one of them")
            }
        } else if route.route.isEmpty {
            error("a rule does nothing", at: place, fix: "give it a route, a redirect, a directResponse or a delegate")
        }
    }

    /// The authority may be set in one place only; those of single destinations do not count.
    private mutating func checkAuthority(_ route: HTTPRoute) {
        let changes = route.headers.request.set + route.headers.request.add
        let headers = changes.filter { [":authority", "host"].contains($0.name.lowercased()) }
        let rewrites = route.rewrite?.authority.map { $0.isEmpty ? 0 : 1 } ?? 0
        if headers.count + rewrites > 1 {
            error("the authority is set more than once", at: headers.last?.location, fix: "keep one of them")
        }
    }

    private mutating func check(_ rewrite: Rewrite) {
        let hasURI = rewrite.uri?.isEmpty == false
        if !hasURI, rewrite.uriRegexRewrite == nil, rewrite.authority?.isEmpty != false {
            error("rewrite has none of uri, uriRegexRewrite and authority", at: rewrite.location)
        }
        guard let pattern = rewrite.uriRegexRewrite else { return }
        if hasURI { error("rewrite has both uri and uriRegexRewrite", at: rewrite.location, fix: "keep one of them") }
        if pattern.match.isEmpty || pattern.rewrite.isEmpty {
            error("uriRegexRewrite needs both match and rewrite", at: rewrite.location)
        } else if let problem = Names.problem(regex: pattern.match) {
            error(problem, at: rewrite.location)
        }
    }

    private mutating func check(_ redirect: Redirect, of route: HTTPRoute) {
        let place = redirect.location
        let hasURI = redirect.uri?.isEmpty == false
        let hasPrefix = redirect.prefixRewrite?.isEmpty == false
        if hasURI, hasPrefix { error("redirect has both uri and prefixRewrite", at: place, fix: "keep one of them") }
        if hasPrefix {
            for match in route.match {
                switch match.uri {
                case .exact, .regex: error("prefixRewrite needs every uri match to be a prefix", at: match.location)
                default: break
                }
            }
        }
        if !hasURI, !hasPrefix, redirect.authority?.isEmpty != false, redirect.scheme?.isEmpty != false,
            redirect.port == nil, redirect.derivePort == nil
        {
            error("redirect changes nothing", at: place, fix: "give it a uri, prefixRewrite, authority, scheme or port")
        }
        if redirect.port != nil, redirect.derivePort != nil {
            error("redirect has both port and derivePort", at: place, fix: "keep one of them")
        }
        if let code = redirect.redirectCode, code != 0, !(300...399).contains(code) {
            error("redirectCode is \(code), outside 300…399", at: place)
        }
        if let scheme = redirect.scheme, !scheme.isEmpty, scheme != "http", scheme != "https" {
            error("redirect's scheme is \(scheme.quotedForMessage), neither http nor https", at: place)
        }
        if let port = redirect.port, port > 65535 { error("redirect's port is \(port), above 65535", at: place) }
    }

    private mutating func check(_ response: DirectResponse) {
        if !(200...600).contains(response.status) {
            error("directResponse's status is \(response.status), outside 200…600", at: response.location)
        }
        if response.body.count > 1 << 20 {
            error("directResponse's body is larger than 1 MiB", at: response.location)
        } else if response.body.count > 100 << 10 {
            warn("directResponse's body is larger than 100 KiB", at: response.location)
        }
    }

    mutating func check(_ retries: Retries) {
        let place = retries.location
        if retries.attempts < 0 { error("retries.attempts is \(retries.attempts), less than none", at: place) }
        if retries.attempts == 0,
            retries.perTryTimeoutMilliseconds != nil || retries.retryOn?.isEmpty == false
                || retries.retryRemoteLocalities != nil
        {
            error("retries says how but not how often", at: place, fix: "set attempts, or remove the rest")
        }
        guard let conditions = retries.retryOn, !conditions.isEmpty else { return }
        for word in conditions.split(separator: ",", omittingEmptySubsequences: false) {
            let isStatus = Int(word).map(RetryWords.isStatus) ?? false
            if !isStatus, !RetryWords.conditions.contains(String(word)) {
                let nearest = Spelling.nearest(to: String(word), among: RetryWords.conditions.sorted())
                error(
                    "retryOn \(String(word).quotedForMessage) is neither a condition nor a status", at: place,
                    fix: nearest.map { "did you mean \($0)?" })
            }
        }
    }
}

/// What `retryOn` may say.
enum RetryWords {
    static let conditions: Set<String> = [
        "connect-failure", "refused-stream", "reset", "reset-before-request", "gateway-error", "5xx", "retriable-4xx",
        "retriable-status-codes", "retriable-headers", "envoy-ratelimited", "cancelled", "deadline-exceeded",
        "internal",
        "resource-exhausted", "unavailable", "http3-post-connect-failure",
    ]

    /// Whether a status has a registered meaning.
    static func isStatus(_ code: Int) -> Bool {
        switch code {
        case 100...103, 200...208, 226, 300...305, 307, 308, 400...418, 421...426, 428, 429, 431, 451, 500...508, 510,
            511:
            true
        default: false
        }
    }
}
