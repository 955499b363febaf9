import Foundation
import Istio
import TLS

/// When certificates need somebody.
enum Expiry {
    /// So long before it expires a certificate is warned of.
    static let warningSeconds: Int64 = 7 * 86_400

    /// The next time that a status or a finding changes though no file does.
    static func nextChange(_ statuses: [ContextStatus], now: Int64) -> Int64? {
        var times: [Int64] = []
        for status in statuses {
            if case .notYetValid(let time) = status.problem?.kind { times.append(time) }
            // One second later, as it is valid in its last.
            for facts in status.certificates { times += [facts.notAfter - warningSeconds, facts.notAfter + 1] }
        }
        return times.filter { $0 > now }.min()
    }
}

/// From how contexts fare to what is said of it.
enum ContextFindings {
    /// One mistake in the files of a mesh identity shows at every cluster: above this number it is told once.
    private static let repeatsMax = 5

    static func diagnostics(_ statuses: [ContextStatus], now: Int64) -> [Diagnostic] {
        var groups: [Key: [ContextStatus]] = [:]
        for status in statuses { for key in keys(of: status, now: now) { groups[key, default: []].append(status) } }
        return groups.flatMap { key, statuses in
            // A status comes twice where two of its certificates are alike.
            let isFolded = statuses.count > repeatsMax
            let others = isFolded ? "; the same holds for \(statuses.count - 1) others" : ""
            return (isFolded ? Array(statuses.prefix(1)) : statuses).map { status in
                Diagnostic(
                    key.severity, at: SourceLocation(origin: status.origin), resource: status.owner,
                    key.message + others, fix: key.fix)
            }
        }
    }

    private struct Key: Hashable {
        var severity: Diagnostic.Severity
        var message: String
        var fix: String?
    }

    private static func keys(of status: ContextStatus, now: Int64) -> [Key] {
        var keys = status.warnings.map { Key(severity: .warning, message: $0) }
        if let problem = status.problem {
            let outcome =
                switch (status.state, status.side) {
                case (.stale, _): "what it held before goes on serving"
                case (_, .server): "connections to it are closed"
                case (_, .client): "requests to it are answered with 503"
                }
            keys.append(Key(severity: .error, message: "\(problem.sentence): \(outcome)", fix: problem.fix))
        }
        for facts in status.certificates where facts.notAfter - now <= Expiry.warningSeconds {
            let isOver = facts.notAfter < now
            keys.append(
                Key(
                    severity: .warning,
                    message:
                        "the certificate in \(facts.chain) \(isOver ? "expired" : "expires") on \(date(facts.notAfter))",
                    fix: "renew it"))
        }
        return keys
    }

    private static func date(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
    }
}

extension SourceLocation {
    /// From `file:line`.
    init(origin: String) {
        guard let colon = origin.lastIndex(of: ":"), let line = Int(origin[origin.index(after: colon)...]) else {
            self.init(file: origin)
            return
        }
        self.init(file: String(origin[..<colon]), line: line)
    }
}
