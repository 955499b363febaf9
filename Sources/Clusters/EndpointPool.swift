import Wire

/// The connections of one worker to one endpoint that can stand in for each other (one variant), and the requests that wait
/// for one: queues and counts, no limits. The limits belong to the cluster and the process; `WorkerPools` applies them.
///
/// Connections and requests are numbers of the caller's choice. Invariants (`WorkerPools.firstFault` checks them): whoever
/// waits finds no ready connection; who needs a connection has one on its way or stands in the cluster's queue for one.
struct EndpointPool {
    struct Waiter: BitwiseCopyable {
        var request: UInt32
        /// The limit of the generation the request began with; `UInt32.max`: not counted.
        var requestsMax: UInt32
    }

    /// -1: the pool is free for another variant.
    var endpoint: Int32
    var variant: UInt32
    /// The endpoint's next pool, of another variant; -1: none. Variant 0 is always first.
    var nextVariant: Int32 = -1
    /// -1: never used.
    var clusterSlot: Int32 = -1

    /// In order of arrival.
    var waiters = Ring<Waiter>()
    /// The ends of the list of ready connections, by use; -1: none is ready.
    var oldest: Int32 = -1
    var newest: Int32 = -1

    /// Attempts to connect under way.
    var connecting = 0
    /// Established connections, whatever their state.
    var established = 0
    /// Of these: ready without a request; paused by the peer; giving way to another pool.
    var idle = 0
    var paused = 0
    var yielding = 0
    /// Connections outside any pool to this endpoint (kept in the pool of variant 0).
    var outside = 0

    /// Requests that a new connection will take at once, as the cluster says.
    var streamsMax: UInt32 = 1
    /// What the last connection turned out to take.
    var streamsSeen = UInt32.max
    /// Requests a connection may carry in its life; `UInt32.max`: any number.
    var requestsPerConnectionMax = UInt32.max
    /// `Int.max`: any age.
    var durationMaxMilliseconds = Int.max

    /// Requests sent here in a row while another pool waited for the connection.
    var handoverRequests = 0
    /// Whether the pool stands in its cluster's queue for connection slots.
    var isEnlisted = false
    /// The newest generation has no such endpoint: no connection is kept.
    var isRetired = false

    /// Requests that connections on their way will take, by what is known now.
    var capacityExpected: Int { (connecting + paused) * Int(max(1, min(streamsMax, streamsSeen))) }

    /// Envoy's rule: connect while more wait than there is capacity on its way.
    var needsConnection: Bool { waiters.count > capacityExpected }

    // MARK: - The ready list's ends

    /// The newest was given a request; `isReady`: it has room for more.
    @inline(__always)
    mutating func tookNewest(wasIdle: Bool, isReady: Bool, older: Int32) {
        if wasIdle { idle -= 1 }
        if isReady { return }
        newest = older
        if older < 0 { oldest = -1 }
    }

    /// A connection that was not in the list is the newest.
    @inline(__always)
    mutating func append(_ connection: Int32) {
        if newest < 0 { oldest = connection }
        newest = connection
    }

    /// Whether nothing would be lost with it.
    var isUnused: Bool { waiters.isEmpty && connecting + established + outside == 0 && !isEnlisted }
}

/// The answer to a request for a connection.
package enum LeaseAction: Hashable, BitwiseCopyable, Sendable {
    /// Send the request on this connection: the last used of those with room.
    case use(connection: UInt32)
    /// Open a connection to the endpoint for the variant; the request waits. Answered by `connected` or `connectFailed`.
    case connect
    /// The request waits for a connection that is under way or in use.
    case wait
    /// 503 with flag UO; the request is not known to the pool.
    case refuse(PoolOverflow)
}

/// What the runner does for the pools, in order.
package enum PoolAction: Hashable, BitwiseCopyable, Sendable {
    /// A waiting request got a connection.
    case assign(request: UInt32, connection: UInt32, endpoint: Int32)
    /// Open a connection of the variant; `request` is one that waits, by whose generation the address is found.
    case connect(endpoint: Int32, variant: UInt32, request: UInt32)
    /// Close the connection, on which there is no request, then call `closed`: only then its slot is free.
    case close(connection: UInt32, endpoint: Int32)
    /// A waiting request met a limit: 503 with flag UO.
    case refuse(request: UInt32, PoolOverflow)
    /// A waiting request's connection attempt failed; the reason is the one given to `connectFailed` before.
    case fail(request: UInt32)
    /// Have each of these workers (a bit each) call `poked` for the cluster.
    case poke(workers: UInt64, cluster: Int32)
}

/// The limit that was met (`upstream_rq_pending_overflow` counts both).
package enum PoolOverflow: Hashable, BitwiseCopyable, Sendable {
    /// `http1MaxPendingRequests`.
    case pending
    /// `http2MaxRequests`.
    case requests
}
