import Wire

/// How many retries of a cluster may be under way at once: the larger of a fixed number and a share of the requests, over
/// all workers (the reference's section 6.3, `retryBudget`). As in Istio there is none unless a rule asks for it: a rolling
/// restart that refuses half of the connections must cost no request. `maxRetries` limits where there is no budget.
package struct RetryBudget: Hashable, BitwiseCopyable, Sendable {
    /// Of the requests active and pending.
    package var percent: UInt32
    package var concurrencyMin: UInt32

    package init(percent: UInt32 = 20, concurrencyMin: UInt32 = 3) {
        self.percent = percent
        self.concurrencyMin = concurrencyMin
    }

    /// No budget: only `maxRetries` limits.
    package static let none = RetryBudget(percent: 100, concurrencyMin: .max)

    /// Retries allowed at once beside so many requests.
    package func allowance(active: Int) -> Int {
        max(Int(concurrencyMin), Int(percent) * max(0, active) / 100)
    }

    /// Takes a retry's slot, or answers false: the request ends with what its attempt gave it (flag UO). Counted on the
    /// board always: retries are rare. Each success is followed by one `release`.
    package static func tryAcquire(_ cluster: ClusterRecord, board: Board) -> Bool {
        let active = board.activeRequests(cluster: cluster.slot) + board.count(.pending, cluster.slot)
        let allowed = min(Int(cluster.retriesMax), cluster.retryBudget.allowance(active: active))
        return board.tryAcquire(.retries, cluster.slot, max: allowed)
    }

    /// The retry gave a head, is decided upon again, or its request ended.
    package static func release(_ cluster: ClusterRecord, board: Board) { board.release(.retries, cluster.slot) }
}
