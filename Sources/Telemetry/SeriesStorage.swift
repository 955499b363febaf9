import Synchronization

/// Where the words of one series stand: its key, its requests, three histograms of a sum and 20 buckets each, and the messages of
/// gRPC.
@usableFromInline
enum SeriesLayout {
    @inlinable static var key: Int { 0 }
    @inlinable static var requests: Int { 1 }
    @inlinable static var duration: Int { 2 }
    @inlinable static var requestBytes: Int { 2 + 21 }
    @inlinable static var responseBytes: Int { 2 + 42 }
    @inlinable static var requestMessages: Int { 2 + 63 }
    @inlinable static var responseMessages: Int { 2 + 64 }
    /// A connection of bytes (`SeriesKey.WireProtocol.tcp`) has these instead.
    @inlinable static var opened: Int { 1 }
    @inlinable static var closed: Int { 2 }
    @inlinable static var received: Int { 3 }
    @inlinable static var sent: Int { 4 }
    /// Rounded up to whole cache lines.
    @inlinable static var words: Int { 72 }
}

/// Series in chunks that are never moved. One thread appends; any thread reads the first `count` series, whose keys were
/// written before the count was published.
final class SeriesChunks: @unchecked Sendable {
    typealias Cell = Atomic<UInt64>

    private static let perChunk = 32
    private let directory: UnsafeMutablePointer<UnsafeMutablePointer<Cell>?>
    private let published = Atomic<Int>(0)

    private static var chunksMax: Int { (WorkerMetrics.seriesMax + perChunk) / perChunk }

    init() {
        directory = .allocate(capacity: Self.chunksMax)
        directory.initialize(repeating: nil, count: Self.chunksMax)
    }

    deinit {
        for chunk in 0..<Self.chunksMax { directory[chunk]?.deallocate() }
        directory.deallocate()
    }

    /// Series that a reader may look at.
    var count: Int { published.load(ordering: .acquiring) }

    /// The cells of a series below `count`.
    func series(_ position: Int) -> UnsafeMutablePointer<Cell> {
        guard let chunk = directory[position / Self.perChunk] else {
            fatalError("a series is read before it was published")
        }
        return chunk + position % Self.perChunk * SeriesLayout.words
    }

    /// Makes the cells of a new series and publishes them.
    func append(_ key: SeriesKey) -> UnsafeMutablePointer<Cell> {
        let position = published.load(ordering: .relaxed)
        let chunk = position / Self.perChunk
        if directory[chunk] == nil {
            let words = Self.perChunk * SeriesLayout.words
            let raw = UnsafeMutableRawPointer.allocate(byteCount: words * 8, alignment: 128)
            let cells = raw.bindMemory(to: Cell.self, capacity: words)
            for word in 0..<words { (cells + word).initialize(to: Cell(0)) }
            directory[chunk] = cells
        }
        let cells = series(position)
        cells[SeriesLayout.key].store(key.bits, ordering: .relaxed)
        published.store(position + 1, ordering: .releasing)
        return cells
    }
}

/// A worker's own way from a key to its cells: open addressing, linear probes, never more than half full. No other thread
/// looks at it, so it may move.
struct SeriesIndex {
    private struct Slot {
        var key: UInt64
        var series: UnsafeMutablePointer<Atomic<UInt64>>?
    }

    private var slots = [Slot](repeating: Slot(key: 0, series: nil), count: 64)
    private var count = 0

    func find(_ key: UInt64) -> UnsafeMutablePointer<Atomic<UInt64>>? {
        var position = Self.start(key, slots.count)
        while let series = slots[position].series {
            if slots[position].key == key { return series }
            position = (position + 1) & (slots.count - 1)
        }
        return nil
    }

    mutating func insert(_ key: UInt64, _ series: UnsafeMutablePointer<Atomic<UInt64>>) {
        if (count + 1) * 2 > slots.count {
            let old = slots
            slots = [Slot](repeating: Slot(key: 0, series: nil), count: old.count * 2)
            for slot in old where slot.series != nil { place(slot) }
        }
        place(Slot(key: key, series: series))
        count += 1
    }

    private mutating func place(_ slot: Slot) {
        var position = Self.start(slot.key, slots.count)
        while slots[position].series != nil { position = (position + 1) & (slots.count - 1) }
        slots[position] = slot
    }

    /// Multiplicative hashing: the high bits of the product are well mixed.
    private static func start(_ key: UInt64, _ count: Int) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & (count - 1)
    }
}
