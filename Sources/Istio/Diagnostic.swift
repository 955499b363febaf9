/// One finding about the configuration: where, which resource, what is wrong, and what to do about it.
package struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
    package enum Severity: String, Hashable, Sendable, Comparable, CaseIterable {
        /// Worth knowing; nothing is wrong.
        case note
        /// The resource serves, but something in it does not do what it seems to.
        case warning
        /// The resource, or the whole file, cannot serve.
        case error

        private var rank: Int {
            switch self {
            case .note: 0
            case .warning: 1
            case .error: 2
            }
        }

        package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
    }

    package var severity: Severity
    package var location: SourceLocation
    /// `VirtualService ns/name`, where a resource is concerned.
    package var resource: String?
    /// A sentence without its full stop.
    package var message: String
    /// What to do, where it is known.
    package var fix: String?

    package init(
        _ severity: Severity, at location: SourceLocation, resource: String? = nil, _ message: String,
        fix: String? = nil
    ) {
        self.severity = severity
        self.location = location
        self.resource = resource
        self.message = message
        self.fix = fix
    }

    /// `file:line: error: VirtualService ns/name: sentence (fix)`.
    package var description: String {
        let subject = resource.map { "\($0): " } ?? ""
        let advice = fix.map { " (\($0))" } ?? ""
        return "\(location): \(severity.rawValue): \(subject)\(message)\(advice)"
    }
}

extension [Diagnostic] {
    /// Whether anything here keeps a resource from serving.
    package var hasErrors: Bool { contains { $0.severity == .error } }
}
