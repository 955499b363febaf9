import Testing

@testable import TLS

@Suite struct ResumptionTests {
    /// Connects twice with one cache: to `first`, then to `second`. Whether the second was resumed on both sides.
    private func resumes(
        _ first: TLSServerContext, _ second: TLSServerContext, client: TLSClientContext, names: [String] = ["a", "a"]
    ) throws -> Pair? {
        let cache = TLSSessionCache()
        let one = try Pair(first, client, name: names[0], cache: cache)
        #expect(one.handshake() == .complete && !one.server.isResumed && cache.count == 1)
        let two = try Pair(second, client, name: names[1], cache: cache)
        #expect(two.handshake() == .complete && two.server.isResumed == two.client.isResumed)
        return two.server.isResumed ? two : nil
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `a session is resumed at another context of equal settings, and its client is still known`(
        version: TLSVersion
    ) throws {
        let change = { (settings: inout TLSServerSettings) in settings.maxVersion = version }
        let client = try clientContext("client")
        let pair = try #require(
            try resumes(try mutualContext(change), try mutualContext(change), client: client))
        #expect(pair.server.peer?.spiffe == "spiffe://cluster.local/ns/a/sa/client")
        #expect(pair.server.peerChainURLEncoded != nil)
        #expect(pair.client.peer?.spiffe == "spiffe://cluster.local/ns/a/sa/server")
        #expect(pair.server.serverName == "a")
        pair.write("hello", fromServer: true)
        #expect(pair.readClient().text == "hello")
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `a session of a server with other demands is not resumed`(version: TLSVersion) throws {
        let plain = try serverContext { $0.maxVersion = version }
        let client = try clientContext("client")
        let changes: [(inout TLSServerSettings) -> Void] = [
            { _ in }, { $0.trustDomains = ["cluster.local"] }, { $0.clientCertificates = .optional },
            { $0.revocations = Authority.file("crl.pem") }, { $0.authorities.append(Authority.file("other.pem")) },
        ]
        let contexts = try changes.map { change in
            try mutualContext {
                $0.maxVersion = version
                change(&$0)
            }
        }
        for context in contexts { #expect(try resumes(plain, context, client: client) == nil) }
        for context in contexts.dropFirst() {
            #expect(try resumes(contexts[0], context, client: client) == nil)
            #expect(try resumes(context, contexts[0], client: client) == nil)
        }
    }

    @Test func `sessions belong to a context and a name`() throws {
        let server = try serverContext()
        #expect(try resumes(server, server, client: clientContext()) != nil)
        #expect(try resumes(server, server, client: clientContext(), names: ["a", "b"]) == nil)
        let cache = TLSSessionCache()
        for _ in 0..<2 {
            let pair = try Pair(server, clientContext(), cache: cache)
            #expect(pair.handshake() == .complete && !pair.server.isResumed)
        }
        #expect(cache.count == 2)
    }

    @Test func `keys can be rotated twice before a session is forgotten`() throws {
        let keys = try #require(TicketKeys())
        let server = try serverContext(keys: keys)
        for (rotations, expected) in [(1, true), (2, true), (3, false)] {
            let cache = TLSSessionCache()
            let client = try clientContext()
            #expect(try Pair(server, client, cache: cache).handshake() == .complete)
            for _ in 0..<rotations { #expect(keys.rotate()) }
            let pair = try Pair(server, client, cache: cache)
            #expect(pair.handshake() == .complete && pair.server.isResumed == expected, "\(rotations)")
        }
        let shared = [UInt8](repeating: 7, count: TicketKeys.keyBytes)
        let (one, two) = (try #require(TicketKeys()), try #require(TicketKeys()))
        #expect(one.rotate(to: shared) && two.rotate(to: shared) && !one.rotate(to: [1]))
        let resumed = try resumes(
            try serverContext(keys: one), try serverContext(keys: two), client: try clientContext())
        #expect(resumed != nil)
    }

    @Test func `a cache is bounded, and gives nothing that is too old`() throws {
        let server = try serverContext()
        let client = try clientContext()
        let cache = TLSSessionCache(capacity: 3)
        for index in 0..<5 {
            let pair = try Pair(server, client, name: "host\(index)", cache: cache)
            #expect(pair.handshake() == .complete)
        }
        #expect(cache.count == 3)
        let identity = client.handle.identity
        #expect(cache.take(context: identity, name: "host0", now: 0) == nil)
        #expect(cache.take(context: identity, name: "host4", now: 4_000_000_000) == nil)
        #expect(cache.count == 2)
    }
}
