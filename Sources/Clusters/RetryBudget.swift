import Wire

/// How many retries of a cluster may be under way at once: the larger of a fixed number and a share of the requests,
/// over all workers (`retryBudget`). `maxRetries` limits on top.
///
/// Unlike Istio there is one by default, so that retries never multiply an overload. The default one does not count against
/// attempts that reached no endpoint: they load nobody, and a rolling restart that refuses half of the connections must cost no
/// request. A budget that a rule sets holds for all retries.
package struct RetryBudget: Hashable, BitwiseCopyable, Sendable {
    /// Of the requests active and pending.
    package var percent: UInt16
    /// A rule set it.
    package var isConfigured: Bool
    package var concurrencyMin: UInt32

    package init(percent: UInt16 = 20, concurrencyMin: UInt32 = 3, isConfigured: Bool = false) {
        self.percent = percent
        self.concurrencyMin = concurrencyMin
        self.isConfigured = isConfigured
    }

    /// Retries allowed at once beside so many requests.
    package func allowance(active: Int) -> Int {
        max(Int(concurrencyMin), Int(percent) * max(0, active) / 100)
    }

    /// Takes a retry's slot, or answers false: the request ends with what its attempt gave it (flag UO). Counted on the
    /// board always: retries are rare. Each success is followed by one `release`.
    /// - Parameter reachedEndpoint: the attempt before may have sent bytes.
    package static func tryAcquire(_ cluster: ClusterRecord, board: Board, reachedEndpoint: Bool = true) -> Bool {
        guard reachedEndpoint || cluster.retryBudget.isConfigured else {
            return board.tryAcquire(.retries, cluster.slot, max: Int(cluster.retriesMax))
        }
        let active = board.activeRequests(cluster: cluster.slot) + board.count(.pending, cluster.slot)
        let allowed = min(Int(cluster.retriesMax), cluster.retryBudget.allowance(active: active))
        return board.tryAcquire(.retries, cluster.slot, max: allowed)
    }

    /// The retry gave a head, is decided upon again, or its request ended.
    package static func release(_ cluster: ClusterRecord, board: Board) { board.release(.retries, cluster.slot) }
}
