/// Streams of one connection by their numbers: open addressing, never more than half full, no allocation while it does not grow.
struct StreamMap<Value> {
    private var keys: ContiguousArray<UInt32>
    private var values: ContiguousArray<Value?>
    private(set) var count = 0

    init() {
        keys = ContiguousArray(repeating: 0, count: 16)
        values = ContiguousArray(repeating: nil, count: 16)
    }

    private var mask: Int { keys.count - 1 }

    /// Fibonacci hashing: stream numbers are odd and consecutive.
    private func start(_ key: UInt32) -> Int { Int(truncatingIfNeeded: (key &* 0x9E37_79B1) >> 16) & mask }

    /// Where the stream stands, or the free place that ends the search.
    private func position(_ key: UInt32) -> Int {
        var index = start(key)
        while values[index] != nil, keys[index] != key { index = (index + 1) & mask }
        return index
    }

    /// The value of a stream; setting nil removes it.
    subscript(key: UInt32) -> Value? {
        get { values[position(key)] }
        set {
            guard let newValue else { return remove(key) }
            if count * 2 >= keys.count { grow() }
            let index = position(key)
            if values[index] == nil { count += 1 }
            keys[index] = key
            values[index] = newValue
        }
    }

    /// Changes the value of a stream in place, if it is there.
    mutating func update(_ key: UInt32, _ change: (inout Value) -> Void) {
        let index = position(key)
        guard values[index] != nil else { return }
        change(&values[index]!)
    }

    private mutating func remove(_ key: UInt32) {
        var hole = position(key)
        guard values[hole] != nil else { return }
        values[hole] = nil
        count -= 1
        // What stands behind moves up, so that no search ends before it.
        var index = (hole + 1) & mask
        while values[index] != nil {
            let distance = (index &- start(keys[index])) & mask
            if distance >= (index &- hole) & mask {
                keys[hole] = keys[index]
                values.swapAt(hole, index)
                hole = index
            }
            index = (index + 1) & mask
        }
    }

    private mutating func grow() {
        var larger = StreamMap(capacity: keys.count * 2)
        for index in keys.indices {
            if let value = values[index] { larger[keys[index]] = value }
        }
        self = larger
    }

    private init(capacity: Int) {
        keys = ContiguousArray(repeating: 0, count: capacity)
        values = ContiguousArray(repeating: nil, count: capacity)
    }

    /// The streams there are now.
    var all: [UInt32] { keys.indices.compactMap { values[$0] == nil ? nil : keys[$0] } }
}
