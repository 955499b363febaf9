import Foundation
import Testing

@testable import TLS

@Suite struct VerificationTests {
    private func outcome(
        _ client: String?, _ change: (inout TLSServerSettings) -> Void = { _ in }
    ) throws -> Pair.Outcome {
        try Pair(mutualContext(change), clientContext(client)).handshake()
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `a server knows its clients, or says why it refuses them`(version: TLSVersion) throws {
        let versions = { (settings: inout TLSServerSettings) in
            (settings.minVersion, settings.maxVersion) = (version, version)
        }
        let pair = try Pair(mutualContext(versions), clientContext("client"))
        #expect(pair.handshake() == .complete)
        let peer = try #require(pair.server.peer)
        #expect(peer.uris == ["spiffe://cluster.local/ns/a/sa/client"] && peer.dns == ["client.example.com"])
        #expect(peer.subject == "CN=client,O=Test" && peer.hash.count == 64)
        let chain = try #require(pair.server.peerChainURLEncoded)
        #expect(chain.hasPrefix("-----BEGIN%20CERTIFICATE-----%0A") && chain == pair.server.peerCertificateURLEncoded)
        let table: [(String?, TLSFault)] = [
            (nil, .noCertificate), ("forged", .unknownIssuer), ("expired", .expired), ("future", .notYetValid),
            ("self", .selfSigned),
        ]
        for (certificate, fault) in table {
            let pair = try Pair(mutualContext(versions), clientContext(certificate))
            #expect(pair.handshake() == .refused(server: fault, client: .peerAlert), "\(certificate ?? "none")")
            #expect(pair.client.alertName != nil && pair.server.faultDescription != nil)
        }
    }

    @Test func `an optional certificate may be missing, but not wrong`() throws {
        let optional = { (settings: inout TLSServerSettings) in settings.clientCertificates = .optional }
        #expect(try outcome(nil, optional) == .complete)
        #expect(try outcome("client", optional) == .complete)
        #expect(try outcome("forged", optional) == .refused(server: .unknownIssuer, client: .peerAlert))
    }

    @Test func `clients are held to names, trust domains and hashes`() throws {
        let refused = Pair.Outcome.refused(server: .nameMismatch, client: .peerAlert)
        #expect(try outcome("client") { $0.trustDomains = ["a.test", "cluster.local"] } == .complete)
        #expect(try outcome("stranger") { $0.trustDomains = ["a.test", "cluster.local"] } == refused)
        #expect(try outcome("client") { $0.trustDomains = ["cluster.loca"] } == refused)
        #expect(try outcome("client") { $0.subjectAltNames = ["spiffe://cluster.local/ns/a/sa/client"] } == .complete)
        #expect(try outcome("client") { $0.subjectAltNames = ["x", "Client.Example.com"] } == .complete)
        #expect(try outcome("client") { $0.subjectAltNames = ["spiffe://cluster.local/ns/a/sa/clien"] } == refused)
        let spki = try String(contentsOfFile: "\(Authority.directory)/client.spki", encoding: .utf8)
        let hash = try String(contentsOfFile: "\(Authority.directory)/client.hash", encoding: .utf8)
        #expect(try outcome("client") { $0.publicKeyHashes = ["x", spki] } == .complete)
        #expect(try outcome("client") { ($0.publicKeyHashes, $0.certificateHashes) = (["x"], [hash]) } == .complete)
        let unpinned = Pair.Outcome.refused(server: .notPinned, client: .peerAlert)
        #expect(try outcome("stranger") { ($0.publicKeyHashes, $0.certificateHashes) = ([spki], [hash]) } == unpinned)
    }

    @Test func `revoked certificates are refused, and so is what no list speaks of`() throws {
        let listed = { (settings: inout TLSServerSettings) in settings.revocations = Authority.file("crl.pem") }
        #expect(try outcome("client", listed) == .complete)
        #expect(try outcome("revoked", listed) == .refused(server: .revoked, client: .peerAlert))
        #expect(
            try outcome("forged") {
                listed(&$0)
                $0.authorities.append(Authority.file("other.pem"))
            } == .refused(server: .noRevocationList, client: .peerAlert))
    }

    @Test func `a client verifies chain, names and server name`() throws {
        func outcome(
            _ name: String?, _ change: (inout TLSClientSettings) -> Void
        ) throws -> Pair.Outcome {
            try Pair(serverContext(), clientContext(nil, change), name: name).handshake()
        }
        let refused = Pair.Outcome.refused(server: .peerAlert, client: .nameMismatch)
        let verified = { (settings: inout TLSClientSettings) in settings.verifiesServerName = true }
        for name in ["localhost", "LOCALHOST", "a.example.com", "127.0.0.1"] {
            #expect(try outcome(name, verified) == .complete, "\(name)")
        }
        for name in ["example.com", "a.b.example.com", "127.0.0.2", "server", "::1"] {
            #expect(try outcome(name, verified) == refused, "\(name)")
        }
        #expect(try outcome("elsewhere", { _ in }) == .complete)
        for name in ["127.0.0.1", "b.example.com", "spiffe://cluster.local/ns/a/sa/server"] {
            #expect(try outcome(nil) { $0.subjectAltNames = [name] } == .complete, "\(name)")
        }
        #expect(try outcome(nil) { $0.subjectAltNames = ["b.c.example.com", "10.0.0.1"] } == refused)
        let other = TLSClientSettings.Authorities.sources([Authority.file("other.pem")])
        #expect(
            try outcome(nil) { $0.authorities = other } == .refused(server: .peerAlert, client: .unknownIssuer))
        let system = try outcome("localhost") { $0.authorities = .system }
        #expect(system == .refused(server: .peerAlert, client: .unknownIssuer))
        let unverified = try Pair(serverContext(), clientContext { $0.authorities = .unverified })
        #expect(unverified.handshake() == .complete && unverified.client.peer == nil)
    }

    @Test func `an address is verified, but not sent as a name`() throws {
        let pair = try Pair(
            serverContext(), clientContext { $0.verifiesServerName = true }, name: "127.0.0.1")
        #expect(pair.handshake() == .complete && pair.server.serverName == nil)
        let (one, two) = socketPair()
        defer { [one, two].forEach { close($0) } }
        let long = String(repeating: "a", count: 256)
        #expect(try TLSSession(client: clientContext(), fd: one, serverName: long) == nil)
        #expect(try TLSSession(client: clientContext(), fd: one, serverName: "a\0b") == nil)
    }
}
