/// Ejects endpoints that fail and lets them come back, as `outlierDetection` says: one machine for the process, outside
/// the workers, that alone writes health to the board. Workers post it failures, and the first success after one.
///
/// Keyed by slots, so that it survives generations. Times are milliseconds on one monotonic clock. Without jitter: the same
/// inputs give the same ejections.
package struct OutlierDetector {
    /// What changed, for logs and events. The board knows already.
    package enum Action: Hashable, Sendable {
        case eject(endpoint: Int32, until: Int, reason: EjectionReason, count: Int)
        case restore(endpoint: Int32)
    }

    /// Envoy's `max_ejection_time`, unless the base is longer.
    private static let ejectionMillisecondsMax = 300_000

    struct Host {
        var cluster: Int32
        var address: String
        var consecutive5xx = 0
        var consecutiveGatewayErrors = 0
        var consecutiveLocalFailures = 0
        /// By counting; what an operator did is apart.
        var isEjected = false
        var lastEjection = 0
        var lastRestoration = 0
        var multiplier = 0
        /// nil: not by hand.
        var manualUntil: Int?
        var ejections = 0
        var reason = EjectionReason.manual

        var isOut: Bool { isEjected || manualUntil != nil }
    }

    struct Cluster {
        var name: String
        var policy: OutlierPolicy?
        var endpoints: [Int32]
        var nextSweep: Int
        var out = 0
        /// Ejections that `maxEjectionPercent` forbade.
        var overflows = 0
    }

    let board: Board
    var hosts: [Int32: Host] = [:]
    var clusters: [Int32: Cluster] = [:]

    package init(board: Board) { self.board = board }

    // MARK: - Reports

    /// Counts a failure; a run that reaches its threshold ejects at once.
    package mutating func reportFailure(endpoint: Int32, kind: OutlierFailure, now: Int) -> [Action] {
        guard var host = hosts[endpoint], let policy = clusters[host.cluster]?.policy, !host.isOut else { return [] }
        var actions: [Action] = []
        func attempt(_ reason: EjectionReason, _ host: inout Host) {
            // A counter starts again after each attempt to eject, allowed or not; a host is ejected once.
            if !host.isEjected, let action = eject(endpoint, &host, reason, policy, now) { actions.append(action) }
        }
        switch kind {
        case .localFailure:
            host.consecutiveLocalFailures += 1
            if host.consecutiveLocalFailures == policy.consecutiveLocalFailures {
                attempt(.consecutiveLocalFailures, &host)
                host.consecutiveLocalFailures = 0
            }
        case .gatewayError, .serverError:
            if case .gatewayError = kind {
                host.consecutiveGatewayErrors += 1
            } else {
                host.consecutiveGatewayErrors = 0
            }
            if host.consecutiveGatewayErrors > 0, host.consecutiveGatewayErrors == policy.consecutiveGatewayErrors {
                attempt(.consecutiveGatewayErrors, &host)
                host.consecutiveGatewayErrors = 0
            }
            host.consecutive5xx += 1
            if host.consecutive5xx == policy.consecutive5xx {
                attempt(.consecutive5xx, &host)
                host.consecutive5xx = 0
            }
        }
        store(host, endpoint)
        return actions
    }

    /// An answer below 500 ended a run of errors.
    package mutating func reportSuccess(endpoint: Int32, now: Int) {
        guard var host = hosts[endpoint] else { return }
        host.consecutive5xx = 0
        host.consecutiveGatewayErrors = 0
        store(host, endpoint)
    }

    /// A connection was established: ends a run of local failures.
    package mutating func reportConnected(endpoint: Int32, now: Int) {
        guard var host = hosts[endpoint] else { return }
        host.consecutiveLocalFailures = 0
        store(host, endpoint)
    }

    /// What a worker posted.
    package mutating func report(_ signal: OutlierSignal, endpoint: Int32, now: Int) -> [Action] {
        switch signal {
        case .failure(let kind): return reportFailure(endpoint: endpoint, kind: kind, now: now)
        case .success: reportSuccess(endpoint: endpoint, now: now)
        case .connected: reportConnected(endpoint: endpoint, now: now)
        }
        return []
    }

    // MARK: - Time

    /// Lets those come back whose time is over: on their cluster's sweep, or when an operator's time is over.
    package mutating func tick(now: Int) -> [Action] {
        var actions: [Action] = []
        for (slot, cluster) in clusters {
            for endpoint in cluster.endpoints {
                if let until = hosts[endpoint]?.manualUntil, until <= now { endManual(endpoint, now, &actions) }
            }
            guard let policy = cluster.policy, cluster.nextSweep <= now else { continue }
            for endpoint in cluster.endpoints { sweep(endpoint, policy, now, &actions) }
            clusters[slot]?.nextSweep = Self.sweep(atOrAfter: now + 1, from: cluster.nextSweep, policy)
        }
        return actions
    }

    /// When `tick` has something to do next; nil: not before the next report.
    package var nextWake: Int? {
        var wake: Int?
        for cluster in clusters.values {
            for endpoint in cluster.endpoints {
                guard let host = hosts[endpoint] else { continue }
                if let until = host.manualUntil { wake = min(wake ?? until, until) }
                if cluster.policy != nil, host.isEjected || host.multiplier > 0 {
                    wake = min(wake ?? cluster.nextSweep, cluster.nextSweep)
                }
            }
        }
        return wake
    }

    private mutating func sweep(_ endpoint: Int32, _ policy: OutlierPolicy, _ now: Int, _ actions: inout [Action]) {
        guard var host = hosts[endpoint] else { return }
        if host.isEjected {
            guard now - host.lastEjection >= Self.duration(host.multiplier, policy) else { return }
            host.isEjected = false
            comeBack(endpoint, &host, now, &actions)
        } else if host.multiplier > 0, now - host.lastRestoration >= policy.intervalMilliseconds {
            host.multiplier -= 1
        }
        hosts[endpoint] = host
    }

    private static func duration(_ multiplier: Int, _ policy: OutlierPolicy) -> Int {
        let base = max(0, policy.baseEjectionMilliseconds)
        return min(base.multipliedClamped(by: multiplier), max(ejectionMillisecondsMax, base))
    }

    /// The first sweep at or after a time, in the rhythm that `sweep` belongs to.
    private static func sweep(atOrAfter time: Int, from sweep: Int, _ policy: OutlierPolicy) -> Int {
        let interval = max(1, policy.intervalMilliseconds)
        if time <= sweep { return sweep }
        return sweep + (time - sweep + interval - 1) / interval * interval
    }
}

