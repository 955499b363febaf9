/// A queue in a circle of slots: both ends cost O(1), and nothing is allocated until it grows to twice its size.
struct Ring<Element: BitwiseCopyable> {
    private var slots: [Element] = []
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// The `index`th element from the front.
    subscript(index: Int) -> Element {
        precondition(index < count, "A ring's index is below its count")
        return slots[(head &+ index) & (slots.count - 1)]
    }

    var first: Element? { isEmpty ? nil : self[0] }
    var last: Element? { isEmpty ? nil : self[count - 1] }

    mutating func append(_ element: Element) {
        if count == slots.count { grow(filler: element) }
        slots[(head &+ count) & (slots.count - 1)] = element
        count += 1
    }

    mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = slots[head]
        head = (head + 1) & (slots.count - 1)
        count -= 1
        return element
    }

    mutating func popLast() -> Element? {
        guard count > 0 else { return nil }
        count -= 1
        return slots[(head &+ count) & (slots.count - 1)]
    }

    /// Takes out the first element that matches; O(n).
    mutating func remove(where matches: (Element) -> Bool) -> Bool {
        guard let found = (0..<count).first(where: { matches(self[$0]) }) else { return false }
        for index in found..<count - 1 {
            slots[(head &+ index) & (slots.count - 1)] = self[index + 1]
        }
        count -= 1
        return true
    }

    /// Sizes are powers of two.
    private mutating func grow(filler: Element) {
        var larger = [Element](repeating: filler, count: max(8, slots.count * 2))
        for index in 0..<count { larger[index] = self[index] }
        slots = larger
        head = 0
    }
}
