import Istio
import Routing

// From Istio's words to Routing's, value by value.

extension Routing.StringMatch {
    init(_ match: Istio.StringMatch) {
        switch match {
        case .exact(let text): self = .exact(text)
        case .prefix(let text): self = .prefix(text)
        // Istio reads this one expression, which RE2 refuses, as presence.
        case .regex("*"): self = .present
        case .regex(let text): self = .regex(text)
        case .present: self = .present
        }
    }

    fileprivate var expression: String? {
        if case .regex(let text) = self { text } else { nil }
    }
}

extension RouteSpec {
    /// Whether every request of the virtual host matches, by Istio's own test: the path `/` as a prefix or `.*`, and nothing
    /// else asked for.
    var isCatchAll: Bool {
        let takesEveryPath =
            switch path {
            case .any, .prefix("/", _), .prefix("", _), .regex(".*"): true
            default: false
            }
        return takesEveryPath && method == nil && authority == nil && scheme == nil && headers.isEmpty
            && queryParameters.isEmpty
    }

    /// Every regular expression of the conditions.
    var expressions: [String] {
        var found = (headers + queryParameters).compactMap(\.match.expression)
        found += [method, authority, scheme].compactMap { $0?.expression }
        if case .regex(let text) = path { found.append(text) }
        return found
    }
}

extension Routing.HeaderOperations {
    init(request changes: HeaderChanges, of provenance: Provenance, findings: Findings) {
        self.init(changes, isRequest: true, of: provenance, findings: findings)
    }

    init(response changes: HeaderChanges, of provenance: Provenance, findings: Findings) {
        self.init(changes, isRequest: false, of: provenance, findings: findings)
    }

    /// Names lower case and sorted; on requests `:authority` and `host` become the authority, `set`
    /// before `add`; other pseudo-headers are dropped, as Istio does, but not in silence.
    private init(_ changes: HeaderChanges, isRequest: Bool, of provenance: Provenance, findings: Findings) {
        self.init()
        guard !changes.isEmpty else { return }
        func dropped(_ name: String, _ location: SourceLocation, because reason: String) {
            findings.warn(
                location.line > 0 ? location : SourceLocation(file: provenance.file, line: provenance.line),
                provenance.id,
                "\(provenance.rule): headers.\(isRequest ? "request" : "response") of '\(name)': \(reason): the operation is left out"
            )
        }
        func ordinary(_ values: [Istio.HeaderValue]) -> [Routing.HeaderValue] {
            var kept: [String: String] = [:]
            for value in values {
                let name = value.name.lowercased()
                if isRequest, name == ":authority" || name == "host" {
                    authority = authority ?? value.value
                } else if let reason = HeaderFormat.check(name: name) ?? HeaderFormat.check(value.value) {
                    dropped(value.name, value.location, because: reason)
                } else {
                    kept[name] = value.value
                }
            }
            return kept.sorted { $0.key < $1.key }.map { Routing.HeaderValue(name: $0.key, value: $0.value) }
        }
        set = ordinary(changes.set)
        add = ordinary(changes.add)
        for name in changes.remove.map({ $0.lowercased() }) {
            if let reason = HeaderFormat.check(name: name) {
                dropped(name, changes.location, because: reason)
            } else {
                remove.append(name)
            }
        }
    }
}
