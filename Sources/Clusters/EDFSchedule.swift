/// A schedule of positions by weight, earliest deadline first: each turn comes 1/weight after the position's last; equal
/// deadlines keep the order of insertion. A binary heap in one array; taking a turn costs O(log n) and allocates nothing.
struct EDFSchedule {
    private struct Entry {
        var deadline: Double
        var order: UInt64
        var position: Int32
    }

    private var heap: [Entry] = []
    private var order: UInt64 = 0
    private var now = 0.0

    var isEmpty: Bool { heap.isEmpty }

    mutating func removeAll() {
        heap.removeAll(keepingCapacity: true)
        order = 0
        now = 0
    }

    /// Adds a position; a weight is above zero.
    mutating func insert(_ position: Int32, weight: Double) {
        heap.append(Entry(deadline: now + 1 / weight, order: order, position: position))
        order &+= 1
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard precedes(child, parent) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// The position whose turn it is, if there is any; it stays first until `reschedule`.
    var first: Int32? { heap.first?.position }

    /// The first position's turn is over: its next comes 1/weight later.
    mutating func reschedule(weight: Double) {
        now = heap[0].deadline
        heap[0].deadline = now + 1 / weight
        heap[0].order = order
        order &+= 1
        var parent = 0
        while true {
            var least = parent
            let left = 2 * parent + 1
            if left < heap.count, precedes(left, least) { least = left }
            if left + 1 < heap.count, precedes(left + 1, least) { least = left + 1 }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private func precedes(_ one: Int, _ other: Int) -> Bool {
        heap[one].deadline == heap[other].deadline
            ? heap[one].order < heap[other].order : heap[one].deadline < heap[other].deadline
    }
}
