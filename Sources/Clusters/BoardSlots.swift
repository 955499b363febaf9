import Synchronization
import Wire

/// One kind of slot on the board: fixed-size groups of atomic words in chunks that never move, beside them each worker's own
/// load counters. The directory is allocated once, so a worker reads while the control thread adds chunks: a worker only
/// touches slots it learnt from a table, and the table came by its mailbox after the chunk was written.
struct BoardSlots {
    /// 256 slots with their counters.
    struct Chunk {
        /// `wordsPerSlot` words a slot, every slot on cache lines of its own.
        var words: UnsafeMutablePointer<Atomic<Int>>
        /// For each worker 256 counters side by side: 1 KiB that only this worker writes.
        var loads: UnsafeMutablePointer<Atomic<Int32>>
    }

    static let chunkSlots = 256
    static let chunksMax = 4096
    /// Slots of one kind that a process can have.
    static let slotsMax = chunkSlots * chunksMax
    static let lineBytes = 64
    /// Words in a cache line.
    static let lineWords = lineBytes / MemoryLayout<Int>.size

    let directory: UnsafeMutablePointer<Chunk>
    let wordsPerSlot: Int
    let workers: Int

    init(lines: Int, workers: Int) {
        directory = .allocate(capacity: Self.chunksMax)
        wordsPerSlot = lines * Self.lineWords
        self.workers = workers
    }

    /// Makes sure that `slot` has its memory. Control thread only; it keeps the number of `chunks`.
    func ensure(_ slot: Int32, chunks: inout Int) {
        while chunks <= Int(slot) / Self.chunkSlots {
            let chunk = Chunk(
                words: Self.zeroed(Int.self, count: Self.chunkSlots * wordsPerSlot),
                loads: Self.zeroed(Int32.self, count: Self.chunkSlots * workers))
            (directory + chunks).initialize(to: chunk)
            chunks += 1
        }
    }

    /// The `index`th word of a slot.
    @inline(__always)
    func word(_ slot: Int32, _ index: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        let slot = Int(slot)
        return directory[slot / Self.chunkSlots].words + (slot % Self.chunkSlots * wordsPerSlot + index)
    }

    /// A worker's own counter for a slot.
    @inline(__always)
    func load(_ slot: Int32, worker: Int) -> UnsafeMutablePointer<Atomic<Int32>> {
        Self.load(directory, slot, worker: worker)
    }

    @inline(__always)
    static func load(
        _ directory: UnsafeMutablePointer<Chunk>, _ slot: Int32, worker: Int
    ) -> UnsafeMutablePointer<Atomic<Int32>> {
        let slot = Int(slot)
        return directory[slot / chunkSlots].loads + (worker * chunkSlots + slot % chunkSlots)
    }

    /// Gives the memory back; no worker may be left.
    func deallocate(chunks: Int) {
        for index in 0..<chunks {
            UnsafeMutableRawPointer(directory[index].words).deallocate()
            UnsafeMutableRawPointer(directory[index].loads).deallocate()
        }
        directory.deallocate()
    }

    private static func zeroed<Value: AtomicRepresentable & FixedWidthInteger>(
        _: Value.Type, count: Int
    ) -> UnsafeMutablePointer<Atomic<Value>> {
        let bytes = count * MemoryLayout<Atomic<Value>>.stride
        let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: lineBytes)
        let atoms = raw.bindMemory(to: Atomic<Value>.self, capacity: count)
        for index in 0..<count { (atoms + index).initialize(to: Atomic(Value.zero)) }
        return atoms
    }
}
