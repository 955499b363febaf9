import Clusters
import Plan
import Routing

/// An explanation for a terminal: the walk, then what the chosen rule does.
struct ExplanationText {
    let explanation: Explanation
    let table: RouteTable
    let plan: Plan

    /// Everything, a line each.
    var lines: [String] { opening + rules + ending }

    // MARK: - The walk

    private var opening: [String] {
        guard let host = explanation.virtualHost, let domain = explanation.domain else {
            return ["host \"\(explanation.host)\" meets no domain of \(explanation.configuration)"]
        }
        let source = explanation.virtualHostProvenance.map { ", from \($0)" } ?? ""
        return ["host \"\(explanation.host)\" meets the domain \(domain) of virtual host \(host)\(source)"]
    }

    private var rules: [String] {
        explanation.rules.map { rule in
            switch rule.verdict {
            case .chosen: "  → \(rule.provenance): matches"
            case .shadowed: "    \(rule.provenance): would match, but an earlier rule did"
            case .missed(let reason): "    \(rule.provenance): \(reason)"
            }
        }
    }

    // MARK: - What follows

    private var ending: [String] {
        switch explanation.decision.outcome {
        case .noVirtualHost: return ["answer: 404, no virtual host has this host"]
        case .noRoute: return ["answer: 404, no rule matches"]
        case .requiresTLS: return ["answer: 301 to https"]
        case .route: break
        }
        switch table.specification(of: explanation.decision.route).action {
        case .redirect(let redirect): return ["answer: \(redirect.status) with a Location"]
        case .direct(let direct): return ["answer: \(direct.status) of the proxy's own"]
        case .forward(let action): return draw + changes(action) + destination + copies(action)
        }
    }

    private var draw: [String] {
        let choices = explanation.choices
        guard choices.count > 1 else { return [] }
        let total = choices.reduce(0) { $0 + $1.weight }
        return ["weights, drawn with \(explanation.draw):"]
            + choices.map { choice in
                "  \(choice.isChosen ? "→" : " ") \(choice.weight) of \(total)  \(ClusterText.name(choice.cluster, plan))"
            }
    }

    private func changes(_ action: ForwardAction) -> [String] {
        var lines: [String] = []
        if let uri = action.rewrite.uri { lines.append("rewrites the matched part of the path to \(uri)") }
        if let regex = action.rewrite.regex { lines.append("rewrites what \(regex) finds in the path") }
        if let authority = action.rewrite.authority { lines.append("rewrites the authority to \(authority)") }
        if let timeout = action.timeoutMilliseconds { lines.append("gives up after \(timeout) ms") }
        return lines
    }

    private var destination: [String] {
        guard let choice = explanation.choices.first(where: \.isChosen) ?? explanation.choices.first else {
            return ["answer: 503, the rule has no destination"]
        }
        guard case .index(let index) = choice.cluster, plan.clusters.indices.contains(index) else {
            return ["to \(ClusterText.name(choice.cluster, plan))"]
        }
        return ClusterText.lines(plan.clusters[index])
    }

    private func copies(_ action: ForwardAction) -> [String] {
        action.mirrors.map { "copies \(ClusterText.percent($0)) to \(ClusterText.name($0.cluster, plan))" }
    }
}
