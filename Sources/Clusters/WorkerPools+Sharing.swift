import Wire

// How `maxConnections` holds for the whole process without a lock, and nobody starves.
//
// A connection slot is a unit of the board's count. A pool that is refused one enlists in its worker's queue for the cluster,
// and the worker's bit in the board's `wanted` mask says so. Three rules pass slots on:
//
// 1. Who frees a slot (after the socket is closed) looks at the mask and pokes the next worker in the ring after itself, itself
//    last. A poked worker serves the first pool of its queue; if it has none, it pokes the next. So while a slot is free and
//    somebody waits, a poke is on its way.
// 2. Who enlists when all slots are taken pokes everybody once: a worker with an idle connection closes it.
// 3. Who has a connection in use looks at the mask when its request ends. If another pool waits, the connection is closed,
//    at the latest after `Limits.handoverRequestsMax` more requests of its own queue.
//
// A pool takes a free slot without queueing only if nobody waits. Marking and looking are sequentially consistent (see
// `Board.tryAcquire`): a waiter that missed a free slot was seen by who freed it. Clusters without the limit touch none of this.
extension WorkerPools {
    private var bit: UInt64 { 1 &<< UInt64(worker) }

    /// Another worker says that a slot of the cluster is free or wanted.
    package func poked(cluster: Int32) {
        guard cluster >= 0, cluster < shares.count else { return }
        if !shares[Int(cluster)].waiting.isEmpty { _ = serveFirst(cluster) }
        settle(cluster)
    }

    /// Takes a connection slot for a pool, or enlists it. True: the caller connects.
    func acquireOrEnlist(_ endpoint: Int32) -> Bool {
        let cluster = pools[Int(endpoint)].clusterSlot
        let limit = shares[Int(cluster)].connectionsMax
        if !pools[Int(endpoint)].isEnlisted {
            let isFree = limit == .max || board.wanted(cluster) == 0
            if isFree, board.tryAcquire(.connections, cluster, max: Int(limit)) {
                pools[Int(endpoint)].connecting += 1
                return true
            }
            pools[Int(endpoint)].isEnlisted = true
            shares[Int(cluster)].waiting.append(endpoint)
            board.setWanted(cluster, worker: worker, true)
            settle(cluster, isAnnouncing: true)
        }
        return false
    }

    /// Sees to it that a free slot finds who waits for it, or, if all are taken, that an idle connection gives way.
    func settle(_ cluster: Int32, isAnnouncing: Bool = false) {
        let share = Int(cluster)
        guard shares[share].isLimited || !shares[share].waiting.isEmpty else { return }
        while true {
            let wanted = board.wanted(cluster)
            if wanted == 0 { return }
            guard board.count(.connections, cluster) < Int(shares[share].connectionsMax) else { break }
            let next = nextWorker(in: wanted)
            if next != worker {
                actions.append(.poke(workers: 1 &<< UInt64(next), cluster: cluster))
                return
            }
            _ = serveFirst(cluster)
        }
        if isAnnouncing, board.workers > 1 {
            let all = UInt64.max &>> UInt64(64 - board.workers)
            actions.append(.poke(workers: all & ~bit, cluster: cluster))
        }
        closeIdle(cluster)
    }

    /// The first worker after this one, in the ring, whose bit is set.
    private func nextWorker(in wanted: UInt64) -> Int {
        let later = worker == 63 ? 0 : wanted & (UInt64.max &<< UInt64(worker + 1))
        return (later != 0 ? later : wanted).trailingZeroBitCount
    }

    /// Gives a slot to the first pool of the queue that still needs one. False: none does, or no slot is free.
    private func serveFirst(_ cluster: Int32) -> Bool {
        let share = Int(cluster)
        while let endpoint = shares[share].waiting.first {
            let index = Int(endpoint)
            if pools[index].needsConnection {
                let limit = Int(shares[share].connectionsMax)
                guard board.tryAcquire(.connections, cluster, max: limit) else { return false }
                pools[index].connecting += 1
                connect(endpoint)
            }
            _ = shares[share].waiting.popFirst()
            pools[index].isEnlisted = pools[index].needsConnection
            if pools[index].isEnlisted { shares[share].waiting.append(endpoint) }
            unmarkIfNoneWaits(cluster)
            return true
        }
        unmarkIfNoneWaits(cluster)
        return false
    }

    /// Takes a pool out of the queue when its requests are served.
    func delistIfSatisfied(_ endpoint: Int32) {
        guard pools[Int(endpoint)].isEnlisted, !pools[Int(endpoint)].needsConnection else { return }
        pools[Int(endpoint)].isEnlisted = false
        let cluster = pools[Int(endpoint)].clusterSlot
        _ = shares[Int(cluster)].waiting.remove { $0 == endpoint }
        unmarkIfNoneWaits(cluster)
    }

    private func unmarkIfNoneWaits(_ cluster: Int32) {
        if shares[Int(cluster)].waiting.isEmpty { board.setWanted(cluster, worker: worker, false) }
    }

    /// Whether a connection that became free here must be closed so that another pool may open one.
    func mustHandOver(_ endpoint: Int32) -> Bool {
        let index = Int(endpoint)
        let cluster = pools[index].clusterSlot
        let share = Int(cluster)
        guard shares[share].isLimited else { return false }
        let siblings = shares[share].waiting.count - (pools[index].isEnlisted ? 1 : 0)
        let isWanted =
            (siblings > 0 || board.wanted(cluster) & ~bit != 0)
            && board.count(.connections, cluster) >= Int(shares[share].connectionsMax)
        if !isWanted || pools[index].waiters.isEmpty || pools[index].handoverRequests >= Limits.handoverRequestsMax {
            pools[index].handoverRequests = 0
            return isWanted
        }
        pools[index].handoverRequests += 1
        return false
    }

    /// Closes the longest idle connection of one of the cluster's pools, if there is any.
    private func closeIdle(_ cluster: Int32) {
        for endpoint in shares[Int(cluster)].members {
            if let idle = pools[Int(endpoint)].idle.popFirst() {
                actions.append(.close(connection: idle.connection, endpoint: endpoint))
                return
            }
        }
    }
}
