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
