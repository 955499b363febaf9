/// Why a request goes where it goes: the walk that `decide` takes the short way through, with every rule that missed
/// and what it missed by.
package struct Explanation: Sendable {
    /// One rule of the virtual host, in order.
    package struct Rule: Sendable {
        package enum Verdict: Hashable, Sendable {
            /// It decides the request.
            case chosen
            /// It would match, but an earlier rule did.
            case shadowed
            /// What did not hold: the rule's side and the request's.
            case missed(String)
        }

        /// Position in the table.
        package var route: Int32
        package var name: String
        package var provenance: Provenance
        package var verdict: Verdict
    }

    /// One destination of the chosen rule.
    package struct Choice: Sendable {
        package var cluster: ClusterReference
        package var weight: Int
        package var isChosen: Bool
    }

    /// The same as `decide` gives.
    package var decision: Decision
    package var configuration: String
    /// The part of the request's authority that domains were compared with.
    package var host: String
    /// The virtual host's name and the domain of it that the host met; nil where none did.
    package var virtualHost: String?
    package var domain: String?
    package var virtualHostProvenance: Provenance?
    package var rules: [Rule] = []
    package var draw: UInt64
    package var choices: [Choice] = []

    /// The chosen rule.
    package var chosen: Rule? { rules.first { $0.verdict == .chosen } }
}

extension Explanation: CustomStringConvertible {
    /// The walk as text, a line each.
    package var description: String {
        var lines = ["routes \(configuration): host \"\(host)\""]
        if let virtualHost, let domain {
            lines.append(
                "  virtual host \(virtualHost) by domain \(domain)" + (virtualHostProvenance.map { " (\($0))" } ?? ""))
        }
        for rule in rules {
            let name = rule.name.isEmpty ? "" : " \"\(rule.name)\""
            switch rule.verdict {
            case .chosen: lines.append("  * \(rule.provenance)\(name): matches")
            case .shadowed: lines.append("  - \(rule.provenance)\(name): would match, but an earlier rule did")
            case .missed(let reason): lines.append("  - \(rule.provenance)\(name): \(reason)")
            }
        }
        let total = choices.reduce(0) { $0 + $1.weight }
        for choice in choices {
            let share = choices.count > 1 ? " weight \(choice.weight) of \(total)" : ""
            lines.append("    \(choice.isChosen ? "*" : "-") \(choice.cluster)\(share)")
        }
        if choices.count > 1 { lines.append("    draw \(draw)") }
        switch decision.outcome {
        case .route: break
        case .noVirtualHost: lines.append("  no virtual host has this host: 404 NR")
        case .noRoute: lines.append("  no rule matches: 404 NR")
        case .requiresTLS: lines.append("  the virtual host wants https: 301")
        }
        return lines.joined(separator: "\n")
    }
}

extension Provenance: CustomStringConvertible {
    /// `VirtualService default/reviews http[0] at reviews.yaml:12`.
    package var description: String {
        let place = file.isEmpty ? "" : " at \(file):\(line)"
        return "\(kind) \(namespace.isEmpty ? "" : namespace + "/")\(name)\(rule.isEmpty ? "" : " " + rule)\(place)"
    }
}
