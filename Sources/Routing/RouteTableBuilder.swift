import Regex
import Wire

/// Collects records while a table is built. Lives only in `RouteTable.init`.
struct RouteTableBuilder {
    let seed: UInt64
    private(set) var patterns: [Pattern] = []
    private(set) var arena: [UInt8] = []
    private(set) var configurations: [ConfigurationRecord] = []
    private(set) var virtualHosts: [VirtualHostRecord] = []
    private(set) var routes: [RouteRecord] = []
    private(set) var matches: [MatchRecord] = []
    private(set) var conditions: [ConditionRecord] = []
    private(set) var statusCodes: [UInt16] = []
    private(set) var mirrors: [MirrorRecord] = []
    private(set) var rewrites: [RewriteRecord] = []
    private(set) var redirects: [RedirectRecord] = []
    private(set) var directs: [DirectRecord] = []
    private(set) var retries: [RetryPolicyRecord] = []
    var destinations: [DestinationRecord] = []
    var units: [HeaderUnitRecord] = []
    var operations: [HeaderOperationRecord] = []
    var tokens: [FormatToken] = []
    var slots: [HashIndex.Slot] = []
    var lengths: [Int32] = []
    var candidates: [Int32] = []

    private var textsByString: [String: Slice] = [:]
    private var patternsBySource: [String: PatternHandle?] = [:]
    private var retriesByPolicy: [RetryPolicy: Int32] = [:]

    init(seed: UInt64) { self.seed = seed }

    // MARK: - Texts and patterns

    /// Puts a text into the arena, once.
    mutating func intern(_ text: String) -> Slice {
        if let known = textsByString[text] { return known }
        let slice = append(text.utf8)
        textsByString[text] = slice
        return slice
    }

    /// Puts bytes into the arena.
    mutating func append(_ bytes: some Collection<UInt8>) -> Slice {
        let slice = Slice(offset: arena.count, length: bytes.count)
        arena.append(contentsOf: bytes)
        return slice
    }

    /// Compiles a pattern, once; nil when it is broken.
    mutating func compile(_ source: String) -> PatternHandle? {
        if let known = patternsBySource[source] { return known }
        let pattern = try? Pattern(source)
        if let pattern { patterns.append(pattern) }
        patternsBySource.updateValue(pattern?.handle, forKey: source)
        return pattern?.handle
    }

    // MARK: - Configurations and virtual hosts

    /// Adds one route configuration; positions follow the order of calls.
    mutating func add(_ specification: RouteConfigurationSpec) {
        let first = Int32(virtualHosts.count)
        for host in specification.virtualHosts { add(host) }
        var exact: [(key: Slice, value: Int32)] = []
        var wildcards: [(key: Slice, value: Int32)] = []
        var catchAll: Int32 = -1
        var seen: Set<String> = []
        for (offset, host) in specification.virtualHosts.enumerated() {
            let position = first + Int32(offset)
            for domain in host.domains.map({ $0.lowercased() }) where seen.insert(domain).inserted {
                if domain == "*" {
                    catchAll = position
                } else if domain.hasPrefix("*") {
                    wildcards.append((intern(String(domain.dropFirst())), position))
                } else {
                    exact.append((intern(domain), position))
                }
            }
        }
        configurations.append(
            ConfigurationRecord(
                matchesPort: specification.matchesPort,
                exactDomains: index(exact),
                wildcardDomains: index(wildcards),
                wildcardLengths: appendLengths(of: wildcards.map(\.key)), catchAll: catchAll,
                virtualHosts: Run(start: first, count: Int32(specification.virtualHosts.count))))
    }

    private mutating func add(_ specification: VirtualHostSpec) {
        let position = Int32(virtualHosts.count)
        let first = Int32(routes.count)
        for route in specification.routes { add(route, virtualHost: position) }
        var record = VirtualHostRecord(
            configuration: Int32(configurations.count),
            routes: Run(start: first, count: Int32(specification.routes.count)), requiresTLS: specification.requiresTLS,
            hasIndex: specification.routes.count > RouteTable.unindexedRoutesMax, exactPaths: .empty, prefixes: .empty,
            prefixLengths: .empty, unindexed: .empty, name: intern(specification.name))
        if record.hasIndex { buildPathIndex(&record) }
        virtualHosts.append(record)
    }

    // MARK: - Hash tables

    /// An interned text as a key: equal texts stand at one place.
    private struct Text: Hashable {
        let start: Int
        let count: Int
        init(_ slice: Slice) {
            start = slice.start
            count = slice.count
        }
        var slice: Slice { Slice(offset: start, length: count) }
    }

