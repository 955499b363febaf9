import Istio

/// DestinationRules by host, merged and looked up as Istio does.
struct DestinationRuleIndex {
    /// Rules of one host in one namespace after merging.
    private struct Entry {
        var rule: DestinationRule
        var exportTo: ExportSet
    }

    private var local: [String: HostIndex<[Entry]>] = [:]
    private var exported: [String: HostIndex<[Entry]>] = [:]
    private var rootLocal = HostIndex<[Entry]>()
    private let proxy: ProxyResource
    private var rootNamespace: String { proxy.meshConfig.rootNamespace }

    init(_ rules: [DestinationRule], proxy: ProxyResource, findings: Findings) {
        self.proxy = proxy
        // Those with a selector first; each group keeps its order.
        for hasSelector in [true, false] {
            for rule in rules where (rule.workloadSelector != nil) == hasSelector { add(rule, findings) }
        }
    }

    private mutating func add(_ rule: DestinationRule, _ findings: Findings) {
        let namespace = rule.metadata.namespace
        let exportTo = ExportSet(
            rule.workloadSelector == nil ? rule.exportTo : ["."], namespace: namespace,
            fallback: proxy.meshConfig.defaultDestinationRuleExportTo)
        let host = HostName.resolve(rule.host, namespace: namespace, domain: proxy.clusterDomain)
        let entry = Entry(rule: rule, exportTo: exportTo)
        if exportTo.isVisible(in: namespace) {
            Self.add(entry, host, to: &local[namespace, default: HostIndex()], findings)
        }
        if !exportTo.isPrivate(to: namespace) {
            Self.add(entry, host, to: &exported[namespace, default: HostIndex()], nil)
        } else if namespace == proxy.meshConfig.rootNamespace {
            Self.add(entry, host, to: &rootLocal, nil)
        }
    }

    /// The rule that the proxy applies to a service, or nil.
    func rule(for hostname: String, of serviceNamespace: String) -> DestinationRule? {
        let client = proxy.metadata.namespace
        let own =
            client == rootNamespace ? rootLocal.mostSpecific(for: hostname) : local[client]?.mostSpecific(for: hostname)
        if let own { return choose(own.value) }
        for namespace in [serviceNamespace, rootNamespace] {
            guard let found = exported[namespace]?.mostSpecific(for: hostname) else { continue }
            let visible = found.value.filter { $0.exportTo.isVisible(in: client) }
            if !visible.isEmpty { return choose(visible) }
        }
        return nil
    }

    /// A rule for this workload, else the last without a selector.
    private func choose(_ entries: [Entry]) -> DestinationRule? {
        if proxy.mode == .sidecar {
            let mine = entries.first { entry in
                guard let selector = entry.rule.workloadSelector else { return false }
                return entry.rule.metadata.namespace == proxy.metadata.namespace
                    && proxy.metadata.labels.contains(selector)
            }
            if let mine { return mine.rule }
        }
        return entries.last { $0.rule.workloadSelector == nil }?.rule
    }

    // MARK: - Merging

    private static func add(_ entry: Entry, _ host: String, to index: inout HostIndex<[Entry]>, _ findings: Findings?) {
        guard var entries = index[host] else {
            index[host] = [entry]
            return
        }
        var isApart = false
        var isMerged = false
        for position in entries.indices {
            let old = entries[position]
            switch (old.rule.workloadSelector, entry.rule.workloadSelector) {
            case (nil, nil):
                if old.exportTo != entry.exportTo {
                    isApart = true
                    guard entry.exportTo.isSuperset(of: old.exportTo) else { continue }
                }
            case (let one?, let other?):
                guard one == other else {
                    isApart = true
                    continue
                }
            default: isApart = true
            }
            entries[position].rule.adopt(entry.rule, findings)
            isMerged = true
        }
        if isApart || !isMerged { entries.append(entry) }
        index[host] = entries
    }
}

extension DestinationRule {
    /// Takes over subsets that have new names, and the traffic policy if there was none.
    fileprivate mutating func adopt(_ other: DestinationRule, _ findings: Findings?) {
        for subset in other.subsets {
            if subsets.contains(where: { $0.name == subset.name }) {
                findings?.warn(
                    subset.location, other.metadata.id("DestinationRule"),
                    "subset '\(subset.name)' of \(host) is already defined by \(metadata.id("DestinationRule")): this one is not used"
                )
            } else {
                subsets.append(subset)
            }
        }
        if trafficPolicy == nil {
            trafficPolicy = other.trafficPolicy
        } else if let policy = other.trafficPolicy {
            findings?.warn(
                policy.location, other.metadata.id("DestinationRule"),
                "the trafficPolicy of \(host) is already set by \(metadata.id("DestinationRule")): this one is not used"
            )
        }
    }
}