// MARK: - Ejecting and restoring

extension OutlierDetector {
    private mutating func eject(
        _ endpoint: Int32, _ host: inout Host, _ reason: EjectionReason, _ policy: OutlierPolicy, _ now: Int
    ) -> Action? {
        guard let cluster = clusters[host.cluster], !cluster.endpoints.isEmpty else { return nil }
        let percent = 100 * Double(cluster.out + 1) / Double(cluster.endpoints.count)
        guard percent <= Double(policy.ejectionPercentMax) else {
            clusters[host.cluster]?.overflows += 1
            return nil
        }
        let base = max(0, policy.baseEjectionMilliseconds)
        if base.multipliedClamped(by: host.multiplier) < max(Self.ejectionMillisecondsMax, base) + base {
            host.multiplier += 1
        }
        host.isEjected = true
        host.lastEjection = now
        host.ejections += 1
        host.reason = reason
        clusters[host.cluster]?.out += 1
        // Sweeps without work were slept through; they keep their rhythm.
        clusters[host.cluster]?.nextSweep = Self.sweep(atOrAfter: now + 1, from: cluster.nextSweep, policy)
        board.set(.ejectedUntil, endpoint: endpoint, to: until(host))
        board.setHealth(.ejected, endpoint: endpoint, cluster: host.cluster)
        return .eject(endpoint: endpoint, until: until(host), reason: reason, count: host.ejections)
    }

