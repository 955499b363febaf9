import Glibc
import Testing

@testable import TLS

@Suite struct HandshakeTests {
    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `both versions carry bytes both ways`(version: TLSVersion) throws {
        let pair = try Pair(serverContext { ($0.minVersion, $0.maxVersion) = (version, version) }, clientContext())
        #expect(pair.handshake() == .complete)
        #expect(pair.server.version == (version == .tls12 ? "TLSv1.2" : "TLSv1.3"))
        #expect(pair.client.version == pair.server.version && pair.client.cipher == pair.server.cipher)
        #expect(pair.server.serverName == "localhost" && pair.client.serverName == "localhost")
        #expect(!pair.server.isResumed && pair.server.negotiated == .none && pair.server.peer == nil)
        #expect(pair.client.peer?.spiffe == "spiffe://cluster.local/ns/a/sa/server")
        #expect(pair.server.ownIdentity == "spiffe://cluster.local/ns/a/sa/server")
        #expect(pair.write("hello", fromServer: false) == 5)
        #expect(pair.readServer().text == "hello")
        #expect(pair.write("world", fromServer: true) == 5)
        #expect(pair.readClient().text == "world")
    }

    @Test(arguments: [TLSVersion.tls10, .tls11])
    func `old versions are spoken where they are asked for`(version: TLSVersion) throws {
        let server = try serverContext { ($0.minVersion, $0.maxVersion) = (version, version) }
        let old = try Pair(server, clientContext { $0.minVersion = .tls10 })
        #expect(old.handshake() == .complete)
        #expect(old.server.version == (version == .tls10 ? "TLSv1" : "TLSv1.1"))
        old.write("hello", fromServer: true)
        #expect(old.readClient().text == "hello")
        let new = try Pair(server, clientContext())
        #expect(new.handshake() == .refused(server: .protocolVersion, client: .peerAlert))
        #expect(new.client.alertName == "protocol version")
    }

    @Test func `versions without an overlap are told on both sides`() throws {
        let pair = try Pair(
            serverContext { $0.minVersion = .tls13 },
            clientContext { ($0.minVersion, $0.maxVersion) = (.tls12, .tls12) }
        )
        #expect(pair.handshake() == .refused(server: .protocolVersion, client: .peerAlert))
    }

    @Test func `the server's favourite protocol is chosen, or none`() throws {
        let server = try serverContext { $0.alpn = ["istio-peer-exchange", "h2", "http/1.1"] }
        let table: [([String], ApplicationProtocol)] = [
            (["http/1.1", "h2"], .h2), (["http/1.1"], .http11), (["istio", "istio-peer-exchange"], .istioPeerExchange),
            (["spdy/3"], .none), ([], .none),
        ]
        for (offer, expected) in table {
            let pair = try Pair(server, clientContext { $0.alpn = offer })
            #expect(pair.handshake() == .complete)
            #expect(pair.server.negotiated == expected && pair.client.negotiated == expected)
        }
        let other = try Pair(serverContext { $0.alpn = ["x"] }, clientContext { $0.alpn = ["x"] })
        #expect(other.handshake() == .complete)
        #expect(other.client.negotiated == .other)
        #expect(other.client.withNegotiatedBytes { Array($0) } == [0x78])
    }

    @Test func `a server with two kinds of keys shows the one that the client can read`() throws {
        let server = try serverContext {
            $0.certificates = [Authority.certificate("server-rsa"), Authority.certificate("server")]
            $0.maxVersion = .tls12
            $0.cipherSuites = ["[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-RSA-AES128-GCM-SHA256]"]
        }
        let client = try Pair(server, clientContext())
        #expect(client.handshake() == .complete)
        #expect(client.client.cipher == "ECDHE-ECDSA-AES128-GCM-SHA256")
        #expect(server.certificates.count == 2 && server.warnings.isEmpty)
    }

    @Test func `ciphers are named as OpenSSL or IANA does, and unknown ones are warned of`() throws {
        let server = try serverContext {
            $0.maxVersion = .tls12
            $0.cipherSuites = [
                "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", "NONE-SUCH",
                "TLS_AES_128_GCM_SHA256",
            ]
        }
        #expect(server.warnings.count == 3)
        let pair = try Pair(server, clientContext())
        #expect(pair.handshake() == .complete)
        #expect(pair.server.cipher == "ECDHE-ECDSA-AES256-GCM-SHA384")
        let rsaOnly = try serverContext {
            $0.maxVersion = .tls12
            $0.cipherSuites = ["ECDHE-RSA-AES128-GCM-SHA256"]
        }
        let refused = try Pair(rsaOnly, clientContext())
        #expect(refused.handshake() == .refused(server: .noSharedCipher, client: .peerAlert))
        #expect(refused.client.alertName == "handshake failure")
        #expect(try serverContext { $0.cipherSuites = ["A", "B"] }.warnings.count == 3)
    }

    @Test func `handshakes and transfers go through a tiny output buffer`() throws {
        let pair = try Pair(mutualContext(), clientContext("client"), outputBytes: 400)
        #expect(pair.handshake() == .complete)
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        var (sent, received, rounds) = (0, [UInt8](), 0)
        while received.count < bytes.count, rounds < 100_000 {
            rounds += 1
            let taken = bytes[sent...].withUnsafeBytes { pair.server.encrypt($0, into: pair.serverOutput) }
            #expect(taken >= 0)
            sent += max(0, taken)
            pair.sendServer()
            received += pair.readClient(997).bytes
        }
        #expect(received == bytes)
        #expect(pair.write("", fromServer: true) == 0)
    }

    @Test func `no renegotiation, and key updates are answered`() throws {
        let old = try Pair(serverContext { $0.maxVersion = .tls12 }, clientContext())
        #expect(old.handshake() == .complete)
        #expect(old.client.requestNewKeys())
        // The client says hello again and waits; the server answers with a warning and goes on.
        #expect(old.write("a", fromServer: false) < 0)
        #expect(old.readServer().result == -Int(EAGAIN) && old.server.fault == nil)
        #expect(old.serverOutput.count > 0 && old.serverOutput.count < 64)
        #expect(old.write("b", fromServer: true) == 1)
        let new = try Pair(serverContext(), clientContext())
        #expect(new.handshake() == .complete)
        for _ in 0..<3 {
            #expect(new.client.requestNewKeys())
            new.write("a", fromServer: false)
            #expect(new.readServer().text == "a")
            new.sendServer()
            new.write("b", fromServer: true)
            #expect(new.readClient().text == "b")
        }
    }
}
