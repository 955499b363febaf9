/// The sum of all workers' counters at about one moment.
package struct Snapshot: Sendable {
    /// A histogram: how many values fell into each bucket (not cumulative; the last is beyond all bounds), and their sum.
    package struct Histogram: Equatable, Sendable {
        package var buckets = [UInt64](repeating: 0, count: Buckets.count + 1)
        package var sum: UInt64 = 0
        /// How many values there are.
        package var count: UInt64 { buckets.reduce(0, &+) }

        package init() {}
    }

    package struct Series: Equatable, Sendable {
        package var requests: UInt64 = 0
        /// Microseconds.
        package var duration = Histogram()
        package var requestBytes = Histogram()
        package var responseBytes = Histogram()

        package init() {}
    }

    /// Connections of bytes.
    package struct TCPSeries: Equatable, Sendable {
        package var opened: UInt64 = 0
        package var closed: UInt64 = 0
        /// From the client, and to it.
        package var receivedBytes: UInt64 = 0
        package var sentBytes: UInt64 = 0

        package init() {}
    }

    /// Messages of gRPC's streams.
    package struct Messages: Equatable, Sendable {
        package var request: UInt64 = 0
        package var response: UInt64 = 0

        package init() {}
    }

    /// By `Counter.rawValue`. Gauges may be negative for an instant, as workers are read one after another.
    package private(set) var counters = [Int](repeating: 0, count: Counter.allCases.count)
    /// By `ReasonCounter.rawValue`, then by reason.
    package private(set) var reasons = [[UInt64]](
        repeating: [UInt64](repeating: 0, count: ReasonCounter.reasonsMax), count: ReasonCounter.allCases.count)
    /// Requests, HTTP's and gRPC's.
    package private(set) var series: [SeriesKey: Series] = [:]
    package private(set) var connections: [SeriesKey: TCPSeries] = [:]
    /// By `SeriesKey.sides`.
    package private(set) var messages: [SeriesKey: Messages] = [:]

    /// Adds up. Costs a few microseconds a worker and a hundred series.
    package init(_ workers: [WorkerMetrics]) {
        for worker in workers { add(worker) }
    }

    /// A counter's value.
    package subscript(counter: Counter) -> Int { counters[counter.rawValue] }

    private mutating func add(_ worker: WorkerMetrics) {
        for counter in Counter.allCases { counters[counter.rawValue] &+= worker.value(counter) }
        for counter in ReasonCounter.allCases {
            for reason in 0..<ReasonCounter.reasonsMax {
                reasons[counter.rawValue][reason] &+= worker.value(counter, reason: reason)
            }
        }
        for position in 0..<worker.chunks.count {
            let cells = worker.chunks.series(position)
            let key = SeriesKey(bits: cells[SeriesLayout.key].load(ordering: .relaxed))
            if key.isTCP { addConnections(key, cells) } else { addRequests(key, cells) }
        }
    }

    private mutating func addRequests(_ key: SeriesKey, _ cells: UnsafeMutablePointer<WorkerMetrics.Cell>) {
        let requests = cells[SeriesLayout.requests].load(ordering: .relaxed)
        if requests > 0 {
            var sum = series[key] ?? Series()
            sum.requests &+= requests
            Self.add(cells + SeriesLayout.duration, to: &sum.duration)
            Self.add(cells + SeriesLayout.requestBytes, to: &sum.requestBytes)
            Self.add(cells + SeriesLayout.responseBytes, to: &sum.responseBytes)
            series[key] = sum
        }
        let sent = cells[SeriesLayout.requestMessages].load(ordering: .relaxed)
        let received = cells[SeriesLayout.responseMessages].load(ordering: .relaxed)
        guard sent > 0 || received > 0 else { return }
        messages[key.sides, default: Messages()].request &+= sent
        messages[key.sides, default: Messages()].response &+= received
    }

    private mutating func addConnections(_ key: SeriesKey, _ cells: UnsafeMutablePointer<WorkerMetrics.Cell>) {
        var sum = connections[key] ?? TCPSeries()
        sum.opened &+= cells[SeriesLayout.opened].load(ordering: .relaxed)
        sum.closed &+= cells[SeriesLayout.closed].load(ordering: .relaxed)
        sum.receivedBytes &+= cells[SeriesLayout.received].load(ordering: .relaxed)
        sum.sentBytes &+= cells[SeriesLayout.sent].load(ordering: .relaxed)
        if sum != TCPSeries() { connections[key] = sum }
    }

    private static func add(_ cells: UnsafeMutablePointer<WorkerMetrics.Cell>, to histogram: inout Histogram) {
        histogram.sum &+= cells[0].load(ordering: .relaxed)
        for bucket in 0...Buckets.count { histogram.buckets[bucket] &+= cells[1 + bucket].load(ordering: .relaxed) }
    }
}

/// Everything that is counted in a process: its workers, the labels behind the keys, the names of the reasons.
package struct Metrics: Sendable {
    package var workers: [WorkerMetrics]
    package let labels: LabelSets
    /// Names of reasons, by their number; one without a name is printed as its number.
    package var reasonNames: [ReasonCounter: [String]]

    /// Counters for so many workers.
    package init(workers: Int, labels: LabelSets = LabelSets(), reasonNames: [ReasonCounter: [String]] = [:]) {
        self.workers = (0..<max(workers, 1)).map { _ in WorkerMetrics() }
        self.labels = labels
        self.reasonNames = reasonNames
    }

    /// Counters that exist already.
    package init(workers: [WorkerMetrics], labels: LabelSets, reasonNames: [ReasonCounter: [String]] = [:]) {
        self.workers = workers
        self.labels = labels
        self.reasonNames = reasonNames
    }

    /// Attempts at an endpoint and those that failed, by its slot on the board, all workers together.
    package func totals(endpoint slot: Int32) -> (attempts: UInt64, errors: UInt64) {
        workers.reduce((0, 0)) { sum, worker in
            let own = worker.endpoints.totals(slot)
            return (sum.0 &+ own.attempts, sum.1 &+ own.errors)
        }
    }

    /// The sum of the workers.
    package func snapshot() -> Snapshot { Snapshot(workers) }
}
