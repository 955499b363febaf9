import Clusters
import Plan
import Wire

/// Which names have which addresses, and when to ask again: a machine without resolver and clock. A name that fails keeps the
/// addresses that it had.
package struct NameResolution: Sendable {
    /// A name that resolved is asked about again after this time (mesh `dnsRefreshRate`).
    package static let refreshMilliseconds: UInt64 = 60_000
    /// A name that did not.
    package static let retryMilliseconds: UInt64 = 5_000

    private struct Entry {
        /// nil: never answered.
        var addresses: [SocketAddress]?
        var due: UInt64
        var isAsked = false
    }

    private var entries: [String: Entry] = [:]

    package init() {}

    /// The names that a plan needs, each once.
    package static func names(of plan: Plan) -> Set<String> {
        var names: Set<String> = []
        for cluster in plan.clusters where cluster.resolution != .fixed {
            for endpoint in cluster.endpoints {
                if case .name(let name, _) = endpoint.address { names.insert(name) }
            }
        }
        return names
    }

    /// Forgets other names; new ones are due at once.
    package mutating func keep(_ names: Set<String>) {
        entries = entries.filter { names.contains($0.key) }
        for name in names where entries[name] == nil { entries[name] = Entry(due: 0) }
    }

    /// The names to ask about now; they count as asked until `answered`.
    package mutating func due(at now: UInt64) -> [String] {
        var names: [String] = []
        for (name, entry) in entries where !entry.isAsked && entry.due <= now {
            entries[name]?.isAsked = true
            names.append(name)
        }
        return names.sorted()
    }

    /// An answer, nil for a failure. True when the addresses changed: clusters must be built anew.
    package mutating func answered(_ name: String, _ addresses: [SocketAddress]?, at now: UInt64) -> Bool {
        guard let entry = entries[name] else { return false }
        guard let addresses, !addresses.isEmpty else {
            entries[name] = Entry(addresses: entry.addresses, due: now + Self.retryMilliseconds)
            return false
        }
        // Name servers turn the order round with each answer; the same addresses are no change, and keep their order.
        let isSame = entry.addresses.map { Set($0) == Set(addresses) } ?? false
        entries[name] = Entry(addresses: isSame ? entry.addresses : addresses, due: now + Self.refreshMilliseconds)
        return !isSame
    }

    /// When something is due next; nil while everything is asked or nothing is there.
    package var deadline: UInt64? { entries.values.filter { !$0.isAsked }.map(\.due).min() }

    /// Whether every name was answered at least once, well or badly: a first generation waits for that, within limits.
    package var isSettled: Bool { entries.values.allSatisfy { !$0.isAsked && $0.due > 0 } }

    /// All addresses that are known.
    package var addresses: [String: [SocketAddress]] {
        entries.compactMapValues { $0.addresses }
    }
}
