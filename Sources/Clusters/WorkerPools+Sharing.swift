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
// 3. Who has a connection in use looks at the mask when one of its requests ends. If another pool waits, the connection gives
//    way, at the latest after `Limits.handoverRequestsMax` more requests of its own queue: without a request on it, it is closed;
//    with some (HTTP/2) it *yields*: it takes no new ones, those on it come to their end, then it is closed.
//
// No request is lost by yielding: new ones of the pool wait, the pool enlists like any other and has its turn in the ring. Nobody
// starves as long as requests end: between a want and the first end of a request a connection takes at most its capacity,
// afterwards nothing. If the want is gone first (others had a slot to give, the request was cancelled), a yielding connection
// takes requests again: with the next end of a request on it, the next lease of its pool, the next poke or sweep.
//
// A pool takes a free slot without queueing only if nobody waits. Marking and looking are sequentially consistent (see
// `Board.tryAcquire`): a waiter that missed a free slot was seen by who freed it. Clusters without the limit touch none of this.
// Pools are named by their index here.
extension WorkerPools {
    private var bit: UInt64 { 1 &<< UInt64(worker) }

    /// Another worker says that a slot of the cluster is free or wanted.
    package func poked(cluster: Int32) {
        guard cluster >= 0, cluster < shares.count else { return }
        if !shares[Int(cluster)].waiting.isEmpty { _ = serveFirst(cluster) }
        settle(cluster)
        eachPool(of: cluster) { resumeYielding($0) }
    }

    /// Takes a connection slot for a pool, or enlists it. True: the caller connects.
    func acquireOrEnlist(_ index: Int) -> Bool {
        guard !pools[index].isEnlisted else { return false }
        let cluster = pools[index].clusterSlot
        let limit = shares[Int(cluster)].connectionsMax
        let isFree = limit == .max || board.wanted(cluster) == 0
        if isFree, board.tryAcquire(.connections, cluster, max: Int(limit)) {
            pools[index].connecting += 1
            return true
        }
        pools[index].isEnlisted = true
        shares[Int(cluster)].waiting.append(Int32(index))
        board.setWanted(cluster, worker: worker, true)
        settle(cluster, isAnnouncing: true)
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
        while let first = shares[share].waiting.first {
            let index = Int(first)
            if pools[index].needsConnection {
                let limit = Int(shares[share].connectionsMax)
                guard board.tryAcquire(.connections, cluster, max: limit) else { return false }
                pools[index].connecting += 1
                connect(index)
            }
            _ = shares[share].waiting.popFirst()
            pools[index].isEnlisted = pools[index].needsConnection
            if pools[index].isEnlisted { shares[share].waiting.append(first) }
            unmarkIfNoneWaits(cluster)
            return true
        }
        unmarkIfNoneWaits(cluster)
        return false
    }

    /// Takes a pool out of the queue when its requests are served.
    func delistIfSatisfied(_ index: Int) {
        guard pools[index].isEnlisted, !pools[index].needsConnection else { return }
        pools[index].isEnlisted = false
        let cluster = pools[index].clusterSlot
        _ = shares[Int(cluster)].waiting.remove { Int($0) == index }
        unmarkIfNoneWaits(cluster)
    }

    private func unmarkIfNoneWaits(_ cluster: Int32) {
        if shares[Int(cluster)].waiting.isEmpty { board.setWanted(cluster, worker: worker, false) }
    }

    /// Whether all slots are taken and another pool, here or in another worker, waits for one.
    func isWantedElsewhere(_ index: Int) -> Bool {
        let cluster = pools[index].clusterSlot
        let share = Int(cluster)
        guard shares[share].isLimited else { return false }
        let siblings = shares[share].waiting.count - (pools[index].isEnlisted ? 1 : 0)
        return (siblings > 0 || board.wanted(cluster) & ~bit != 0)
            && board.count(.connections, cluster) >= Int(shares[share].connectionsMax)
    }

    /// Whether the pool's cluster has `maxConnections`.
    @inline(__always)
    func isLimited(_ index: Int) -> Bool { shares[Int(pools[index].clusterSlot)].isLimited }

    /// Whether a connection that became free here must give way so that another pool may open one.
    func mustHandOver(_ index: Int) -> Bool {
        let isWanted = isWantedElsewhere(index)
        if !isWanted || pools[index].waiters.isEmpty || pools[index].handoverRequests >= Limits.handoverRequestsMax {
            pools[index].handoverRequests = 0
            return isWanted
        }
        pools[index].handoverRequests += 1
        return false
    }

    /// Closes the longest idle connection of one of the cluster's pools, if there is any.
    private func closeIdle(_ cluster: Int32) {
        var found: UInt32?
        eachPool(of: cluster) { if found == nil { found = spare($0) } }
        if let found { close(found) }
    }

    /// All pools of the cluster's endpoints in the newest generation.
    private func eachPool(of cluster: Int32, _ body: (Int) -> Void) {
        for endpoint in shares[Int(cluster)].members {
            var index = Int(heads[Int(endpoint)])
            while index >= 0 {
                body(index)
                index = Int(pools[index].nextVariant)
            }
        }
    }
}
