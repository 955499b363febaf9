import HTTP1
import Wire

/// What the bytes of a client come to: requests one after the other, with their bodies.
struct Conversation: Equatable {
    enum Verdict: Equatable { case clean, refused, unfinished }

    /// Messages that are complete.
    private(set) var messages = 0
    private(set) var verdict = Verdict.clean
    /// The content of all bodies.
    private(set) var content: [UInt8] = []

    private enum Place: Equatable { case head, content(UInt64), chunks, over }
    private var place = Place.head
    private var persists = true

    /// Reads `bytes` as they arrive in pieces of `step`.
    init(_ bytes: [UInt8], step: Int = .max) {
        let head = Head()
        var reader = ChunkedReader()
        var waiting: [UInt8] = []
        var offered = 0
        while true {
            while advance(&waiting, head: head, reader: &reader) {}
            if case .over = place { return }
            if offered == bytes.count { break }
            let count = min(step, bytes.count - offered)
            waiting += bytes[offered..<(offered + count)]
            offered += count
        }
        // Empty lines behind the last message are nothing.
        if case .head = place, messages > 0, waiting.allSatisfy({ $0 == 0x0D || $0 == 0x0A }) { return }
        verdict = .unfinished
    }

    /// Takes a step. False when it needs more bytes, or when there is nothing more to do.
    private mutating func advance(_ waiting: inout [UInt8], head: Head, reader: inout ChunkedReader) -> Bool {
        switch place {
        case .over: return false
        case .head:
            switch waiting.withUnsafeBytes({ RequestHead.parse($0, into: head) }) {
            case .partial: return false
            case .failure: refuse()
            case .complete(let consumed, let framing, let persists):
                waiting.removeFirst(consumed)
                self.persists = persists
                switch framing {
                case .none, .untilClose: finish()
                case .length(let length): place = .content(length)
                case .chunked:
                    reader = ChunkedReader()
                    place = .chunks
                }
            }
        case .content(let length):
            let count = min(length, UInt64(waiting.count))
            content += waiting.prefix(Int(count))
            waiting.removeFirst(Int(count))
            if count == length {
                finish()
            } else {
                place = .content(length - count)
                return false
            }
        case .chunks: return advanceChunks(&waiting, reader: &reader)
        }
        return true
    }

    private mutating func advanceChunks(_ waiting: inout [UInt8], reader: inout ChunkedReader) -> Bool {
        switch reader.next(waiting, trailers: Head()) {
        case .data(let range, let consumed):
            content += waiting[range]
            waiting.removeFirst(consumed)
        case .needMore(let consumed):
            waiting.removeFirst(consumed)
            return false
        case .end(let consumed):
            waiting.removeFirst(consumed)
            finish()
        case .failure: refuse()
        }
        return true
    }

    private mutating func finish() {
        messages += 1
        place = persists ? .head : .over
    }

    private mutating func refuse() {
        verdict = .refused
        place = .over
    }
}
