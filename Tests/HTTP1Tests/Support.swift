import HTTP1
import Wire

/// What a request parser said, with the head it filled.
struct Parsed {
    let head: Head
    let result: HeadResult

    var consumed: Int? { if case .complete(let consumed, _, _) = result { consumed } else { nil } }
    var framing: BodyFraming? { if case .complete(_, let framing, _) = result { framing } else { nil } }
    var persists: Bool? { if case .complete(_, _, let persists) = result { persists } else { nil } }
    var fault: HeadFault? { if case .failure(let fault) = result { fault } else { nil } }
    var isPartial: Bool { result == .partial }

    var path: String { head.string(head.path) }
    var authority: String { head.string(head.authority) }

    /// The fields that were not removed.
    var fields: [String] {
        (0..<head.fieldCount).filter { !head.fields[$0].isRemoved }.map {
            "\(head.string(head.fields[$0].name))=\(head.string(head.fields[$0].value))"
        }
    }
}

func request(_ bytes: [UInt8]) -> Parsed {
    let head = Head()
    return Parsed(head: head, result: bytes.withUnsafeBytes { RequestHead.parse($0, into: head) })
}

func request(_ text: String) -> Parsed { request(Array(text.utf8)) }

/// A GET with these field lines behind a Host field.
func requestFields(_ lines: String) -> Parsed { request("GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n") }

func response(_ bytes: [UInt8], to method: Method = .get) -> Parsed {
    let head = Head()
    return Parsed(head: head, result: bytes.withUnsafeBytes { ResponseHead.parse($0, answering: method, into: head) })
}

func response(_ text: String, to method: Method = .get) -> Parsed { response(Array(text.utf8), to: method) }

/// What a writer put into a buffer of `capacity` bytes, or nil if it said that there was no room.
func written(capacity: Int = 4096, _ write: (Buffer) -> Bool) -> String? {
    let buffer = Buffer(capacity: capacity)
    guard write(buffer) else {
        precondition(buffer.isEmpty, "a writer without room adds nothing")
        return nil
    }
    return String(decoding: buffer.readable, as: UTF8.self)
}

/// A chunked body read to its end, fed in pieces of `step` bytes.
struct ChunkedBody: Equatable {
    var content: [UInt8] = []
    var trailers: [String] = []
    var fault: BodyFault?
    var ended = false
    /// Bytes that were not consumed.
    var rest = 0

    init(_ bytes: [UInt8], step: Int = .max) {
        var reader = ChunkedReader()
        let head = Head()
        var waiting: [UInt8] = []
        var offered = 0
        while true {
            let next = reader.next(waiting, trailers: head)
            switch next {
            case .data(let range, let consumed):
                precondition(!range.isEmpty && range.upperBound <= consumed && consumed <= waiting.count)
                content += waiting[range]
                waiting.removeFirst(consumed)
            case .needMore(let consumed):
                waiting.removeFirst(consumed)
                rest = waiting.count
                if offered == bytes.count { return }
                let count = min(step, bytes.count - offered)
                waiting += bytes[offered..<(offered + count)]
                offered += count
            case .end(let consumed):
                waiting.removeFirst(consumed)
                ended = true
                rest = waiting.count + bytes.count - offered
                trailers = (0..<head.fieldCount).filter { !head.fields[$0].isRemoved }.map {
                    "\(head.string(head.fields[$0].name))=\(head.string(head.fields[$0].value))"
                }
                return
            case .failure(let fault):
                self.fault = fault
                return
            }
        }
    }

    init(_ text: String, step: Int = .max) { self.init(Array(text.utf8), step: step) }

    var text: String { String(decoding: content, as: UTF8.self) }
}

extension ChunkedReader {
    mutating func next(_ bytes: [UInt8], trailers: Head) -> Step {
        bytes.withUnsafeBytes { next($0, trailers: trailers) }
    }
}

/// Numbers from a seed, so that a failing case can be run again.
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
