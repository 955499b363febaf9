extension RouteSpec {
    /// One condition beside the path, in the order in which they are evaluated.
    struct Condition {
        var match: NamedMatch
        var isQuery = false
        /// As rules call it: `method`, `headers[x]`, `withoutHeaders[x]`, `queryParams[k]`.
        var label: String
    }

    /// Method, authority, scheme, headers, parameters.
    var conditions: [Condition] {
        var conditions: [Condition] = []
        for (name, match) in [("method", method), ("authority", authority), ("scheme", scheme)] {
            guard let match else { continue }
            conditions.append(Condition(match: NamedMatch(name: ":" + name, match: match), label: name))
        }
        for header in headers {
            let label = header.isInverted ? "withoutHeaders[\(header.name)]" : "headers[\(header.name)]"
            conditions.append(Condition(match: header, label: label))
        }
        for parameter in queryParameters {
            conditions.append(Condition(match: parameter, isQuery: true, label: "queryParams[\(parameter.name)]"))
        }
        return conditions
    }
}

extension StringMatch: CustomStringConvertible {
    /// As rules write it: `prefix "/a"`.
    package var description: String {
        switch self {
        case .exact(let value): "exact \"\(value)\""
        case .prefix(let value): "prefix \"\(value)\""
        case .regex(let value): "regex \"\(value)\""
        case .present: "present"
        }
    }
}

extension PathMatch: CustomStringConvertible {
    /// As rules write it: `prefix "/a"`, `any path`.
    package var description: String {
        switch self {
        case .any: "any path"
        case .exact(let path, let ignoresCase): "exact \"\(path)\"" + (ignoresCase ? " without regard to case" : "")
        case .prefix(let path, let ignoresCase): "prefix \"\(path)\"" + (ignoresCase ? " without regard to case" : "")
        case .regex(let source): "regex \"\(source)\""
        }
    }
}
