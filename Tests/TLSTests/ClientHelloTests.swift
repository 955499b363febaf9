import Glibc
import Testing
import Wire

@testable import TLS

@Suite struct ClientHelloTests {
    private func inspect(_ bytes: [UInt8]) -> ClientHello.Inspection { bytes.withUnsafeBytes(ClientHello.inspect) }

    /// What OpenSSL's client says first.
    private func real(name: String?, alpn: [String]) throws -> [UInt8] {
        let (one, two) = socketPair()
        defer { [one, two].forEach { close($0) } }
        let session = try #require(TLSSession(client: clientContext { $0.alpn = alpn }, fd: one, serverName: name))
        let output = Buffer(capacity: 16384)
        #expect(session.handshake(output: output) == .wantsRead)
        return Array(output.readable)
    }

    /// The same message in records of `size` bytes.
    private func split(_ hello: [UInt8], size: Int) -> [UInt8] {
        let message = Array(hello[5...])
        return stride(from: 0, to: message.count, by: size).flatMap { start in
            let part = message[start..<min(start + size, message.count)]
            return [22, 3, 1, UInt8(part.count >> 8), UInt8(part.count & 255)] + part
        }
    }

    @Test func `name and protocols are found, in lower case and in order`() throws {
        guard
            case .hello(let hello) = inspect(try real(name: "A.Example.COM", alpn: ["istio-http/1.1", "istio", "h2"]))
        else { return #expect(Bool(false), "a hello") }
        #expect(hello.serverName == Array("a.example.com".utf8))
        #expect(hello.protocols == ["istio-http/1.1", "istio", "h2"])
        #expect(hello.offers == [.istioHTTP, .istio, .h2] && !hello.offers.isDisjoint(with: .mesh))
        #expect(inspect(try real(name: nil, alpn: [])) == .hello(ClientHello()))
    }

    @Test(arguments: [1, 2, 3, 4, 5, 7, 100, 16384])
    func `a hello may be split across records, and every prefix waits for more`(size: Int) throws {
        let whole = try real(name: "a.test", alpn: ["h2"])
        let bytes = split(whole, size: size)
        #expect(inspect(bytes) == inspect(whole))
        #expect(inspect(bytes + [23, 3, 3]) == inspect(whole))
        for count in 0..<bytes.count { #expect(inspect(Array(bytes.prefix(count))) == .needMore, "\(count)") }
    }

    @Test func `what is no hello is told apart as early as it shows`() {
        let table: [([UInt8], ClientHello.Inspection)] = [
            ([], .needMore), (Array("GET /".utf8), .notTLS), ([22], .needMore), ([22, 2], .notTLS),
            ([21, 3, 1], .notTLS),
            ([0x80, 0x2E, 1], .notTLS), ([22, 3, 1, 0, 0], .malformed), ([22, 3, 1, 0x40, 1], .malformed),
            ([22, 3, 1, 0, 5, 2], .malformed), ([22, 3, 1, 0, 5, 1, 1, 0, 0], .malformed),
            ([22, 3, 1, 0, 4, 1, 0, 0, 0], .malformed), ([22, 3, 1, 0, 1, 1, 23], .malformed),
        ]
        for (bytes, expected) in table { #expect(inspect(bytes) == expected, "\(bytes)") }
    }

    /// A hello with these extensions and nothing else.
    private func hello(_ extensions: [UInt8]) -> ClientHello.Inspection {
        let count = extensions.count
        let body: [UInt8] =
            [3, 3] + [UInt8](repeating: 1, count: 32) + [0, 0, 2, 0x13, 1, 1, 0, UInt8(count >> 8), UInt8(count & 255)]
            + extensions
        let message = [1, 0, UInt8(body.count >> 8), UInt8(body.count & 255)] + body
        return inspect([22, 3, 1, UInt8(message.count >> 8), UInt8(message.count & 255)] + message)
    }

    private func name(_ bytes: [UInt8]) -> [UInt8] {
        let count = bytes.count
        func number(_ value: Int) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }
        return [0, 0] + number(count + 5) + number(count + 3) + [0] + number(count) + bytes
    }

    @Test func `hostile names and lists are refused`() {
        #expect(hello([]) == .hello(ClientHello()))
        if case .hello(let found) = hello(name(Array("A.b".utf8))) {
            #expect(found.serverName == Array("a.b".utf8))
        } else {
            #expect(Bool(false), "a hello")
        }
        for bad in [[], [0], Array("a\0b".utf8), Array("a b".utf8), [0xC3, 0xA4], [UInt8](repeating: 97, count: 256)] {
            #expect(hello(name(bad)) == .malformed, "\(bad)")
        }
        #expect(hello(name([97]) + name([98])) == .malformed)
        #expect(hello([0, 16, 0, 2, 0, 0]) == .malformed)
        #expect(hello([0, 16, 0, 3, 0, 1, 0]) == .malformed)
        #expect(hello([0, 16, 0, 4, 0, 2, 2, 104]) == .malformed)
        #expect(hello([0, 16, 0, 9]) == .malformed)
        #expect(hello([0]) == .malformed)
    }

    @Test func `changed hellos and their pieces never crash, and are read linearly`() throws {
        let whole = try real(name: "a.test", alpn: ["h2", "http/1.1"])
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = inspect(Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))))
        }
        let endless = [[22, 3, 1, 0, 5, 1, 0, 64, 0, 0]] + [[UInt8]](repeating: [22, 3, 1, 0, 1, 0], count: 100_000)
        #expect(inspect(endless.flatMap { $0 }) == .malformed)
    }
}
