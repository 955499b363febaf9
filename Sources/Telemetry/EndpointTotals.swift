import Synchronization

/// What one worker sent to each endpoint, by the endpoint's slot on the board: attempts, and those that failed (no answer, or a
/// status of 500 and above). The worker alone writes, any thread reads; chunks are made when a slot is first used and never
/// move. A slot that is given to another endpoint goes on counting: readers want rates.
@usableFromInline
final class EndpointTotals: @unchecked Sendable {
    private typealias Cell = Atomic<UInt64>

    /// Slots of one chunk: two words each, 4 KiB.
    private static let chunkSlots = 256
    /// As many slots as a board has.
    private static let chunksMax = 4096

    /// Addresses of chunks, 0 where there is none yet.
    private let directory: UnsafeMutablePointer<Atomic<UInt>>

    init() {
        directory = .allocate(capacity: Self.chunksMax)
        for index in 0..<Self.chunksMax { (directory + index).initialize(to: Atomic(0)) }
    }

    deinit {
        for index in 0..<Self.chunksMax { chunk(index)?.deallocate() }
        directory.deallocate()
    }

    private func chunk(_ index: Int) -> UnsafeMutablePointer<Cell>? {
        UnsafeMutablePointer(bitPattern: directory[index].load(ordering: .acquiring))
    }

    /// Counts an attempt, on the worker. Slots that no board has are not counted.
    @usableFromInline
    func count(_ slot: Int32, isError: Bool) {
        let slot = Int(slot)
        guard slot >= 0, slot < Self.chunkSlots * Self.chunksMax else { return }
        let cells = chunk(slot / Self.chunkSlots) ?? make(slot / Self.chunkSlots)
        let place = slot % Self.chunkSlots * 2
        cells[place].store(cells[place].load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        if isError { cells[place + 1].store(cells[place + 1].load(ordering: .relaxed) &+ 1, ordering: .relaxed) }
    }

    @inline(never)
    private func make(_ index: Int) -> UnsafeMutablePointer<Cell> {
        let cells = UnsafeMutablePointer<Cell>.allocate(capacity: Self.chunkSlots * 2)
        for cell in 0..<(Self.chunkSlots * 2) { (cells + cell).initialize(to: Cell(0)) }
        directory[index].store(UInt(bitPattern: cells), ordering: .releasing)
        return cells
    }

    /// Attempts and failures of a slot.
    func totals(_ slot: Int32) -> (attempts: UInt64, errors: UInt64) {
        let slot = Int(slot)
        guard slot >= 0, slot < Self.chunkSlots * Self.chunksMax, let cells = chunk(slot / Self.chunkSlots) else {
            return (0, 0)
        }
        let place = slot % Self.chunkSlots * 2
        return (cells[place].load(ordering: .relaxed), cells[place + 1].load(ordering: .relaxed))
    }
}
