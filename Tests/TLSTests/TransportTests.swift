import Glibc
import Testing
import Wire

@testable import TLS

@Suite struct TransportTests {
    private static let again = -Int(EAGAIN)

    @Test func `an idle session has nothing, and says so`() throws {
        let pair = try Pair(serverContext(), clientContext())
        #expect(pair.readServer().result == -Int(ENOTCONN))
        #expect(pair.write("a", fromServer: true) == -Int(ENOTCONN))
        #expect(pair.handshake() == .complete)
        #expect(pair.readServer().result == Self.again && !pair.server.hasBuffered)
        #expect(pair.readServer(0).result == 0 && pair.server.fault == nil)
    }

    @Test func `what was not read waits in OpenSSL or in the kernel, and is asked for again`() throws {
        let pair = try Pair(serverContext(), clientContext())
        #expect(pair.handshake() == .complete)
        for _ in 0..<3 { pair.write("abcdef", fromServer: false) }
        #expect(pair.readServer(4).text == "abcd" && pair.server.hasBuffered)
        #expect(pair.readServer(8).text == "efabcdef" && pair.server.hasBuffered)
        // Several records at once, and no system call more than needed.
        #expect(pair.readServer(100).text == "abcdef" && !pair.server.hasBuffered)
        #expect(pair.readServer().result == Self.again)
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `a peer that says goodbye is told from one that only hangs up`(version: TLSVersion) throws {
        let context = try serverContext { $0.maxVersion = version }
        let polite = try Pair(context, clientContext())
        #expect(polite.handshake() == .complete)
        polite.write("bye", fromServer: false)
        #expect(polite.client.close(output: polite.clientOutput))
        let once = polite.clientOutput.count
        #expect(polite.client.close(output: polite.clientOutput) && polite.clientOutput.count == once && once > 0)
        #expect(polite.write("more", fromServer: false) == -Int(EPIPE))
        polite.closeClient()
        #expect(polite.readServer().text == "bye" && polite.server.hasBuffered)
        #expect(polite.readServer().result == 0 && !polite.server.wasTruncated && polite.server.fault == nil)
        #expect(polite.readServer().result == 0)

        let rude = try Pair(context, clientContext())
        #expect(rude.handshake() == .complete)
        rude.write("cut", fromServer: false)
        rude.closeClient()
        #expect(rude.readServer().text == "cut")
        #expect(rude.readServer().result == 0 && rude.server.wasTruncated)
        #expect(rude.readServer().result == 0)
    }

    @Test func `bytes can still be sent to a peer that only stopped sending`() throws {
        let pair = try Pair(serverContext(), clientContext())
        #expect(pair.handshake() == .complete)
        pair.client.close(output: pair.clientOutput)
        pair.sendClient()
        #expect(pair.readServer().result == 0)
        #expect(pair.write("late", fromServer: true) == 4)
        #expect(pair.readClient().text == "late")
    }

    @Test func `a record that was changed on the way ends the session`() throws {
        let pair = try Pair(serverContext(), clientContext())
        #expect(pair.handshake() == .complete)
        _ = Array("secret".utf8).withUnsafeBytes { pair.client.encrypt($0, into: pair.clientOutput) }
        pair.clientOutput.base[pair.clientOutput.end - 1] ^= 1
        pair.sendClient()
        #expect(pair.readServer().result == -Int(EPROTO) && pair.server.fault == .protocol)
        #expect(!pair.server.detail.isEmpty && pair.readServer().result == -Int(EPROTO))
        pair.sendServer()
        #expect(pair.readClient().result == -Int(EPROTO) && pair.client.alertName == "bad record mac")
    }

    /// What a server makes of raw bytes.
    private func serve(_ bytes: [UInt8], thenClose: Bool = false) throws -> (TLSSession.Step, TLSSession) {
        let (one, two) = socketPair()
        defer { close(one) }
        let session = try #require(try TLSSession(server: mutualContext(), fd: one))
        let input = Buffer(capacity: max(1, bytes.count))
        _ = bytes.withUnsafeBytes { input.append($0) }
        #expect(sendAll(input, two))
        if thenClose { close(two) }
        defer { if !thenClose { close(two) } }
        let output = Buffer(capacity: 65536)
        var step = session.handshake(output: output)
        // The end of the socket is an event of its own.
        if step == .wantsRead, thenClose { step = session.handshake(output: output) }
        while step == .wantsRead, session.hasBuffered { step = session.handshake(output: output) }
        return (step, session)
    }

    @Test func `a peer that does not speak TLS is told from one that speaks it wrongly`() throws {
        let plain = [
            "GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "SSH-2.0-x\r\n",
            "CONNECT a:1 HTTP/1.1\r\n\r\n",
        ]
        for text in plain {
            let (step, session) = try serve(Array(text.utf8))
            #expect(step == .failed(.notTLS), "\(text)")
            #expect(session.handshake(output: Buffer(capacity: 100)) == .failed(.notTLS))
        }
        #expect(try serve([22, 3, 1, 0, 5, 1, 0, 0, 1, 0]).0 == .failed(.protocol))
        #expect(try serve([22, 3, 1, 255, 255, 1, 0, 0, 1, 0]).0 == .failed(.protocol))
        #expect(try serve([22, 3, 1]).0 == .wantsRead)
        #expect(try serve([22, 3, 1], thenClose: true).0 == .failed(.closed))
        #expect(try serve([], thenClose: true).0 == .failed(.closed))
        #expect(try serve([21, 3, 1, 0, 2, 2, 48]).0 == .failed(.protocol))
    }

    @Test func `garbage never crashes a server, nor a client`() throws {
        var random = SystemRandomNumberGenerator()
        let client = try clientContext()
        for round in 0..<300 {
            var bytes = (0..<Int.random(in: 1...600)).map { _ in UInt8.random(in: 0...255, using: &random) }
            if round % 2 == 0 { bytes = [22, 3, 1, 0, UInt8(min(255, bytes.count))] + bytes }
            _ = try serve(bytes, thenClose: round % 3 == 0)
            let (one, two) = socketPair()
            let session = try #require(TLSSession(client: client, fd: one, serverName: "a"))
            #expect(session.handshake(output: Buffer(capacity: 4096)) == .wantsRead)
            _ = bytes.withUnsafeBytes { send(two, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            _ = session.handshake(output: Buffer(capacity: 4096))
            [one, two].forEach { close($0) }
        }
    }

    @Test func `a flood of key updates leaves the worker, and is not answered without bound`() throws {
        let pair = try Pair(serverContext(), clientContext())
        #expect(pair.handshake() == .complete)
        let full = Buffer(capacity: 1)
        var results: Set<Int> = []
        for _ in 0..<20_000 {
            _ = pair.client.requestNewKeys()
            // An update goes out with bytes only; the server reads what it can and sends nothing.
            if pair.write("x", fromServer: false) != 1 { break }
            pair.clientOutput.consume(pair.clientOutput.count)
            var byte: UInt8 = 0
            let result = withUnsafeMutableBytes(of: &byte) { pair.server.receive(into: $0, output: full) }
            results.insert(result)
            if result != 1 { break }
        }
        #expect(results.contains(1) && pair.server.hasUnsentOutput)
    }
}
