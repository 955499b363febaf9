import Regex
import Wire

/// Every route of one generation: built once, never changed, read by all workers.
///
/// Sendable: nothing is written after `init`. All that the data path reads are plain records behind pointers, so a
/// request takes no reference; the specifications beside them are for messages only.
package final class RouteTable: @unchecked Sendable {
    /// `cluster(of:)` for a destination that does not exist (503 NC).
    @inlinable package static var unknownCluster: Int32 { -1 }
    /// `cluster(of:)` for `PassthroughCluster`.
    @inlinable package static var passthroughCluster: Int32 { -2 }
    /// Virtual hosts with more routes than this get an index.
    static let unindexedRoutesMax = 8

    /// What the table was built from: names, provenance, texts. Never read while a request is decided.
    let specifications: [RouteConfigurationSpec]
    /// Keeps alive what the records' handles point to.
    private let patterns: [Pattern]
    let seed: UInt64

    let arena: Flat<UInt8>
    let configurations: Flat<ConfigurationRecord>
    let virtualHosts: Flat<VirtualHostRecord>
    @usableFromInline let routes: Flat<RouteRecord>
    /// At the same positions as `routes`.
    let matches: Flat<MatchRecord>
    let conditions: Flat<ConditionRecord>
    @usableFromInline let destinations: Flat<DestinationRecord>
    @usableFromInline let retries: Flat<RetryPolicyRecord>
    let statusCodes: Flat<UInt16>
    let mirrors: Flat<MirrorRecord>
    let rewrites: Flat<RewriteRecord>
    let redirects: Flat<RedirectRecord>
    let directs: Flat<DirectRecord>
    let units: Flat<HeaderUnitRecord>
    let operations: Flat<HeaderOperationRecord>
    let tokens: Flat<FormatToken>
    let slots: Flat<HashIndex.Slot>
    let lengths: Flat<Int32>
    let candidates: Flat<Int32>

    /// Builds the tables. Never fails: what is broken was diagnosed before; here a pattern that does not compile never
    /// matches, and an operation whose value does not compile is left out. `seed` makes the hash unpredictable from
    /// outside.
    package init(_ configurations: [RouteConfigurationSpec], seed: UInt64 = .random(in: .min ... .max)) {
        var builder = RouteTableBuilder(seed: seed)
        for configuration in configurations { builder.add(configuration) }
        specifications = configurations
        patterns = builder.patterns
        self.seed = seed
        arena = Flat(builder.arena)
        self.configurations = Flat(builder.configurations)
        virtualHosts = Flat(builder.virtualHosts)
        routes = Flat(builder.routes)
        matches = Flat(builder.matches)
        conditions = Flat(builder.conditions)
        destinations = Flat(builder.destinations)
        retries = Flat(builder.retries)
        statusCodes = Flat(builder.statusCodes)
        mirrors = Flat(builder.mirrors)
        rewrites = Flat(builder.rewrites)
        redirects = Flat(builder.redirects)
        directs = Flat(builder.directs)
        units = Flat(builder.units)
        operations = Flat(builder.operations)
        tokens = Flat(builder.tokens)
        slots = Flat(builder.slots)
        lengths = Flat(builder.lengths)
        candidates = Flat(builder.candidates)
    }

    deinit {
        arena.free()
        configurations.free()
        virtualHosts.free()
        routes.free()
        matches.free()
        conditions.free()
        destinations.free()
        retries.free()
        statusCodes.free()
        mirrors.free()
        rewrites.free()
        redirects.free()
        directs.free()
        units.free()
        operations.free()
        tokens.free()
        slots.free()
        lengths.free()
        candidates.free()
    }

    // MARK: - What a decision leads to

    /// What a route does. Plain numbers.
    @inlinable @inline(__always) package func route(_ index: Int32) -> RouteRecord { routes[index] }

    /// The cluster of a destination: an index into the generation's clusters, `unknownCluster` or `passthroughCluster`.
    /// A negative destination (a route that forwards to nothing) is unknown.
    @inlinable @inline(__always) package func cluster(of destination: Int32) -> Int32 {
        destination < 0 ? Self.unknownCluster : destinations[destination].cluster
    }

    /// A route's retry policy; one without attempts for routes that do not forward.
    @inlinable @inline(__always) package func retryPolicy(_ route: Int32) -> RetryPolicyRecord {
        let index = routes[route].retry
        return index < 0 ? .none : retries[index]
    }

    /// A route's mirrors, for `mirror(_:)`.
    package func mirrors(_ route: Int32) -> Run { routes[route].mirrors }

    /// One mirror, by its position.
    package func mirror(_ index: Int32) -> MirrorRecord { mirrors[index] }

    /// A route's name, for logs and `%ROUTE_NAME%`. Valid while the table lives.
    package func routeNameBytes(_ route: Int32) -> UnsafeRawBufferPointer { text(routes[route].name) }

    /// A virtual host's name. Valid while the table lives.
    package func virtualHostNameBytes(_ virtualHost: Int32) -> UnsafeRawBufferPointer {
        text(virtualHosts[virtualHost].name)
    }

    // MARK: - Retries by answer

    /// Whether an answer with this status may be followed by another attempt as far as the status alone says.
    package func isRetriable(status: UInt16, route: Int32) -> Bool {
        let policy = retryPolicy(route)
        if policy.has(.serverError), (500...599).contains(status) { return true }
        if policy.has(.gatewayError), (502...504).contains(status) { return true }
        if policy.has(.retriable4xx), status == 409 { return true }
        guard policy.has(.retriableStatusCodes) else { return false }
        for index in policy.statusCodes.indices where statusCodes[index] == status { return true }
        return false
    }

    /// Whether an answer may be followed by another attempt: its status, its `grpc-status`, and `x-envoy-ratelimited`,
    /// which leaves only the token of that name to decide.
    package func isRetriable(answer head: Head, route: Int32) -> Bool {
        let policy = retryPolicy(route)
        guard policy.attempts > 0, policy.conditions != 0 else { return false }
        if head.has(.xEnvoy), head.firstIndex(named: FieldText.rateLimited) != nil {
            return policy.has(.envoyRatelimited)
        }
        if isRetriable(status: head.status, route: route) { return true }
        guard let value = head.value(of: .grpcStatus) else { return false }
        let bytes = head.bytes(value)
        guard bytes.count == 1 || bytes.count == 2 else { return false }
        var code = 0
        for byte in bytes {
            guard byte >= 0x30, byte <= 0x39 else { return false }
            code = code * 10 + Int(byte - 0x30)
        }
        switch code {
        case 1: return policy.has(.grpcCancelled)
        case 4: return policy.has(.grpcDeadlineExceeded)
        case 8: return policy.has(.grpcResourceExhausted)
        case 13: return policy.has(.grpcInternal)
        case 14: return policy.has(.grpcUnavailable)
        default: return false
        }
    }

    // MARK: - Texts

    /// The bytes of a slice of the arena.
    @inline(__always)
    func text(_ slice: Slice) -> UnsafeRawBufferPointer {
        precondition(slice.end <= arena.count, "the text belongs to another table")
        return UnsafeRawBufferPointer(start: arena.base + slice.start, count: slice.count)
    }

    /// The same, as `Head` compares names.
    @inline(__always)
    func name(_ slice: Slice) -> UnsafeBufferPointer<UInt8> {
        precondition(slice.end <= arena.count, "the text belongs to another table")
        return UnsafeBufferPointer(start: arena.base + slice.start, count: slice.count)
    }
}
