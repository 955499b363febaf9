import Istio
import Routing

/// Puts the rules of delegates in the place of the entries that name them, as Istio merges them.
struct Delegation {
    /// VirtualServices without hosts.
    let delegates: [ResourceID: VirtualRules]
    let findings: Findings

    /// The same rules without any delegation left.
    func merge(_ root: VirtualRules) -> VirtualRules {
        guard root.http.contains(where: { $0.route.delegate != nil }) else { return root }
        var result = root
        result.http = root.http.flatMap { rule in
            rule.route.delegate.map { expand(rule, $0, of: root) } ?? [rule]
        }
        return result
    }

    private func expand(_ rule: VirtualRules.Rule, _ delegate: Delegate, of root: VirtualRules) -> [VirtualRules.Rule] {
        let id = ResourceID(
            kind: "VirtualService", namespace: delegate.namespace.isEmpty ? root.namespace : delegate.namespace,
            name: delegate.name)
        guard let found = delegates[id] else {
            findings.warn(
                delegate.location, root.id,
                "\(rule.provenance.rule) delegates to \(id), which does not exist: the entry has no effect",
                fix: "a delegate is a VirtualService without hosts")
            return []
        }
        guard found.exportTo.isVisible(in: root.namespace) else {
            findings.warn(
                delegate.location, root.id,
                "\(rule.provenance.rule) delegates to \(id), which is not exported to namespace \(root.namespace): the entry has no effect"
            )
            return []
        }
        return found.http.compactMap { inner in
            guard inner.route.delegate == nil else {
                findings.warn(
                    inner.route.location, id,
                    "\(inner.provenance.rule): a delegate cannot delegate: the entry has no effect")
                return nil
            }
            let merged = merge(root: rule, delegate: inner)
            if merged == nil {
                findings.warn(
                    inner.route.location, id,
                    "\(inner.provenance.rule) contradicts every match of \(root.id) \(rule.provenance.rule): the entry has no effect"
                )
            }
            return merged
        }
    }

    private func merge(root: VirtualRules.Rule, delegate: VirtualRules.Rule) -> VirtualRules.Rule? {
        var result = delegate
        if delegate.route.match.isEmpty {
            result.route.match = root.route.match
            if !root.route.match.isEmpty {
                result.matchProvenance = root.route.match.map { _ in delegate.provenance }
            }
        } else if !root.route.match.isEmpty {
            result.route.match = []
            result.matchProvenance = []
            for (index, inner) in delegate.route.match.enumerated() {
                let combined = root.route.match.filter { !inner.contradicts(root: $0) }.map { inner.combined(root: $0) }
                // A block that contradicts every root block takes its whole entry with it.
                if combined.isEmpty { return nil }
                result.route.match += combined
                result.matchProvenance += combined.map { _ in delegate.matchProvenance[index] }
            }
        }
        let place = " by \(root.provenance.namespace)/\(root.provenance.name) \(root.provenance.rule)"
        result.provenance.rule += place
        for index in result.matchProvenance.indices { result.matchProvenance[index].rule += place }
        result.route.inherit(root.route)
        return result
    }
}

extension HTTPRoute {
    /// Whole values of the root where the delegate sets none; nothing is merged inside a value.
    fileprivate mutating func inherit(_ root: HTTPRoute) {
        name = [root.name, name].filter { !$0.isEmpty }.joined(separator: "-")
        rewrite = rewrite ?? root.rewrite
        directResponse = directResponse ?? root.directResponse
        timeoutMilliseconds = timeoutMilliseconds ?? root.timeoutMilliseconds
        retries = retries ?? root.retries
        fault = fault ?? root.fault
        corsPolicy = corsPolicy ?? root.corsPolicy
        if mirrors.isEmpty { mirrors = root.mirrors }
        if headers.isEmpty { headers = root.headers }
    }
}

extension HTTPMatch {
    /// Whether no request can meet both, as Istio judges it (`hasConflict`).
    fileprivate func contradicts(root: HTTPMatch) -> Bool {
        func differ(_ root: Istio.StringMatch?, _ own: Istio.StringMatch?) -> Bool {
            guard let root, let own else { return false }
            switch (root, own) {
            case (.exact(let text), .exact(let other)): return text != other
            case (.prefix(let text), .exact(let other)), (.prefix(let text), .prefix(let other)):
                return !other.hasPrefix(text)
            default: return true
            }
        }
        func differ(_ root: [Istio.NamedMatch], _ own: [Istio.NamedMatch]) -> Bool {
            own.contains { match in
                root.contains { $0.name.lowercased() == match.name.lowercased() && differ($0.match, match.match) }
            }
        }
        if differ(root.uri, uri) || differ(root.scheme, scheme) || differ(root.method, method) { return true }
        if differ(root.authority, authority) || differ(root.headers, headers) { return true }
        if differ(root.withoutHeaders, withoutHeaders) || differ(root.queryParams, queryParams) { return true }
        if root.uri != nil, uri != nil, root.ignoreUriCase != ignoreUriCase { return true }
        if let one = root.port, let other = port, one != other { return true }
        if !root.sourceNamespace.isEmpty, root.sourceNamespace != sourceNamespace { return true }
        if sourceLabels.contains(where: { label in root.sourceLabels[label.key].map { $0 != label.value } ?? false }) {
            return true
        }
        return !root.gateways.isEmpty && !gateways.isEmpty && !Set(gateways).isSubset(of: root.gateways)
    }

    /// Both conditions at once; where both say something about one thing, the delegate's is the narrower.
    fileprivate func combined(root: HTTPMatch) -> HTTPMatch {
        func merge(_ root: [Istio.NamedMatch], _ own: [Istio.NamedMatch]) -> [Istio.NamedMatch] {
            let names = Set(own.map { $0.name })
            return own + root.filter { !names.contains($0.name) }
        }
        var result = self
        result.name = [root.name, name].filter { !$0.isEmpty }.joined(separator: "-")
        result.uri = uri ?? root.uri
        if uri == nil { result.ignoreUriCase = root.ignoreUriCase }
        result.scheme = scheme ?? root.scheme
        result.method = method ?? root.method
        result.authority = authority ?? root.authority
        result.headers = merge(root.headers, headers)
        result.withoutHeaders = merge(root.withoutHeaders, withoutHeaders)
        result.queryParams = merge(root.queryParams, queryParams)
        result.port = port ?? root.port
        result.sourceLabels = root.sourceLabels.merging(sourceLabels) { $1 }
        if sourceNamespace.isEmpty { result.sourceNamespace = root.sourceNamespace }
        if gateways.isEmpty { result.gateways = root.gateways }
        if statPrefix.isEmpty { result.statPrefix = root.statPrefix }
        return result
    }
}
