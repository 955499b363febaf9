import Clusters
import Loop

/// Runs the process's one outlier detector on the main thread: workers post it what they saw, a timer lets the ejected come
/// back, and admin ejects and restores by hand.
package final class OutlierController: EventHandler {
    private var detector: OutlierDetector
    private let loop: EventLoop
    private let log: (String) -> Void
    private var table: ClusterTable?

    /// - Parameter log: takes one line for each ejection and return.
    package init(board: Board, loop: EventLoop, log: @escaping (String) -> Void) {
        detector = OutlierDetector(board: board)
        self.loop = loop
        self.log = log
        super.init()
    }

    /// Forgets its timer, so that the loop lets go of it.
    package func stop() { loop.deregister(self) }

    // MARK: - Inputs, all on the main thread

    /// A new generation's clusters.
    package func update(_ table: ClusterTable) {
        self.table = table
        perform(detector.update(table, now: now))
    }

    /// What a worker posted of an endpoint's slot.
    package func report(_ signal: OutlierSignal, endpoint: Int32) {
        perform(detector.report(signal, endpoint: endpoint, now: now))
    }

    /// Ejects by hand; false when no endpoint has this address.
    package func eject(address: String, cluster: String?, forMilliseconds time: Int) -> Bool {
        let slots = self.slots(address: address, cluster: cluster)
        for slot in slots { perform(detector.eject(endpoint: slot, for: time, now: now)) }
        return !slots.isEmpty
    }

    /// Ends an ejection by hand; false when no endpoint has this address.
    package func restore(address: String, cluster: String?) -> Bool {
        let slots = self.slots(address: address, cluster: cluster)
        for slot in slots { perform(detector.restore(endpoint: slot, now: now)) }
        return !slots.isEmpty
    }

    package override func onDeadline() { perform(detector.tick(now: now)) }

    // MARK: - For admin

    /// Who was ejected, why, since when and until when.
    package var ledger: [EjectionEntry] { detector.ledger() }

    /// The time that the ledger's times are in.
    package var now: Int { Int(loop.now) }

    // MARK: - Private

    private func slots(address: String, cluster: String?) -> [Int32] {
        guard let table else { return [] }
        var slots: [Int32] = []
        for index in 0..<table.clusterCount where cluster == nil || table.name(of: index) == cluster {
            for endpoint in table.endpointRange(of: index) where table.address(of: endpoint).description == address {
                slots.append(table.endpoint(endpoint).slot)
            }
        }
        return slots
    }

    private func perform(_ actions: [OutlierDetector.Action]) {
        for action in actions {
            switch action {
            case .eject(let slot, let until, let reason, let count):
                log("ejected \(name(slot)) for \(max(until - now, 0)) ms: \(reason.rawValue), time \(count)")
            case .restore(let slot):
                log("restored \(name(slot))")
            }
        }
        if let wake = detector.nextWake { loop.arm(self, deadline: UInt64(max(wake, 0))) }
    }

    private func name(_ slot: Int32) -> String {
        guard let table else { return "endpoint \(slot)" }
        for endpoint in 0..<table.endpointCount where table.endpoint(endpoint).slot == slot {
            return "\(table.address(of: endpoint)) of \(table.name(of: Int(table.endpoint(endpoint).cluster)))"
        }
        return "endpoint \(slot)"
    }
}
