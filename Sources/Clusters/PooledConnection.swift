/// An established connection as its pool sees it; found by the connection's number.
struct PooledConnection: BitwiseCopyable {
    /// Why a connection takes no new requests although it has room.
    struct Flags: OptionSet, BitwiseCopyable {
        let rawValue: UInt8

        /// Not offered yet.
        static let isNew = Flags(rawValue: 1 << 0)
        /// For good: GOAWAY, age, the limit of requests, broken.
        static let drains = Flags(rawValue: 1 << 1)
        /// As long as another pool wants its slot (rule 3 of `WorkerPools+Sharing`).
        static let yields = Flags(rawValue: 1 << 2)
        /// The action `close` is queued or under way.
        static let closes = Flags(rawValue: 1 << 3)
    }

    /// -1: no connection has this number.
    var pool: Int32 = -1
    var flags: Flags = .isNew
    /// Requests it takes at once.
    var capacity: UInt32 = 0
    /// Requests on it; more than `capacity` after the peer lowered that.
    var active: UInt32 = 0
    /// Requests it was given so far.
    var served: UInt32 = 0
    /// Neighbours in the pool's ready list. The oldest's `older` is -1; the newest's `newer` has no meaning, so that taking
    /// the newest touches no other; both have none outside the list.
    var older: Int32 = -1
    var newer: Int32 = -1
    /// When it was established.
    var connectedAt = 0
    /// When the last request on it ended.
    var usedAt = 0

    /// In the pool's ready list, exactly then.
    var isReady: Bool { flags.isEmpty && active < capacity }
    /// Ready, and carries nothing.
    var isIdle: Bool { flags.isEmpty && active == 0 && capacity > 0 }
    /// The peer takes no requests for now: a connection on its way, so to speak.
    var isPaused: Bool { flags.isEmpty && active == 0 && capacity == 0 }
    var yields: Bool { flags.contains(.yields) && !flags.contains(.closes) }

    /// Counts one more request. At `requestsMax` it takes no more.
    @inline(__always)
    mutating func take(requestsMax: UInt32) {
        active += 1
        served &+= 1
        if served >= requestsMax { flags.insert(.drains) }
    }

    /// One request less.
    @inline(__always)
    mutating func give(now: Int, older: Int32) {
        active -= 1
        usedAt = now
        self.older = older
    }
}
