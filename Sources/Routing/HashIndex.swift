import Wire

/// A hash table of byte strings with open addressing, laid out inside the table's array of slots. At most half of its
/// slots are taken, and its keys come from the configuration: whoever sends requests cannot lengthen a probe.
struct HashIndex: BitwiseCopyable {
    /// The first slot in `RouteTable.slots`, and the number of slots less one; -1 for a table without keys.
    var start: Int32
    var mask: Int32

    static let empty = HashIndex(start: 0, mask: -1)

    var isEmpty: Bool { mask < 0 }

    struct Slot: BitwiseCopyable {
        var hash: UInt32
        var key: Slice
        /// What the key leads to; -1 for a free slot.
        var value: Int32

        static let free = Slot(hash: 0, key: .empty, value: -1)
    }
}

/// The hash of byte strings, a byte at a time so that every prefix (or, fed backwards, every suffix) has its own on the
/// way. The seed keeps hashes from being known outside of the process.
struct RollingHash {
    private var state: UInt64

    @inline(__always)
    init(seed: UInt64) { state = seed }

    @inline(__always)
    mutating func add(_ byte: UInt8) { state = (state ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15 &+ (state >> 47) }

    /// The hash of the bytes so far.
    @inline(__always)
    var value: UInt32 {
        let mixed = (state ^ (state >> 32)) &* 0xD6E8_FEB8_6659_FD93
        return UInt32(truncatingIfNeeded: mixed >> 32)
    }

    /// The hash of `bytes` from the last to the first: domains share their ends.
    static func backwards(_ bytes: some BidirectionalCollection<UInt8>, seed: UInt64) -> UInt32 {
        var hash = RollingHash(seed: seed)
        for byte in bytes.reversed() { hash.add(byte) }
        return hash.value
    }

    /// The hash of `bytes` from the first to the last: paths share their beginnings.
    static func forwards(_ bytes: some Sequence<UInt8>, seed: UInt64) -> UInt32 {
        var hash = RollingHash(seed: seed)
        for byte in bytes { hash.add(byte) }
        return hash.value
    }
}

/// An ASCII capital as its small letter; every other byte as it is.
@inline(__always)
func lowered(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
