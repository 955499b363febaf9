import Synchronization
import Wire

/// The state that all workers share besides the generation: counters and health per cluster and endpoint, each on its own
/// cache line, atomic, never locked. It lives as long as the process.
///
/// Who writes what: workers count connections and pending requests (both cost a system call anyway, so they are always
/// counted), active requests only where a limit is set (`ClusterRecord.Flags.countsRequests`), retries and mirrors; the
/// outlier detector alone writes health. Per-request loads are per worker (`WorkerLoads`) and added up by those who ask.
///
/// Slots come from `SlotRegistry`; a slot is valid on a thread that got a table with it. `@unchecked Sendable`: everything
/// that changes is atomic or written by the control thread before the table that leads to it is posted.
package final class Board: @unchecked Sendable {
    /// What is counted for a cluster, process-wide.
    package enum ClusterCounter: Int, Sendable {
        case connections, pending, requests, retries, mirrors
    }

    /// What is known of an endpoint, process-wide. The consecutive counts and the time are the detector's, for admin to read.
    package enum EndpointCounter: Int, Sendable {
        case connections, requests, consecutive5xx, consecutiveGatewayErrors, consecutiveLocalFailures
        /// Milliseconds on the detector's clock; 0: not ejected.
        case ejectedUntil
    }

    /// Why an endpoint is not chosen.
    package struct Health: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        /// By the outlier detector or by hand.
        package static let ejected = Health(rawValue: 1)
        /// By an active check.
        package static let unhealthy = Health(rawValue: 2)
    }

    /// Which of an endpoint's failure counts are not zero, so that the next success must be posted.
    package struct Failing: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        /// Error answers (and, unless split, local failures).
        package static let answers = Failing(rawValue: 1)
        /// Local failures, where they are split off.
        package static let local = Failing(rawValue: 2)
    }

    /// How many workers there are; their numbers are below.
    package let workers: Int

    private let clusters: BoardSlots
    private let endpoints: BoardSlots
    // The control thread's alone.
    private var clusterChunks = 0
    private var endpointChunks = 0

    // Words beside the counters. A cluster's second line is read for each pick and written when health changes.
    private static let wantedWord = 7
    private static let healthVersionWord = BoardSlots.lineWords
    private static let healthWord = 6
    private static let failingWord = 7

    /// - Parameter workers: 1 to `Limits.workersMax`.
    package init(workers: Int) {
        precondition((1...Limits.workersMax).contains(workers), "A board serves 1 to \(Limits.workersMax) workers")
        self.workers = workers
        clusters = BoardSlots(lines: 2, workers: workers)
        endpoints = BoardSlots(lines: 1, workers: workers)
    }

    deinit {
        clusters.deallocate(chunks: clusterChunks)
        endpoints.deallocate(chunks: endpointChunks)
    }

    // MARK: - Counting

    /// Counts one more unless `max` are there already: exact under concurrency. `Limits.unlimited` always succeeds.
    ///
    /// Compare-and-swap, not add-and-undo: an add that is undone refuses others for a moment although a slot is free, and
    /// two who wait for each other's undo would both sleep. Sequentially consistent for the same reason: a waiter marks
    /// `wanted`, then looks at the count; a holder lowers the count, then looks at `wanted`; one of them must see the other.
    package func tryAcquire(_ counter: ClusterCounter, _ slot: Int32, max: Int) -> Bool {
        let word = clusters.word(slot, counter.rawValue)
        if max >= Limits.unlimited {
            word.pointee.wrappingAdd(1, ordering: .relaxed)
            return true
        }
        var value = word.pointee.load(ordering: .relaxed)
        while value < max {
            let (done, seen) = word.pointee.compareExchange(
                expected: value, desired: value &+ 1, ordering: .sequentiallyConsistent)
            if done { return true }
            value = seen
        }
        return false
    }

    /// Takes back what `tryAcquire` counted.
    package func release(_ counter: ClusterCounter, _ slot: Int32) {
        clusters.word(slot, counter.rawValue).pointee.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }

    /// The count now; it may have changed when you read this.
    package func count(_ counter: ClusterCounter, _ slot: Int32) -> Int {
        clusters.word(slot, counter.rawValue).pointee.load(ordering: .sequentiallyConsistent)
    }

    /// Adds to an endpoint's counter.
    package func add(_ amount: Int, to counter: EndpointCounter, endpoint slot: Int32) {
        endpoints.word(slot, counter.rawValue).pointee.wrappingAdd(amount, ordering: .relaxed)
    }

    /// Writes one of the values that have a single writer.
    package func set(_ counter: EndpointCounter, endpoint slot: Int32, to value: Int) {
        endpoints.word(slot, counter.rawValue).pointee.store(value, ordering: .relaxed)
    }

    /// An endpoint's counter now.
    package func count(_ counter: EndpointCounter, endpoint slot: Int32) -> Int {
        endpoints.word(slot, counter.rawValue).pointee.load(ordering: .relaxed)
    }

    // MARK: - Loads

    /// A worker's own counters of requests under way.
    package func loads(worker: Int) -> WorkerLoads {
        precondition(worker >= 0 && worker < workers, "The board has no worker \(worker)")
        return WorkerLoads(endpoints: endpoints.directory, clusters: clusters.directory, worker: worker)
    }

    /// Requests under way in a cluster, all workers together: a sum of loads, for retry budgets and gauges.
    package func activeRequests(cluster slot: Int32) -> Int { sum(clusters, slot) }

    /// Requests under way at an endpoint, all workers together.
    package func activeRequests(endpoint slot: Int32) -> Int { sum(endpoints, slot) }

    private func sum(_ slots: BoardSlots, _ slot: Int32) -> Int {
        var sum = 0
        for worker in 0..<workers { sum &+= Int(slots.load(slot, worker: worker).pointee.load(ordering: .relaxed)) }
        return max(0, sum)
    }

    // MARK: - Wanted

    /// Which workers wait for a connection slot of this cluster, a bit for each.
    package func wanted(_ slot: Int32) -> UInt64 {
        UInt64(bitPattern: Int64(clusters.word(slot, Self.wantedWord).pointee.load(ordering: .sequentiallyConsistent)))
    }

    /// Marks or clears a worker's own bit. A full fence: see `tryAcquire`.
    package func setWanted(_ slot: Int32, worker: Int, _ isWanted: Bool) {
        let bit = Int(truncatingIfNeeded: UInt64(1) &<< UInt64(worker))
        let word = clusters.word(slot, Self.wantedWord)
        if isWanted {
            word.pointee.bitwiseOr(bit, ordering: .sequentiallyConsistent)
        } else {
            word.pointee.bitwiseAnd(~bit, ordering: .sequentiallyConsistent)
        }
    }

    // MARK: - Health

    package func health(_ endpoint: Int32) -> Health {
        Health(rawValue: endpoints.word(endpoint, Self.healthWord).pointee.load(ordering: .relaxed))
    }

    /// Writes an endpoint's health, then the cluster's version, which makes balancers look again. The detector's thread only.
    package func setHealth(_ health: Health, endpoint: Int32, cluster: Int32) {
        endpoints.word(endpoint, Self.healthWord).pointee.store(health.rawValue, ordering: .relaxed)
        clusters.word(cluster, Self.healthVersionWord).pointee.wrappingAdd(1, ordering: .releasing)
    }

    /// Changes whenever the health of one of the cluster's endpoints did. Acquiring, so that who sees it sees the health.
    package func healthVersion(_ cluster: Int32) -> Int {
        clusters.word(cluster, Self.healthVersionWord).pointee.load(ordering: .acquiring)
    }

    package func failing(_ endpoint: Int32) -> Failing {
        Failing(rawValue: endpoints.word(endpoint, Self.failingWord).pointee.load(ordering: .relaxed))
    }

    /// A worker marks a failure as it posts it, the detector as it counts it.
    package func setFailing(_ failing: Failing, _ endpoint: Int32) {
        endpoints.word(endpoint, Self.failingWord).pointee.bitwiseOr(failing.rawValue, ordering: .relaxed)
    }

    /// True for one caller only: that one posts the success.
    package func clearFailing(_ failing: Failing, _ endpoint: Int32) -> Bool {
        let word = endpoints.word(endpoint, Self.failingWord)
        guard word.pointee.load(ordering: .relaxed) & failing.rawValue != 0 else { return false }
        return word.pointee.bitwiseAnd(~failing.rawValue, ordering: .relaxed).oldValue & failing.rawValue != 0
    }

    // MARK: - Slots (the registry's, on the control thread)

    func prepareCluster(_ slot: Int32) { clusters.ensure(slot, chunks: &clusterChunks) }

    func prepareEndpoint(_ slot: Int32) { endpoints.ensure(slot, chunks: &endpointChunks) }

    /// A freed endpoint slot starts afresh. Counts of connections stay: they balance out by themselves.
    func resetEndpoint(_ slot: Int32) {
        for counter: EndpointCounter in [
            .consecutive5xx, .consecutiveGatewayErrors, .consecutiveLocalFailures, .ejectedUntil,
        ] { set(counter, endpoint: slot, to: 0) }
        endpoints.word(slot, Self.healthWord).pointee.store(0, ordering: .relaxed)
        endpoints.word(slot, Self.failingWord).pointee.store(0, ordering: .relaxed)
    }
}