    /// When a host will be back: the sweep after its time, or the operator's time if that is later.
    func until(_ host: Host) -> Int {
        var until = host.manualUntil ?? 0
        if host.isEjected, let cluster = clusters[host.cluster], let policy = cluster.policy {
            let end = host.lastEjection + Self.duration(host.multiplier, policy)
            until = max(until, Self.sweep(atOrAfter: end, from: cluster.nextSweep, policy))
        }
        return until
    }

    /// Ejects by hand: no percentage holds it back, and the time does not grow. False: no such endpoint.
    package mutating func eject(endpoint: Int32, for milliseconds: Int, now: Int) -> [Action] {
        guard var host = hosts[endpoint] else { return [] }
        if !host.isOut { clusters[host.cluster]?.out += 1 }
        host.manualUntil = now + min(max(0, milliseconds), 1 << 50)
        host.ejections += 1
        host.reason = .manual
        host.lastEjection = host.isEjected ? host.lastEjection : now
        hosts[endpoint] = host
        board.set(.ejectedUntil, endpoint: endpoint, to: until(host))
        board.setHealth(.ejected, endpoint: endpoint, cluster: host.cluster)
        return [.eject(endpoint: endpoint, until: until(host), reason: .manual, count: host.ejections)]
    }

    /// Ends an ejection by hand, whoever ejected.
    package mutating func restore(endpoint: Int32, now: Int) -> [Action] {
        guard var host = hosts[endpoint], host.isOut else { return [] }
        var actions: [Action] = []
        host.manualUntil = nil
        host.isEjected = false
        comeBack(endpoint, &host, now, &actions)
        hosts[endpoint] = host
        return actions
    }

    private mutating func endManual(_ endpoint: Int32, _ now: Int, _ actions: inout [Action]) {
        guard var host = hosts[endpoint] else { return }
        host.manualUntil = nil
        comeBack(endpoint, &host, now, &actions)
        hosts[endpoint] = host
    }

    /// One reason to be out ended; if it was the last, the host is back with its counters at nought.
    private mutating func comeBack(_ endpoint: Int32, _ host: inout Host, _ now: Int, _ actions: inout [Action]) {
        guard !host.isOut else { return }
        host.consecutive5xx = 0
        host.consecutiveGatewayErrors = 0
        host.consecutiveLocalFailures = 0
        host.lastRestoration = now
        clusters[host.cluster]?.out -= 1
        publish(host, endpoint)
        board.set(.ejectedUntil, endpoint: endpoint, to: 0)
        board.setHealth([], endpoint: endpoint, cluster: host.cluster)
        actions.append(.restore(endpoint: endpoint))
    }

    private mutating func store(_ host: Host, _ endpoint: Int32) {
        hosts[endpoint] = host
        publish(host, endpoint)
    }

    /// Shows the counts to admin and tells workers whether the next success matters.
    private func publish(_ host: Host, _ endpoint: Int32) {
        board.set(.consecutive5xx, endpoint: endpoint, to: host.consecutive5xx)
        board.set(.consecutiveGatewayErrors, endpoint: endpoint, to: host.consecutiveGatewayErrors)
        board.set(.consecutiveLocalFailures, endpoint: endpoint, to: host.consecutiveLocalFailures)
        if host.consecutive5xx + host.consecutiveGatewayErrors > 0 { board.setFailing(.answers, endpoint) }
        if host.consecutiveLocalFailures > 0 { board.setFailing(.local, endpoint) }
    }
}

extension Int {
    fileprivate func multipliedClamped(by other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max / 4 : Swift.min(product, .max / 4)
    }
}
