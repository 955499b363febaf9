/// Gives clusters and endpoints their slots on the board: the same name keeps its slot from generation to generation, and a
/// freed slot is given away again only when every generation that used it was retired by all workers. The control thread's.
package final class SlotRegistry {
    /// An endpoint's identity: where it belongs and where it is.
    struct EndpointKey: Hashable {
        var cluster: String
        var address: EndpointAddress
    }

    package let board: Board

    private var clusters = SlotMap<String>(reserving: 1)
    private var endpoints = SlotMap<EndpointKey>(reserving: 0)
    /// What each cluster slot's endpoints looked like last, and the number of that look.
    private var revisions: [Int32: (signature: [EndpointSignature], revision: UInt32)] = [:]
    private var lastRevision: UInt32 = 0
    private var generations: [UInt64: (clusters: [Int32], endpoints: [Int32])] = [:]
    private var lastGeneration: UInt64 = 0

    /// Endpoints that found no slot; they are left out of their tables. Beyond a million endpoints only.
    package private(set) var endpointsRefused = 0

    /// What of an endpoint a balancer's state depends on.
    struct EndpointSignature: Hashable {
        var slot: Int32
        var weight: UInt32
        var flags: UInt8
    }

    package init(board: Board) {
        self.board = board
        board.prepareCluster(0)
    }

    /// One above the highest slot given so far.
    package var clusterSlotsEnd: Int32 { clusters.end }
    package var endpointSlotsEnd: Int32 { endpoints.end }

    /// The slots of a generation go back: no worker uses it any more. A generation retires once; unknown numbers do nothing.
    package func retire(generation: UInt64) {
        guard let used = generations.removeValue(forKey: generation) else { return }
        for slot in used.clusters where clusters.release(slot) { revisions[slot] = nil }
        for slot in used.endpoints where endpoints.release(slot) { board.resetEndpoint(slot) }
    }

    // MARK: - For ClusterTable

    func beginGeneration() -> UInt64 {
        lastGeneration += 1
        generations[lastGeneration] = ([], [])
        return lastGeneration
    }

    /// The slot of a cluster; beyond a million clusters all share slot 0.
    func clusterSlot(_ name: String) -> Int32 {
        guard let slot = clusters.retain(name) else { return 0 }
        board.prepareCluster(slot)
        generations[lastGeneration]?.clusters.append(slot)
        return slot
    }

    func endpointSlot(_ key: EndpointKey) -> Int32? {
        guard let slot = endpoints.retain(key) else {
            endpointsRefused += 1
            return nil
        }
        board.prepareEndpoint(slot)
        generations[lastGeneration]?.endpoints.append(slot)
        return slot
    }

    /// A number that changes when, and only when, the endpoints do. No two clusters share one, as slots are used again.
    func revision(cluster: Int32, signature: [EndpointSignature]) -> UInt32 {
        if let known = revisions[cluster], known.signature == signature { return known.revision }
        lastRevision &+= 1
        revisions[cluster] = (signature, lastRevision)
        return lastRevision
    }
}

/// Stable small numbers for keys, with a count of users each.
private struct SlotMap<Key: Hashable> {
    private var slots: [Key: Int32] = [:]
    private var keys: [Key?]
    private var users: [Int]
    private var free: [Int32] = []

    init(reserving count: Int) {
        keys = Array(repeating: nil, count: count)
        users = Array(repeating: 1, count: count)
    }

    var end: Int32 { Int32(keys.count) }

    mutating func retain(_ key: Key) -> Int32? {
        if let slot = slots[key] {
            users[Int(slot)] += 1
            return slot
        }
        let slot: Int32
        if let old = free.popLast() {
            slot = old
            keys[Int(slot)] = key
            users[Int(slot)] = 1
        } else {
            guard keys.count < BoardSlots.slotsMax else { return nil }
            slot = Int32(keys.count)
            keys.append(key)
            users.append(1)
        }
        slots[key] = slot
        return slot
    }

    /// True if that was the last user.
    mutating func release(_ slot: Int32) -> Bool {
        users[Int(slot)] -= 1
        guard users[Int(slot)] == 0, let key = keys[Int(slot)] else { return false }
        slots[key] = nil
        keys[Int(slot)] = nil
        free.append(slot)
        return true
    }
}
