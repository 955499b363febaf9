import Synchronization

/// One worker's counters. The worker alone writes: a relaxed load and a relaxed store, which are plain moves. Any thread may
/// read at any time and sees each word whole, though not all words of one instant. Nothing here is ever moved or freed while
/// the process lives.
///
/// A request costs one integer comparison when it has the labels of the one before, one probe of a hash table otherwise; a
/// worker keeps at most `seriesMax` label sets, and counts the rest under `SeriesKey.overflow` and `SeriesKey.overflowTCP`.
@usableFromInline
package final class WorkerMetrics: @unchecked Sendable {
    @usableFromInline package typealias Cell = Atomic<UInt64>

    /// Label sets that one worker tells apart: 2 MB of cells at most.
    package static let seriesMax = 4096

    /// The reasons of each `ReasonCounter`, then the `Counter`s.
    @usableFromInline let cells: UnsafeMutablePointer<Cell>
    @usableFromInline var lastKey = UInt64.max
    @usableFromInline var lastSeries: UnsafeMutablePointer<Cell>
    @usableFromInline let bounds: UnsafePointer<UInt64>
    let chunks: SeriesChunks
    private var index: SeriesIndex
    @usableFromInline let endpoints = EndpointTotals()

    package init() {
        let count = ReasonCounter.cellsCount + Counter.allCases.count
        // Whole cache lines of its own: no other worker's words beside these.
        let raw = UnsafeMutableRawPointer.allocate(byteCount: (count * 8 + 127) / 128 * 128, alignment: 128)
        cells = raw.bindMemory(to: Cell.self, capacity: count)
        for position in 0..<count { (cells + position).initialize(to: Cell(0)) }
        let table = UnsafeMutablePointer<UInt64>.allocate(capacity: Buckets.microseconds.count)
        _ = UnsafeMutableBufferPointer(start: table, count: Buckets.microseconds.count).initialize(
            from: Buckets.microseconds)
        bounds = UnsafePointer(table)
        chunks = SeriesChunks()
        index = SeriesIndex()
        lastSeries = chunks.append(SeriesKey.overflow)
        index.insert(SeriesKey.overflowTCP.bits, chunks.append(SeriesKey.overflowTCP))
    }

    deinit {
        UnsafeMutableRawPointer(cells).deallocate()
        UnsafeMutablePointer(mutating: bounds).deallocate()
    }

    @inlinable static func bump(_ cell: UnsafeMutablePointer<Cell>, _ amount: UInt64) {
        cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    // MARK: - Counting, on the worker

    /// Adds to a counter or gauge.
    @inlinable package func add(_ counter: Counter, _ amount: Int = 1) {
        Self.bump(cells + (ReasonCounter.cellsCount &+ counter.rawValue), UInt64(bitPattern: Int64(amount)))
    }

    /// Takes from a gauge.
    @inlinable package func subtract(_ counter: Counter, _ amount: Int = 1) {
        Self.bump(cells + (ReasonCounter.cellsCount &+ counter.rawValue), UInt64(bitPattern: Int64(0 &- amount)))
    }

    /// Sets a gauge.
    @inlinable package func set(_ counter: Counter, to value: Int) {
        (cells + (ReasonCounter.cellsCount &+ counter.rawValue)).pointee.store(
            UInt64(bitPattern: Int64(value)), ordering: .relaxed)
    }

    /// A gauge's cell, for who keeps the number by itself: a plain store is all that it costs.
    package func cell(of gauge: Counter) -> UnsafeMutablePointer<Atomic<UInt64>> {
        cells + (ReasonCounter.cellsCount &+ gauge.rawValue)
    }

    /// Adds one to a reason of a counter.
    @inlinable package func add(_ counter: ReasonCounter, reason: Int) {
        let reason = min(max(reason, 0), ReasonCounter.reasonsMax &- 1)
        Self.bump(cells + (counter.rawValue &* ReasonCounter.reasonsMax &+ reason), 1)
    }

    /// The cells of a key.
    @inlinable @inline(__always)
    func series(_ key: SeriesKey) -> UnsafeMutablePointer<Cell> { key.bits == lastKey ? lastSeries : find(key) }

    /// Counts a request that ended: its duration from the first byte in to the last byte out.
    @inlinable package func record(_ key: SeriesKey, durationMicroseconds: UInt64) {
        let series = series(key)
        Self.bump(series + SeriesLayout.requests, 1)
        Self.bump(series + SeriesLayout.duration, durationMicroseconds)
        var bucket = 0
        while bucket < Buckets.count, durationMicroseconds > bounds[bucket] { bucket &+= 1 }
        Self.bump(series + (SeriesLayout.duration &+ 1 &+ bucket), 1)
    }

    /// The same, with the bytes on the client's wire, heads included.
    @inlinable package func record(
        _ key: SeriesKey, durationMicroseconds: UInt64, requestBytes: UInt64, responseBytes: UInt64
    ) {
        record(key, durationMicroseconds: durationMicroseconds)
        size(requestBytes, at: SeriesLayout.requestBytes)
        size(responseBytes, at: SeriesLayout.responseBytes)
    }

    @inlinable func size(_ bytes: UInt64, at histogram: Int) {
        Self.bump(lastSeries + histogram, bytes)
        var bucket = 0
        // The bounds are in thousandths, as milliseconds are.
        let scaled = bytes > 1 << 50 ? UInt64.max : bytes &* 1000
        while bucket < Buckets.count, scaled > bounds[bucket] { bucket &+= 1 }
        Self.bump(lastSeries + (histogram &+ 1 &+ bucket), 1)
    }

    /// Counts messages of a gRPC stream since the last time.
    package func addMessages(_ key: SeriesKey, request: UInt64, response: UInt64) {
        let series = series(key)
        Self.bump(series + SeriesLayout.requestMessages, request)
        Self.bump(series + SeriesLayout.responseMessages, response)
    }

    /// Counts an attempt at an endpoint, by its slot on the board. `isError`: no answer, or a status of 500 and above.
    @inlinable package func countAttempt(endpoint slot: Int32, isError: Bool) {
        endpoints.count(slot, isError: isError)
    }

    /// The cells of a key that is not the last one's, made if the key is new.
    @usableFromInline @inline(never)
    func find(_ key: SeriesKey) -> UnsafeMutablePointer<Cell> {
        if let series = index.find(key.bits) {
            lastKey = key.bits
            lastSeries = series
            return series
        }
        guard chunks.count < Self.seriesMax else {
            add(.seriesOverflows)
            lastKey = (key.isTCP ? SeriesKey.overflowTCP : SeriesKey.overflow).bits
            lastSeries = chunks.series(key.isTCP ? 1 : 0)
            return lastSeries
        }
        let series = chunks.append(key)
        index.insert(key.bits, series)
        lastKey = key.bits
        lastSeries = series
        return series
    }

    // MARK: - Reading, on any thread

    /// A counter's or gauge's value.
    package func value(_ counter: Counter) -> Int {
        Int(
            truncatingIfNeeded: Int64(
                bitPattern: cells[ReasonCounter.cellsCount + counter.rawValue].load(ordering: .relaxed)))
    }

    /// How often a reason was counted.
    package func value(_ counter: ReasonCounter, reason: Int) -> UInt64 {
        guard (0..<ReasonCounter.reasonsMax).contains(reason) else { return 0 }
        return cells[counter.rawValue * ReasonCounter.reasonsMax + reason].load(ordering: .relaxed)
    }
}

/// The bounds of every histogram: Istio's, for milliseconds and for bytes.
@usableFromInline
package enum Buckets {
    /// Bounds below the infinite one.
    @inlinable package static var count: Int { 19 }

    /// In thousandths: microseconds for durations.
    package static let microseconds: [UInt64] = [
        500, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
        10_000_000,
        30_000_000, 60_000_000, 300_000_000, 600_000_000, 1_800_000_000, 3_600_000_000,
    ]

    /// As `le` prints them.
    package static let labels = [
        "0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "30000", "60000",
        "300000",
        "600000", "1800000", "3600000",
    ]
}
