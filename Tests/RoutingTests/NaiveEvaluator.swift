import Regex
import Wire

@testable import Routing

/// The rules of matching told a second time, over strings and without any index, to hold the table against.
struct NaiveEvaluator {
    let configuration: RouteConfigurationSpec

    struct Request {
        var method = "GET"
        var host = "h"
        var target = "/"
        var isHTTPS = false
        var headers: [(name: String, value: String)] = []

        var head: Head {
            var text = "\(method) \(target) HTTP/1.1\nHost: \(host)"
            for (name, value) in headers { text += "\n\(name): \(value)" }
            return request(text, https: isHTTPS)
        }
    }

    /// Positions of the virtual host and, within it, of the route; nil where there is none.
    func decide(_ request: Request) -> (host: Int, route: Int?)? {
        guard let host = virtualHost(request) else { return nil }
        let specification = configuration.virtualHosts[host]
        if specification.requiresTLS, values("x-forwarded-proto", request).first != "https" { return (host, nil) }
        return (host, specification.routes.firstIndex { matches($0, request) })
    }

    private func virtualHost(_ request: Request) -> Int? {
        var name = request.host.lowercased()
        if !configuration.matchesPort, let colon = name.lastIndex(of: ":"), !name[colon...].contains("]") {
            name = String(name[..<colon])
        }
        var best: (length: Int, index: Int)?
        for (index, host) in configuration.virtualHosts.enumerated() {
            for domain in host.domains.map({ $0.lowercased() }) {
                let suffix = domain.dropFirst()
                let length: Int
                if domain == "*" {
                    length = 0
                } else if domain.hasPrefix("*") {
                    guard name.count > suffix.count, name.hasSuffix(suffix) else { continue }
                    length = suffix.count
                } else {
                    guard domain == name else { continue }
                    length = Int.max
                }
                if best == nil || length > best!.length { best = (length, index) }
            }
        }
        return best?.index
    }

    private func matches(_ rule: RouteSpec, _ request: Request) -> Bool {
        let parts = request.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        let path = parts[0]
        switch rule.path {
        case .any: break
        case .exact(let expected, let ignoresCase):
            guard ignoresCase ? path.lowercased() == expected.lowercased() : path == expected else { return false }
        case .prefix(let expected, let ignoresCase):
            let holds =
                expected.isEmpty
                || (ignoresCase ? path.lowercased().hasPrefix(expected.lowercased()) : path.hasPrefix(expected))
            guard holds else { return false }
        case .regex(let source):
            guard let pattern = try? Pattern(source), pattern.matchesWhole(path) else { return false }
        }
        if let method = rule.method, !matches(method, request.method) { return false }
        if let authority = rule.authority, !matches(authority, request.host) { return false }
        if let scheme = rule.scheme, !matches(scheme, request.isHTTPS ? "https" : "http") { return false }
        for header in rule.headers {
            let lines = values(header.name.lowercased(), request)
            let value = lines.isEmpty ? nil : lines.joined(separator: ",")
            if header.isInverted {
                if header.match == .present ? value != nil : matches(header.match, value ?? "") { return false }
            } else {
                guard let value, matches(header.match, value) else { return false }
            }
        }
        let hasQuery = parts.count > 1 && !parts[1].isEmpty
        let query = hasQuery ? parts[1].split(separator: "&", omittingEmptySubsequences: false) : []
        for parameter in rule.queryParameters {
            let pairs = query.map { $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false) }
            guard let pair = pairs.first(where: { String($0[0]) == parameter.name }) else { return false }
            guard matches(parameter.match, pair.count > 1 ? String(pair[1]) : "") else { return false }
        }
        return true
    }

    private func values(_ name: String, _ request: Request) -> [String] {
        request.headers.filter { $0.name.lowercased() == name }.map(\.value)
    }

    private func matches(_ match: StringMatch, _ value: String) -> Bool {
        switch match {
        case .present: true
        case .exact(let expected): value == expected
        case .prefix(let expected): expected.isEmpty || value.hasPrefix(expected)
        case .regex(let source): (try? Pattern(source))?.matchesWhole(value) ?? false
        }
    }
}
