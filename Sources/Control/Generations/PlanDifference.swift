import Clusters
import Plan
import Routing

/// What one plan has that another has not, counted and named: a generation's log line.
package struct PlanDifference: Equatable, Sendable {
    /// `+added`, `-removed` and changed names of one kind of thing.
    package struct Names: Equatable, Sendable {
        package var added: [String] = []
        package var removed: [String] = []
        package var changed: [String] = []

        package var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }
    }

    package var listeners = Names()
    package var routes = Names()
    package var clusters = Names()
    package var settings = false

    /// Compares by name.
    package init(from old: Plan?, to new: Plan) {
        listeners = Self.compare(old?.listeners ?? [], new.listeners, \.name)
        routes = Self.compare(old?.routeConfigurations ?? [], new.routeConfigurations, \.name)
        clusters = Self.compare(old?.clusters ?? [], new.clusters, \.name)
        if let old { settings = old.settings != new.settings || old.identity != new.identity }
    }

    private static func compare<Item: Equatable>(
        _ old: [Item], _ new: [Item], _ name: (Item) -> String
    ) -> Names {
        var names = Names()
        // Most often everything stands where it stood, and nothing has to be looked up.
        let places = zip(old.indices, new.indices).prefix { name(old[$0]) == name(new[$1]) }.count
        for index in 0..<places where old[index] != new[index] { names.changed.append(name(new[index])) }
        let before = Dictionary(old[places...].map { (name($0), $0) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(new[places...].map { (name($0), $0) }, uniquingKeysWith: { first, _ in first })
        for (key, item) in after {
            if let known = before[key] {
                if known != item { names.changed.append(key) }
            } else {
                names.added.append(key)
            }
        }
        names.removed = before.keys.filter { after[$0] == nil }
        names.added.sort()
        names.removed.sort()
        names.changed.sort()
        return names
    }

    /// `routes: 1 changed (http.80); clusters: 2 added (…, …)`, names cut after the third.
    package var text: String { text(with: "") }

    /// The same, with something else that changed; empty: nothing else did.
    func text(with other: String) -> String {
        var parts: [String] = []
        for (kind, names) in [("listeners", listeners), ("routes", routes), ("clusters", clusters)] where !names.isEmpty
        {
            let counts = [("added", names.added), ("removed", names.removed), ("changed", names.changed)]
                .filter { !$0.1.isEmpty }
                .map { "\($0.1.count) \($0.0) (\(Self.list($0.1)))" }
            parts.append("\(kind): \(counts.joined(separator: ", "))")
        }
        if settings { parts.append("settings changed") }
        if !other.isEmpty { parts.append(other) }
        return parts.isEmpty ? "nothing changed" : parts.joined(separator: "; ")
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", …" : "")
    }
}
