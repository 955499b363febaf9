import Glibc
import Istio
import Plan
import Proxy
import TLS

/// Builds the TLS contexts of plans, one plan after another, and remembers what it needs for the next: settings and contents that
/// stayed the same keep their context, and with it the sessions that clients resume; a renewal that is broken keeps the context of
/// before (law 2). For one thread: it reads files.
package struct ContextBuilder {
    /// Keys of session tickets are renewed by the first build after this time: nothing wakes up for it.
    package static let ticketRotationSeconds: Int64 = 12 * 3600

    private struct Entry<Context: AnyObject> {
        var context: Context
        /// Of what it was built from, in the order of the settings' sources.
        var fingerprints: [SourceContents.Fingerprint]
    }

    /// One object for the process's life.
    private let keys = TicketKeys()
    private var keysRotatedAt: Int64?
    /// By lineage: what served last; nil where nothing could.
    private var servers: [TLSServerSettings: Entry<TLSServerContext>?] = [:]
    private var clients: [TLSClientSettings: Entry<TLSClientContext>?] = [:]
    /// What the files held at the last build.
    private var fingerprints: [PEMSource: SourceContents.Fingerprint] = [:]

    package init() {}

    /// What one build gives.
    package struct Result: Sendable {
        package var contexts = TLSContexts()
        package var report = ContextReport()
        package var diagnostics: [Diagnostic] = []
    }

    /// Builds what the plan's chains and clusters need. Never fails as a whole. `now` is in Unix seconds.
    package mutating func build(
        _ plan: Plan, now: Int64 = Int64(time(nil)), load: @escaping PEMLoad = PEMLoader.load
    ) -> Result {
        rotateKeys(now: now)
        let contents = SourceContents(load: load)
        var result = Result()
        result.contexts.servers = Self.build(
            plan.listeners.flatMap { $0.chains.compactMap(\.tls) }, &servers, keys, contents, now, &result.report)
        result.contexts.clients = Self.build(
            plan.clusters.compactMap(\.tls), &clients, keys, contents, now, &result.report)
        fingerprints = contents.fingerprints.filter { source, _ in source.path != nil }
        result.report.files = Set(fingerprints.keys.compactMap(\.path))
        result.report.statuses.sort {
            ($0.origin, $0.owner, $0.side.rawValue) < ($1.origin, $1.owner, $1.side.rawValue)
        }
        result.report.renewed.sort()
        result.report.nextChange = Expiry.nextChange(result.report.statuses, now: now)
        result.diagnostics = ContextFindings.diagnostics(result.report.statuses, now: now)
        return result
    }

    /// Whether a file holds something else than at the last build. Reads all of them.
    package func haveFilesChanged(load: @escaping PEMLoad = PEMLoader.load) -> Bool {
        let contents = SourceContents(load: load)
        return fingerprints.contains { source, fingerprint in contents.fingerprint(of: source) != fingerprint }
    }

    // MARK: - Private

    private mutating func rotateKeys(now: Int64) {
        guard let last = keysRotatedAt else { return keysRotatedAt = now }
        guard now - last >= Self.ticketRotationSeconds else { return }
        keys?.rotate()
        keysRotatedAt = now
    }

    private static func build<Settings: ContextSettings>(
        _ all: [Settings], _ entries: inout [Settings: Entry<Settings.Context>?], _ keys: TicketKeys?,
        _ contents: SourceContents, _ now: Int64, _ report: inout ContextReport
    ) -> [Settings: Settings.Context] {
        var contexts: [Settings: Settings.Context] = [:]
        var next: [Settings: Entry<Settings.Context>?] = [:]
        var seen: Set<Settings> = []
        for settings in all where seen.insert(settings).inserted {
            let lineage = settings.lineage
            let isKnown = entries[lineage] != nil
            let old = entries[lineage] ?? nil
            let fingerprints = settings.sources.map { contents.fingerprint(of: $0) }
            var entry: Entry<Settings.Context>?
            var problem: TLSProblem?
            if !settings.isIncomplete {
                let known = [next[lineage] ?? nil, old].compactMap { $0 }.first { $0.fingerprints == fingerprints }
                do throws(TLSProblem) {
                    if let known {
                        entry = known
                    } else {
                        entry = try Self.entry(settings, fingerprints, keys, contents, now)
                    }
                } catch {
                    problem = error
                    entry = old
                }
            }
            next.updateValue(entry, forKey: lineage)
            if let entry {
                contexts[settings] = entry.context
                if isKnown, old?.context !== entry.context { report.renewed.append(settings.name) }
            }
            report.statuses.append(
                ContextStatus(
                    side: Settings.side, owner: settings.name, origin: settings.origin,
                    state: entry == nil ? .quarantined : problem == nil ? .serving : .stale,
                    sources: settings.sources.map(\.description),
                    certificates: entry.map { Settings.certificates(of: $0.context) } ?? [], problem: problem,
                    warnings: entry.map { Settings.warnings(of: $0.context) } ?? []))
        }
        entries = next
        return contexts
    }

    private static func entry<Settings: ContextSettings>(
        _ settings: Settings, _ fingerprints: [SourceContents.Fingerprint], _ keys: TicketKeys?,
        _ contents: SourceContents, _ now: Int64
    ) throws(TLSProblem) -> Entry<Settings.Context> {
        guard let keys else { throw TLSProblem(.exhausted, owner: settings.name, origin: settings.origin) }
        let context = try settings.context(keys: keys, now: now) { source throws(TLSProblem) in
            try contents.bytes(of: source)
        }
        return Entry(context: context, fingerprints: fingerprints)
    }
}

extension PEMSource {
    /// nil for a text.
    fileprivate var path: String? {
        guard case .file(let path) = self else { return nil }
        return path
    }
}

extension TLSContexts {
    /// Whether both give the same objects to the same settings.
    func isSame(as other: TLSContexts) -> Bool {
        servers.count == other.servers.count && clients.count == other.clients.count
            && servers.allSatisfy { other.servers[$0.key] === $0.value }
            && clients.allSatisfy { other.clients[$0.key] === $0.value }
    }
}
