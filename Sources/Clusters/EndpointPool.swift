import Wire

/// The connections of one worker to one endpoint, and the requests that wait for one: queues and counts, no limits. The
/// limits belong to the cluster and the process; `WorkerPools` applies them.
///
/// Connections and requests are numbers of the caller's choice. Invariant: whoever waits finds no idle connection.
struct EndpointPool {
    struct Idle: BitwiseCopyable {
        var connection: UInt32
        /// `Int.max`: never.
        var deadlineMilliseconds: Int
    }

    struct Waiter: BitwiseCopyable {
        var request: UInt32
        /// The limit of the generation the request began with; `UInt32.max`: not counted.
        var requestsMax: UInt32
    }

    /// The most recently used last.
    var idle = Ring<Idle>()
    /// In order of arrival.
    var waiters = Ring<Waiter>()
    /// Attempts to connect under way.
    var connecting = 0
    /// Established connections, idle ones among them.
    var established = 0
    /// Requests sent here in a row while another waited for the connection.
    var handoverRequests = 0
    /// Whether the pool stands in its cluster's queue for connection slots.
    var isEnlisted = false
    /// The newest generation has no such endpoint: no connection is kept.
    var isRetired = false
    /// -1: never used.
    var clusterSlot: Int32 = -1

    /// Envoy's rule: connect while more wait than connections are on their way.
    var needsConnection: Bool { waiters.count > connecting }
}

/// The answer to a request for a connection.
package enum LeaseAction: Hashable, BitwiseCopyable, Sendable {
    /// Send the request on this connection: idle so far, the last that was used.
    case use(connection: UInt32)
    /// Open a connection to the endpoint; the request waits. Answered by `connected` or `connectFailed`.
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
    /// Open a connection; `request` is one that waits, by whose generation the address is found.
    case connect(endpoint: Int32, request: UInt32)
    /// Close the connection, then call `closed`: only then its slot is free.
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
