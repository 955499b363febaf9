import Wire

// Answers that a rule gives without an upstream. Each begins by resetting the answer's head. `content-length`, `date`
// and `server` are the caller's, as for every answer of its own.

extension RouteTable {
    // MARK: - Redirects

    /// Builds the answer of a redirecting route: status, `location`, the route's response operations; no body. Source:
    /// Istio's `redirect`.
    package func redirectReply(
        _ decision: Decision, request: Head, into response: Head, context: borrowing FormatContext
    ) {
        response.reset()
        guard decision.route >= 0, routes[decision.route].action == .redirect else { return }
        let redirect = redirects[routes[decision.route].answer]
        response.status = redirect.status
        let start = response.storageUsed
        let requestScheme: StaticString = request.schemeIsHTTPS ? "https" : "http"
        let scheme =
            redirect.scheme.isEmpty
            ? UnsafeRawBufferPointer(start: requestScheme.utf8Start, count: requestScheme.utf8CodeUnitCount)
            : text(redirect.scheme)
        _ = response.append(scheme)
        _ = response.append("://" as StaticString)
        let isHTTP = scheme.elementsEqual("http".utf8)
        let isHTTPS = scheme.elementsEqual("https".utf8)
        if redirect.authority.isEmpty {
            let host = keptHost(of: request, isHTTP: isHTTP, isHTTPS: isHTTPS, hasPort: redirect.port != 0)
            _ = response.append(request.bytes(host))
        } else {
            _ = response.append(text(redirect.authority))
        }
        if redirect.port != 0, !(isHTTP && redirect.port == 80), !(isHTTPS && redirect.port == 443) {
            response.appendByte(UInt8(ascii: ":"))
            response.appendNumber(Int64(redirect.port))
        }
        appendPath(redirect, decision.route, request: request, to: response)
        response.appendField(.location, value: Slice(offset: start, length: response.storageUsed - start))
        applyResponse(decision, to: response, request: request, context: context)
    }

    /// The request's Host as a redirect keeps it: without its port if the redirect names one, or if the scheme changes
    /// and the port is the old scheme's default.
    private func keptHost(of request: Head, isHTTP: Bool, isHTTPS: Bool, hasPort: Bool) -> Slice {
        let authority = request.authority
        let bytes = request.bytes(authority)
        let hostCount = Authority.hostLength(bytes)
        guard hostCount < bytes.count else { return authority }
        var drops = hasPort
        // What the client spoke: x-forwarded-proto, which the proxy always sets; else the request's own scheme.
        var cameByHTTPS = request.schemeIsHTTPS
        var cameByHTTP = !cameByHTTPS
        if let proto = request.value(of: .xForwardedProto) {
            cameByHTTPS = request.bytes(proto).elementsEqual("https".utf8)
            cameByHTTP = request.bytes(proto).elementsEqual("http".utf8)
        }
        let port = bytes[hostCount...]
        if cameByHTTPS, !isHTTPS, port.elementsEqual(":443".utf8) { drops = true }
        if cameByHTTP, !isHTTP, port.elementsEqual(":80".utf8) { drops = true }
        return drops ? Slice(offset: authority.start, length: hostCount) : authority
    }

    private func appendPath(_ redirect: RedirectRecord, _ route: Int32, request: Head, to response: Head) {
        let input = MatchInput(request)
        let query = Slice(offset: input.path.end, length: request.path.end - input.path.end)
        switch redirect.pathKind {
        case .keep:
            appendSlash(before: request.bytes(request.path), to: response)
            _ = response.append(request.bytes(request.path))
        case .whole:
            appendSlash(before: text(redirect.path), to: response)
            _ = response.append(text(redirect.path))
            if !text(redirect.path).contains(UInt8(ascii: "?")) { _ = response.append(request.bytes(query)) }
        case .prefix:
            let matched = matchedBytes(route, of: input)
            let rest = Slice(offset: input.path.start + matched, length: request.path.end - input.path.start - matched)
            appendSlash(before: redirect.path.isEmpty ? request.bytes(rest) : text(redirect.path), to: response)
            _ = response.append(text(redirect.path))
            _ = response.append(request.bytes(rest))
        }
    }

    private func appendSlash(before path: UnsafeRawBufferPointer, to response: Head) {
        if path.first != UInt8(ascii: "/") { response.appendByte(UInt8(ascii: "/")) }
    }

    /// Builds the answer of a virtual host that wants TLS: 301 to https with the Host and the path as they are, port
    /// included (`tls.httpsRedirect`).
    package func tlsRedirectReply(request: Head, into response: Head) {
        response.reset()
        response.status = 301
        appendLocation("https", of: request, to: response)
    }

    private func appendLocation(_ scheme: StaticString, of request: Head, to response: Head) {
        let start = response.storageUsed
        _ = response.append(scheme)
        _ = response.append("://" as StaticString)
        _ = response.append(request.bytes(request.authority))
        _ = response.append(request.bytes(request.path))
        response.appendField(.location, value: Slice(offset: start, length: response.storageUsed - start))
    }

    // MARK: - Direct answers

    /// Builds the answer of a route with `directResponse` and returns its body, which lives as long as the table. With
    /// a body there is a `content-type`, `text/plain` unless an operation sets one; without one there is none. Source:
    /// Istio's `directResponse`. What gRPC clients want instead is the caller's.
    package func directReply(
        _ decision: Decision, request: Head, into response: Head, context: borrowing FormatContext
    ) -> UnsafeRawBufferPointer {
        response.reset()
        guard decision.route >= 0, routes[decision.route].action == .direct else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let direct = directs[routes[decision.route].answer]
        response.status = direct.status
        if direct.status == 201 || (300...399).contains(direct.status) {
            appendLocation(request.schemeIsHTTPS ? "https" : "http", of: request, to: response)
        }
        applyResponse(decision, to: response, request: request, context: context)
        if !direct.hasBody {
            response.removeAll(.contentType)
        } else if !response.has(.contentType) {
            response.appendField(.contentType, value: response.append("text/plain" as StaticString))
        }
        return text(direct.body)
    }
}