    /// Sorts a virtual host's routes by what a hash of the path can say of them.
    private mutating func buildPathIndex(_ record: inout VirtualHostRecord) {
        var exact: [Text: [Int32]] = [:]
        var prefixes: [Text: [Int32]] = [:]
        var unindexed: [Int32] = []
        for route in record.routes.indices {
            let match = matches[Int(route)]
            switch match.pathKind {
            case .exact where !match.ignoresCase: exact[Text(match.path), default: []].append(route)
            case .prefix where !match.ignoresCase && !match.path.isEmpty:
                prefixes[Text(match.path), default: []].append(route)
            case .never: break
            case .any, .exact, .prefix, .regex: unindexed.append(route)
            }
        }
        record.unindexed = appendCandidates(unindexed)
        record.exactPaths = pathIndex(exact)
        record.prefixes = pathIndex(prefixes)
        record.prefixLengths = appendLengths(of: prefixes.keys.map(\.slice))
    }

    /// A table from paths to lists of candidates; a slot's value is the position of the list's length, which stands
    /// before it.
    private mutating func pathIndex(_ lists: [Text: [Int32]]) -> HashIndex {
        var entries: [(key: Slice, value: Int32)] = []
        for (path, routes) in lists.sorted(by: { $0.value[0] < $1.value[0] }) {
            entries.append((path.slice, Int32(candidates.count)))
            candidates.append(Int32(routes.count))
            candidates.append(contentsOf: routes)
        }
        return index(entries)
    }

    private mutating func appendCandidates(_ routes: [Int32]) -> Run {
        let run = Run(start: Int32(candidates.count), count: Int32(routes.count))
        candidates.append(contentsOf: routes)
        return run
    }

    /// The distinct lengths of keys, ascending.
    private mutating func appendLengths(of keys: [Slice]) -> Run {
        let distinct = Set(keys.map { Int32($0.count) }).sorted()
        let run = Run(start: Int32(lengths.count), count: Int32(distinct.count))
        lengths.append(contentsOf: distinct)
        return run
    }

    /// Lays out a hash table that is at most half full.
    private mutating func index(_ entries: [(key: Slice, value: Int32)]) -> HashIndex {
        guard !entries.isEmpty else { return .empty }
        var capacity = 2
        while capacity < entries.count * 2 { capacity *= 2 }
        let start = slots.count
        slots.append(contentsOf: repeatElement(.free, count: capacity))
        for (key, value) in entries {
            let hash = arena[key.start..<key.end].withUnsafeBytes {
                WordHash.of($0, seed: seed, ignoringCase: false)
            }
            var position = Int(hash) & (capacity - 1)
            while slots[start + position].value >= 0 { position = (position + 1) & (capacity - 1) }
            slots[start + position] = HashIndex.Slot(hash: hash, key: key, value: value)
        }
        return HashIndex(start: Int32(start), mask: Int32(capacity - 1))
    }

    // MARK: - Routes

    private mutating func add(_ specification: RouteSpec, virtualHost: Int32) {
        matches.append(match(specification))
        var record = RouteRecord(
            action: .forward, editsRequest: false, editsResponse: false, hasRewrite: false, timeoutMilliseconds: -1,
            mirrors: .empty, destinations: .empty, virtualHost: virtualHost, name: intern(specification.name),
            totalWeight: 0, retry: -1, rewrite: -1, answer: -1, responseUnits: .empty)
        switch specification.action {
        case .forward(let action):
            add(action, of: specification, to: &record)
        case .redirect(let action):
            record.action = .redirect
            record.answer = Int32(redirects.count)
            redirects.append(redirect(action))
            record.responseUnits = appendUnits([specification.responseHeaders], of: specification)
        case .direct(let action):
            record.action = .direct
            record.answer = Int32(directs.count)
            let body = append(action.body ?? [])
            directs.append(
                DirectRecord(status: UInt16(clamping: action.status), hasBody: action.body != nil, body: body))
            record.responseUnits = appendUnits([specification.responseHeaders], of: specification)
        }
        if !record.responseUnits.isEmpty { record.editsResponse = true }
        routes.append(record)
    }

    private mutating func match(_ specification: RouteSpec) -> MatchRecord {
        var record = MatchRecord(
            pathKind: .any, ignoresCase: false, path: .empty, pattern: nil, conditions: .empty)
        switch specification.path {
        case .any: break
        case .exact(let path, let ignoresCase):
            record.pathKind = .exact
            record.ignoresCase = ignoresCase
            record.path = ignoresCase ? append(path.utf8.map(lowered)) : intern(path)
        case .prefix(let path, let ignoresCase):
            record.pathKind = .prefix
            record.ignoresCase = ignoresCase
            record.path = ignoresCase ? append(path.utf8.map(lowered)) : intern(path)
        case .regex(let source):
            record.pattern = compile(source)
            record.pathKind = record.pattern == nil ? .never : .regex
        }
        let first = Int32(conditions.count)
        for condition in specification.conditions { conditions.append(self.condition(condition)) }
        record.conditions = Run(start: first, count: Int32(conditions.count) - first)
        return record
    }

