import HTTP1
import Wire

// Heads and chunks of HTTP/1.1, in and out.
extension Case {
    static var heads: [() -> Case] {
        [
            { parse("parse a small head", Samples.small) },
            { parse("parse a browser's head", Samples.browser) },
            { parse("parse a large head", Samples.large) },
            { parseAnswer() },
            { writeRequest("write a small head", Samples.small) },
            { writeRequest("write a browser's head", Samples.browser) },
            { writeAnswer() },
            { readChunks() },
        ]
    }

    private static func parse(_ name: String, _ text: String) -> Case {
        let bytes = Samples.bytes(text)
        let head = Head()
        return Case(name) { times in
            for _ in 0..<times {
                guard case .complete(let consumed, _, _) = RequestHead.parse(bytes, into: head) else {
                    fatalError(name)
                }
                sink &+= consumed
            }
        }
    }

    private static func parseAnswer() -> Case {
        let bytes = Samples.bytes(Samples.answer)
        let head = Head()
        return Case("parse an answer's head") { times in
            for _ in 0..<times {
                guard case .complete(let consumed, _, _) = ResponseHead.parse(bytes, answering: .get, into: head) else {
                    fatalError(Samples.answer)
                }
                sink &+= consumed
            }
        }
    }

    /// A request on its way out: parsed once, with the fields that the proxy adds.
    private static func writeRequest(_ name: String, _ text: String) -> Case {
        let head = Samples.head(text)
        head.setField(.xForwardedProto, value: head.append("http"))
        head.setField(.xForwardedFor, value: head.append("10.1.2.3"))
        head.setField(.xRequestID, value: head.append("8a6e0804-2bd0-4672-b79d-d97027f9071a"))
        let out = Buffer(capacity: 16_384)
        return Case(name) { times in
            for _ in 0..<times {
                guard HeadWriter.request(head, framing: .none, upgrade: false, to: out) else { fatalError(name) }
                sink &+= out.count
                out.consume(out.count)
            }
        }
    }

    private static func writeAnswer() -> Case {
        let head = Head()
        _ = ResponseHead.parse(Samples.bytes(Samples.answer), answering: .get, into: head)
        head.setField(.server, value: head.append("istio-envoy"))
        let out = Buffer(capacity: 16_384)
        return Case("write an answer's head") { times in
            for _ in 0..<times {
                guard
                    HeadWriter.response(
                        head, framing: .length(69), minorVersion: 1, close: false, upgrade: false, to: out)
                else { fatalError(Samples.answer) }
                sink &+= out.count
                out.consume(out.count)
            }
        }
    }

    private static func readChunks() -> Case {
        let chunk = "400\r\n" + String(repeating: "x", count: 1024) + "\r\n"
        let bytes = Samples.bytes(String(repeating: chunk, count: 8) + "0\r\n\r\n")
        let trailers = Head()
        return Case("read 8 chunks of 1 KiB") { times in
            for _ in 0..<times { sink &+= content(of: bytes, trailers: trailers) }
        }
    }

    /// Bytes of content in a whole chunked body.
    private static func content(of bytes: UnsafeRawBufferPointer, trailers: Head) -> Int {
        var reader = ChunkedReader()
        var rest = bytes
        var count = 0
        while true {
            switch reader.next(rest, trailers: trailers) {
            case .data(let range, let consumed):
                count += range.count
                rest = UnsafeRawBufferPointer(rebasing: rest[consumed...])
            case .needMore(let consumed): rest = UnsafeRawBufferPointer(rebasing: rest[consumed...])
            case .end: return count
            case .failure(let fault): fatalError("\(fault)")
            }
        }
    }
}
