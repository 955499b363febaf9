import HTTP1
import Testing
import Wire

@Suite struct PropertyTests {
    static let requests = [
        "GET /a?b HTTP/1.1\r\nHost: example.com\r\nUser-Agent: a b c\r\nAccept: */*\r\n\r\n",
        "POST http://b:80/x HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nConnection: close, te\r\nTE: trailers\r\n\r\n",
        "\r\nPUT /y HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHOST: a\r\nx-envoy-b:\r\n\r\n",
        "CONNECT a:443 HTTP/1.0\r\nhost:\t[::1]\t\r\nCookie: \u{E9}=1; b=2\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    ]
    static let responses = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: a\r\n\r\n",
        "HTTP/1.0 404 Not Found\r\nConnection: keep-alive\r\nDate:\r\n\r\n",
        "HTTP/1.1 500\r\nTransfer-Encoding: chunked\r\nX-A: \u{E9}\r\n\r\n",
    ]

    @Test("a head is partial up to its last byte, and the same whatever follows it", arguments: requests)
    func prefixes(text: String) {
        let bytes = Array(text.utf8)
        let whole = request(bytes)
        #expect(whole.consumed == bytes.count)
        for count in 0..<bytes.count { #expect(request(Array(bytes[..<count])).isPartial, "\(count)") }
        for rest in ["x", "\r\n\r\n", "\n\n", "GET / HTTP/1.1\r\n\r\n"] {
            let longer = request(bytes + Array(rest.utf8))
            #expect(longer.result == whole.result)
            #expect(longer.fields == whole.fields && longer.path == whole.path && longer.authority == whole.authority)
        }
    }

    @Test("the same holds for responses", arguments: responses)
    func responsePrefixes(text: String) {
        let bytes = Array(text.utf8)
        for count in 0..<bytes.count { #expect(response(Array(bytes[..<count])).isPartial, "\(count)") }
        #expect(response(bytes + [0x0A]).result == response(bytes).result)
    }

    /// A head that was changed at random: bytes replaced, dropped and doubled.
    private func mutate(_ bytes: [UInt8], _ numbers: inout SeededNumbers) -> [UInt8] {
        var bytes = bytes
        let interesting: [UInt8] = [0x00, 0x09, 0x0A, 0x0D, 0x20, 0x2C, 0x2F, 0x3A, 0x40, 0x7F, 0x80, 0xFF]
        for _ in 0..<Int.random(in: 1...4, using: &numbers) where !bytes.isEmpty {
            let position = Int.random(in: 0..<bytes.count, using: &numbers)
            switch Int.random(in: 0..<4, using: &numbers) {
            case 0: bytes[position] = interesting.randomElement(using: &numbers)!
            case 1: bytes[position] = UInt8.random(in: 0...255, using: &numbers)
            case 2: bytes.remove(at: position)
            default:
                let end = Int.random(in: position...bytes.count, using: &numbers)
                bytes.insert(contentsOf: bytes[position..<end], at: position)
            }
        }
        return bytes
    }

    @Test("changed heads are read alike whole and in pieces, and what was said once stays said", arguments: 0..<20)
    func mutations(seed: Int) {
        var numbers = SeededNumbers(state: UInt64(seed))
        for text in Self.requests {
            for _ in 0..<20 {
                let bytes = mutate(Array(text.utf8), &numbers)
                let whole = request(bytes)
                var decided: Parsed?
                for count in 0...bytes.count {
                    let prefix = request(Array(bytes[..<count]))
                    switch decided?.result {
                    case .complete: #expect(prefix.result == decided?.result)
                    case .failure: #expect(prefix.fault != nil)
                    default: if !prefix.isPartial { decided = prefix }
                    }
                }
                #expect((decided?.fault != nil) == (whole.fault != nil))
                #expect(decided?.consumed == whole.consumed)
            }
        }
    }

    @Test("what was written is read back as it was, and written again comes out the same", arguments: 0..<20)
    func roundTrips(seed: Int) throws {
        var numbers = SeededNumbers(state: UInt64(seed) &+ 1000)
        for text in Self.requests {
            for _ in 0..<20 {
                let first = request(mutate(Array(text.utf8), &numbers))
                guard let framing = first.framing else { continue }
                HopByHop.strip(first.head)
                let once = try #require(
                    written(capacity: 1 << 16) {
                        HeadWriter.request(first.head, framing: framing, upgrade: false, to: $0)
                    })
                // Bytes from 0x80 were repaired on the way into a string: leave those alone.
                guard !once.unicodeScalars.contains("\u{FFFD}") else { continue }
                let second = request(once)
                #expect(second.framing == framing && second.authority == first.authority)
                #expect(second.consumed == once.utf8.count)
                let again = written(capacity: 1 << 16) {
                    HeadWriter.request(second.head, framing: framing, upgrade: false, to: $0)
                }
                // Transfer-Encoding moves behind the other fields once.
                #expect(again == once)
            }
        }
    }
}
