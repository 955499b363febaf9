/// What a balancer answers.
package enum Pick: Hashable, Sendable {
    /// An index of the table.
    case endpoint(Int32)
    /// No endpoint is healthy (or there is none): 503, flag UH.
    case none
}

/// Chooses endpoints of one cluster for one worker, by Envoy's algorithms. It keeps the positions of the endpoints that
/// may be chosen and rebuilds them when the endpoints' revision or their health changed; else a pick allocates nothing,
/// and a cluster with one endpoint needs no state at all.
///
/// - LEAST_REQUEST: two draws with replacement, the second wins only if strictly less loaded; with differing weights a
///   schedule by weight / (active + 1), computed just after a pick.
/// - ROUND_ROBIN: rotation from a random start; with differing weights a schedule by weight.
/// - RANDOM: one draw; weights are ignored.
///
/// In panic, when fewer than `panicPercent` of the endpoints are healthy, all are chosen from.
package struct Balancer {
    /// Picks for one attempt that avoid hosts tried before; then any that was not tried is taken, and failing that the last pick.
    private static let picksMax = 6

    /// Where rotations and schedules start, so that workers do not march in step.
    private let seed: UInt64
    /// Positions (index minus the cluster's start) that may be chosen.
    private var available: [Int32] = []
    private var schedule = EDFSchedule()
    private var rotation: UInt64
    /// What `available` was built from; 0 before the first pick.
    private var revision: UInt32 = 0
    private var healthVersion = 0
    private var kind = BalancerKind.leastRequest
    private var panicPercent: UInt8 = 0

    /// - Parameter seed: random bits of this worker and cluster.
    package init(seed: UInt64) {
        self.seed = seed
        rotation = seed
    }

    /// Chooses an endpoint for an attempt.
    /// - Parameters:
    ///   - draw: 64 random bits.
    ///   - tried: hosts that a retry should avoid; empty for a first attempt and where the policy does not ask for it.
    package mutating func pick(
        cluster: ClusterRecord, table: ClusterTable, board: Board, loads: WorkerLoads, draw: UInt64,
        excluding tried: TriedHosts = TriedHosts()
    ) -> Pick {
        if cluster.endpointCount <= 1 { return Self.pickOnly(cluster, table, board) }
        let version = board.healthVersion(cluster.slot)
        if revision != cluster.revision || healthVersion != version || kind != cluster.balancer
            || panicPercent != cluster.panicPercent
        {
            rebuild(cluster, table, board, loads, version)
        }
        guard !available.isEmpty else { return .none }

        var draw = draw
        var picks = 1
        while true {
            let position = choose(cluster, table, loads, draw)
            let index = cluster.endpointStart &+ position
            if tried.isEmpty || !tried.contains(table.endpoint(Int(index)).slot) { return .endpoint(index) }
            if picks == Self.picksMax { return .endpoint(untried(tried, cluster, table, draw) ?? index) }
            picks += 1
            draw = Self.mixed(draw &+ 0x9E37_79B9_7F4A_7C15)
        }
    }

    /// Whether an endpoint may be chosen outside panic.
    package static func isAvailable(_ endpoint: EndpointRecord, board: Board) -> Bool {
        !endpoint.flags.contains(.isUnhealthy) && board.health(endpoint.slot).isEmpty
    }

    private static func pickOnly(_ cluster: ClusterRecord, _ table: ClusterTable, _ board: Board) -> Pick {
        guard cluster.endpointCount == 1 else { return .none }
        let endpoint = table.endpoint(Int(cluster.endpointStart))
        // None healthy is below every threshold but 0.
        return isAvailable(endpoint, board: board) || cluster.panicPercent > 0
            ? .endpoint(cluster.endpointStart) : .none
    }

    // MARK: - One choice

    private mutating func choose(
        _ cluster: ClusterRecord, _ table: ClusterTable, _ loads: WorkerLoads, _ draw: UInt64
    ) -> Int32 {
        if let position = schedule.first {
            schedule.reschedule(weight: weight(of: position, cluster, table, loads))
            return position
        }
        let count = UInt64(available.count)
        switch cluster.balancer {
        case .roundRobin:
            defer { rotation &+= 1 }
            return available[Int(rotation % count)]
        case .random:
            return available[Int(draw.multipliedFullWidth(by: count).high)]
        case .leastRequest:
            // Each half of the draw is one sample; 32 bits are enough for the share of any endpoint.
            let one = available[Int(((draw >> 32) &* count) >> 32)]
            let other = available[Int(((draw & 0xFFFF_FFFF) &* count) >> 32)]
            if one == other { return one }
            let start = cluster.endpointStart
            let oneLoad = loads.active(endpoint: table.endpoint(Int(start &+ one)).slot)
            let otherLoad = loads.active(endpoint: table.endpoint(Int(start &+ other)).slot)
            return otherLoad < oneLoad ? other : one
        }
    }

    /// An endpoint that was not tried, from a random place on; nil when all were. Envoy would take what it picked last: one retry
    /// in 64 would meet the host that just failed.
    private func untried(
        _ tried: TriedHosts, _ cluster: ClusterRecord, _ table: ClusterTable, _ draw: UInt64
    ) -> Int32? {
        let start = Int(draw % UInt64(available.count))
        for offset in 0..<available.count {
            let index = cluster.endpointStart &+ available[(start + offset) % available.count]
            if !tried.contains(table.endpoint(Int(index)).slot) { return index }
        }
        return nil
    }

    private func weight(
        of position: Int32, _ cluster: ClusterRecord, _ table: ClusterTable, _ loads: WorkerLoads
    ) -> Double {
        let endpoint = table.endpoint(Int(cluster.endpointStart &+ position))
        let weight = Double(endpoint.weight)
        guard cluster.balancer == .leastRequest else { return weight }
        return weight / Double(loads.active(endpoint: endpoint.slot) + 1)
    }

    /// The finaliser of splitmix64: a second draw out of the first.
    private static func mixed(_ bits: UInt64) -> UInt64 {
        var bits = bits
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }

    // MARK: - After a change

    @inline(never)
    private mutating func rebuild(
        _ cluster: ClusterRecord, _ table: ClusterTable, _ board: Board, _ loads: WorkerLoads, _ version: Int
    ) {
        revision = cluster.revision
        healthVersion = version
        kind = cluster.balancer
        panicPercent = cluster.panicPercent
        available.removeAll(keepingCapacity: true)
        for position in 0..<cluster.endpointCount
        where Self.isAvailable(table.endpoint(Int(cluster.endpointStart + position)), board: board) {
            available.append(position)
        }
        if available.count * 100 < Int(cluster.panicPercent) * Int(cluster.endpointCount) {
            available = Array(0..<cluster.endpointCount)
        }

        schedule.removeAll()
        guard cluster.flags.contains(.isWeighted), cluster.balancer != .random, available.count > 1 else { return }
        let first = table.endpoint(Int(cluster.endpointStart + available[0])).weight
        guard available.contains(where: { table.endpoint(Int(cluster.endpointStart + $0)).weight != first }) else {
            return
        }
        for position in available { schedule.insert(position, weight: weight(of: position, cluster, table, loads)) }
        for _ in 0..<seed % UInt64(available.count) {
            if let position = schedule.first {
                schedule.reschedule(weight: weight(of: position, cluster, table, loads))
            }
        }
    }
}
