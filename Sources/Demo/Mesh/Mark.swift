/// Lines of the examples that are comments until a demo has what they need: `#tls identity: …`.
package enum Mark: String, Sendable {
    /// What names certificates.
    case certificates = "#tls "
    /// What writes access logs.
    case accessLog = "#log "

    /// The text with its marked lines in force. A mark counts where a line begins, behind spaces only.
    package static func taken(_ marks: Set<Mark>, from text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let indented = line.drop { $0 == " " }
            guard let mark = marks.first(where: { indented.hasPrefix($0.rawValue) }) else { return String(line) }
            return String(line[..<indented.startIndex] + indented.dropFirst(mark.rawValue.count))
        }.joined(separator: "\n")
    }
}
