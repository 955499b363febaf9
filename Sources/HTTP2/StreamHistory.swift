/// What is remembered of a client's streams that are gone, so that frames for them are judged right (RFC 9113 section 5.1): a frame
/// that was under way when we reset its stream is passed over, one for a stream that ended is an error, and so is a head for a
/// number that was passed over. Of fixed size: what is too old to be remembered is passed over.
struct StreamHistory: Sendable {
    enum Verdict: Equatable { case fine, ended, passedOver }

    /// The highest number that a head opened.
    private(set) var last: UInt32 = 0
    /// Bit n: number `last - 2n` was opened.
    private var opened: UInt64 = 0
    /// Numbers that we reset, the oldest replaced first.
    private var resets = InlineArray<32, UInt32>(repeating: 0)
    private var nextReset = 0
    /// Up to this number resets may be forgotten.
    private var forgotten: UInt32 = 0

    /// A head opened a stream.
    mutating func open(_ id: UInt32) {
        guard id > last else { return }
        let distance = (id - last) / 2
        opened = distance >= 64 ? 1 : opened << UInt64(distance) | 1
        last = id
    }

    /// We reset a stream.
    mutating func reset(_ id: UInt32) {
        forgotten = max(forgotten, resets[nextReset])
        resets[nextReset] = id
        nextReset = (nextReset + 1) % 32
    }

    /// What to make of a frame for a stream that is not there, of a number up to `last`.
    func judge(_ id: UInt32) -> Verdict {
        if id <= forgotten { return .fine }
        for index in 0..<32 where resets[index] == id { return .fine }
        let distance = (last - id) / 2
        guard distance < 64 else { return .fine }
        return opened & (1 << UInt64(distance)) != 0 ? .ended : .passedOver
    }
}
