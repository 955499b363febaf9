import Istio

/// What is told of the configuration that serves: on one log line, and in admin's `/generation`.
package struct GenerationReport: Sendable {
    /// The generation's number; 0 while none serves.
    package var number = 0
    /// When it was handed to the workers, milliseconds since 1970.
    package var appliedMilliseconds: UInt64 = 0
    /// Milliseconds from the beginning of the look at the directory to the hand-over.
    package var buildMilliseconds: UInt64 = 0
    /// Why it was made.
    package var cause = ""
    /// What differs from the generation before, in words.
    package var changes = ""
    package var workers = 0
    /// Workers that installed it.
    package var acknowledged = 0
    /// Resources that serve.
    package var resources = 0
    /// Those that do not serve as they are written.
    package var troubled: [ResourceStatus] = []
    package var diagnostics: [Diagnostic] = []
    /// Fields whose change waits for a restart.
    package var awaitsRestart: [String] = []
    /// Listeners of the plan.
    package var listeners = 0
    /// What could not be listened on, a sentence each.
    package var listenerProblems: [String] = []
    /// Why the last look at the directory led to nothing that can serve; nil when it did.
    package var failure: String?
    /// How the TLS contexts of the plan fare.
    package var certificates = ContextReport()
    /// Looks at the directory so far, those that changed nothing included.
    package var looks = 0

    package init() {}

    /// Whether every worker has it.
    package var isAcknowledged: Bool { number > 0 && acknowledged >= workers }

    /// `generation 3 applied in 12 ms (files changed): routes: 1 changed (http.80)`, and what is stale or left out.
    package func line(isNew: Bool, cause: String) -> String {
        var line: String
        if let failure {
            line = number == 0 ? "nothing serves yet: \(failure)" : "generation \(number) stays: \(failure)"
        } else if isNew {
            line = "generation \(number) applied in \(buildMilliseconds) ms (\(cause)): \(changes)"
        } else {
            line = "generation \(number) stays (\(cause)): nothing changed"
        }
        for fate in [ResourceStatus.Fate.stale, .leftOut, .duplicate] {
            let names = troubled.filter { $0.fate == fate }.map { "\($0.id) at \($0.location)" }
            guard !names.isEmpty else { continue }
            line += "; \(names.count) \(fate.rawValue): \(names.prefix(3).joined(separator: ", "))"
            if names.count > 3 { line += ", …" }
        }
        for state in [ContextStatus.State.stale, .quarantined] {
            let owners = certificates.owners(state)
            guard !owners.isEmpty else { continue }
            line += "; TLS \(state.rawValue): \(owners.prefix(3).joined(separator: "; "))"
            if owners.count > 3 { line += "; … \(owners.count) in all" }
        }
        if !awaitsRestart.isEmpty { line += "; waits for a restart: \(awaitsRestart.joined(separator: ", "))" }
        return line
    }
}
