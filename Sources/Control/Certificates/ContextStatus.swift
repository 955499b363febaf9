import TLS

/// How the TLS settings of one server or cluster fare, for admin, metrics and diagnostics. Never key material.
package struct ContextStatus: Hashable, Sendable {
    package enum Side: String, Hashable, Sendable { case server, client }

    package enum State: String, Hashable, Sendable, CaseIterable {
        /// As the files are.
        case serving
        /// With what the files held before: what they hold now is broken.
        case stale
        /// Not at all: connections are closed, requests to it answered with 503.
        case quarantined
    }

    package var side: Side
    /// `Gateway ns/name, server https`.
    package var owner: String
    /// `file:line`.
    package var origin: String
    package var state: State
    /// The files and texts that it is made of, as messages name them.
    package var sources: [String]
    /// What is shown to peers.
    package var certificates: [CertificateFacts]
    /// Why it is stale or quarantined; nil where Compile has said so.
    package var problem: TLSProblem?
    package var warnings: [String]

    /// What keeps it from serving as it is written, with what to do; nil when nothing does.
    package var trouble: String? {
        guard state != .serving else { return nil }
        return problem.map { "\($0.sentence) (\($0.fix))" } ?? "the configuration is not complete: see the findings"
    }
}

/// What one build of contexts came to, beside the contexts.
package struct ContextReport: Equatable, Sendable {
    /// Sorted by place and owner.
    package var statuses: [ContextStatus] = []
    /// Who got another context than before, or one at last.
    package var renewed: [String] = []
    /// The paths that were read, for a watcher.
    package var files: Set<String> = []
    /// When something changes by time alone, in Unix seconds: a certificate becomes valid, is about to expire, or expires.
    package var nextChange: Int64?

    package init() {}

    /// Who is in a state.
    package func owners(_ state: ContextStatus.State) -> [String] {
        statuses.filter { $0.state == state }.map(\.owner)
    }

    /// `certificates: 2 taken up (…, …)`; empty when none was.
    var changes: String {
        guard !renewed.isEmpty else { return "" }
        let names = renewed.prefix(3).joined(separator: ", ") + (renewed.count > 3 ? ", …" : "")
        return "certificates: \(renewed.count) taken up (\(names))"
    }
}
