extension Findings {
    mutating func check(_ match: HTTPMatch, isMeshBound: Bool) {
        let place = match.location
        if let uri = match.uri { check(uri, of: "uri", at: place, allowsEmptyPrefix: true) }
        if let scheme = match.scheme { check(scheme, of: "scheme", at: place) }
        if let method = match.method { check(method, of: "method", at: place) }
        if let authority = match.authority { check(authority, of: "authority", at: place) }
        for header in match.headers {
            check(headerName: header, isMeshBound: isMeshBound)
            check(header.match, of: "headers", at: header.location)
        }
        for header in match.withoutHeaders {
            check(headerName: header, isMeshBound: isMeshBound)
            if header.match != .regex("*") { check(header.match, of: "withoutHeaders", at: header.location) }
        }
        for parameter in match.queryParams { check(parameter.match, of: "queryParams", at: parameter.location) }
        if let port = match.port, port != 0 { check(port: port, of: "the match's port", at: place) }
        check(labels: match.sourceLabels, of: "sourceLabels", at: place)
        check(gateways: match.gateways, at: place)
        if !match.sourceNamespace.isEmpty, !Names.isLabel(match.sourceNamespace) {
            error("sourceNamespace \(match.sourceNamespace.quotedForMessage) is not a namespace", at: place)
        }
    }

    private mutating func check(
        _ match: StringMatch, of what: String, at place: SourceLocation, allowsEmptyPrefix: Bool = false
    ) {
        switch match {
        case .prefix(let prefix):
            if prefix.isEmpty, !allowsEmptyPrefix {
                error("\(what) matches an empty prefix", at: place, fix: "leave the match empty if any value will do")
            }
        case .regex(let regex):
            if let problem = Names.problem(regex: regex) { error("\(what): \(problem)", at: place) }
        case .exact, .present: break
        }
    }

    private mutating func check(headerName header: NamedMatch, isMeshBound: Bool) {
        let name = header.name
        if name.hasPrefix("@request.auth.claims") {
            if isMeshBound {
                error("claims of tokens can only be matched at gateways", at: header.location)
            } else {
                warn("claims of tokens are not read yet: \(name.quotedForMessage) is never there", at: header.location)
            }
        } else if name.hasPrefix(":") {
            let known = [":method", ":scheme", ":authority", ":path", ":status"]
            if !known.contains(name) { error("\(name.quotedForMessage) is not a pseudo-header", at: header.location) }
        } else if !Names.isHeaderName(name) {
            error("\(name.quotedForMessage) is not a name of a header", at: header.location)
        }
    }
}

// MARK: - Header operations

extension Findings {
    mutating func check(_ operations: HeaderOperations) {
        for header in operations.request.set + operations.request.add {
            if header.name.hasPrefix(":"), header.name != ":authority" {
                error("the header \(header.name.quotedForMessage) cannot be set", at: header.location)
            }
            check(header)
        }
        for header in operations.response.set + operations.response.add {
            check(fixedHeader: header.name, at: header.location)
            check(header)
        }
        for (changes, what) in [(operations.request, "request"), (operations.response, "response")] {
            for name in changes.remove {
                if name.isEmpty {
                    error("headers.\(what).remove names an empty header", at: changes.location)
                } else {
                    check(fixedHeader: name, at: changes.location)
                }
            }
        }
    }

    private mutating func check(_ header: HeaderValue) {
        if header.name.isEmpty { error("a header to be set has no name", at: header.location) }
        if header.value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) {
            error("the value of \(header.name.quotedForMessage) has control characters", at: header.location)
        }
        if !HeaderTemplate.isClosed(header.value) {
            error(
                "the value of \(header.name.quotedForMessage) has a % that no other % closes", at: header.location,
                fix: "write %% for a percent sign")
        }
    }

    private mutating func check(fixedHeader name: String, at place: SourceLocation) {
        if name.contains(":") || name.lowercased() == "host" {
            error("the header \(name.quotedForMessage) cannot be changed here", at: place)
        }
    }
}

/// Values of headers with `%…%` commands.
enum HeaderTemplate {
    /// Whether each `%` is doubled or begins a command that ends: `%NAME%`, `%NAME(argument)%`, `%NAME(["a","b"])%`.
    static func isClosed(_ value: String) -> Bool {
        var rest = Substring(value).utf8
        while let percent = rest.firstIndex(of: UInt8(ascii: "%")) {
            rest = rest[rest.index(after: percent)...]
            if rest.first == UInt8(ascii: "%") {
                rest = rest.dropFirst()
                continue
            }
            guard let end = rest.firstIndex(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "(") }) else {
                return false
            }
            let isCall = rest[end] == UInt8(ascii: "(")
            rest = rest[rest.index(after: end)...]
            if isCall {
                guard let close = rest.firstIndex(of: UInt8(ascii: ")")) else { return false }
                rest = rest[rest.index(after: close)...]
                guard rest.first == UInt8(ascii: "%") else { return false }
                rest = rest.dropFirst()
            }
        }
        return true
    }
}