    private mutating func condition(_ condition: RouteSpec.Condition) -> ConditionRecord {
        let name = condition.isQuery ? condition.match.name : condition.match.name.lowercased()
        var record = ConditionRecord(
            subject: condition.isQuery ? .query : .header, kind: .present, isInverted: condition.match.isInverted,
            id: .other, name: intern(name), value: .empty, pattern: nil)
        if !condition.isQuery {
            switch name {
            case ":method": record.subject = .method
            case ":authority", "host": record.subject = .authority
            case ":scheme": record.subject = .scheme
            case ":path": record.subject = .path
            default: record.id = FieldText.identify(name)
            }
        }
        switch condition.match.match {
        case .present, .regex("*"): break
        case .exact(let value):
            record.kind = .exact
            record.value = intern(value)
        case .prefix(let value):
            record.kind = .prefix
            record.value = intern(value)
        case .regex(let source):
            record.pattern = compile(source)
            record.kind = record.pattern == nil ? .never : .regex
        }
        return record
    }

    // MARK: - Actions

    private mutating func add(_ action: ForwardAction, of specification: RouteSpec, to record: inout RouteRecord) {
        record.timeoutMilliseconds = action.timeoutMilliseconds.map { Int32(clamping: $0) } ?? -1
        record.retry = retry(action.retry)
        record.mirrors = Run(start: Int32(mirrors.count), count: Int32(action.mirrors.count))
        for mirror in action.mirrors {
            mirrors.append(
                MirrorRecord(
                    cluster: cluster(mirror.cluster), partsPerMillion: Int32(clamping: mirror.partsPerMillion)))
        }
        let rewrite = rewrite(action.rewrite)
        record.hasRewrite = rewrite.kind != .none || action.rewrite.authority != nil
        if rewrite.kind != .none {
            record.rewrite = Int32(rewrites.count)
            rewrites.append(rewrite)
        }
        addDestinations(of: action, in: specification, to: &record)
        if record.rewrite >= 0 { record.editsRequest = true }
    }

    /// The position of a cluster as records hold it.
    func cluster(_ reference: ClusterReference) -> Int32 {
        switch reference {
        case .index(let index):
            Int32(exactly: index).map { max($0, RouteTable.unknownCluster) } ?? RouteTable.unknownCluster
        case .unknown: RouteTable.unknownCluster
        case .passthrough: RouteTable.passthroughCluster
        }
    }

    private mutating func retry(_ policy: RetryPolicy) -> Int32 {
        if let known = retriesByPolicy[policy] { return known }
        let index = Int32(retries.count)
        let codes = Run(start: Int32(statusCodes.count), count: Int32(policy.statusCodes.count))
        statusCodes.append(contentsOf: policy.statusCodes)
        retries.append(
            RetryPolicyRecord(
                attempts: Int32(clamping: policy.attempts), conditions: policy.conditions.rawValue,
                perTryTimeoutMilliseconds: policy.perTryTimeoutMilliseconds.map { Int32(clamping: $0) } ?? -1,
                backoffMilliseconds: Int32(clamping: policy.backoffMilliseconds),
                ignoresPreviousHosts: policy.ignoresPreviousHosts, triesRemoteLocalities: policy.triesRemoteLocalities,
                isExplicit: policy.isExplicit, statusCodes: codes))
        retriesByPolicy[policy] = index
        return index
    }

    private mutating func rewrite(_ rewrite: Rewrite) -> RewriteRecord {
        if let uri = rewrite.uri { return RewriteRecord(kind: .path, replacement: intern(uri), pattern: nil) }
        if let source = rewrite.regex, let pattern = compile(source) {
            return RewriteRecord(kind: .regex, replacement: intern(rewrite.regexReplacement ?? ""), pattern: pattern)
        }
        return RewriteRecord(kind: .none, replacement: .empty, pattern: nil)
    }

    private mutating func redirect(_ action: RedirectAction) -> RedirectRecord {
        var record = RedirectRecord(
            status: action.status == 0 ? 301 : UInt16(clamping: action.status),
            port: UInt16(clamping: action.port ?? 0),
            pathKind: .keep, path: .empty, scheme: intern(action.scheme ?? ""),
            authority: intern(action.authority ?? ""))
        if let uri = action.uri {
            record.pathKind = .whole
            record.path = intern(uri)
        } else if let prefix = action.prefixRewrite {
            record.pathKind = .prefix
            record.path = intern(prefix)
        }
        return record
    }
}
