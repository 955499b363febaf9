import Testing

@testable import TLS

@Suite struct ProblemTests {
    private func problem(_ change: (inout TLSServerSettings) -> Void) -> TLSProblem? {
        do {
            _ = try mutualContext(change)
        } catch {
            return error as? TLSProblem
        }
        return nil
    }

    private func problem(chain: String, key: String) -> TLSProblem.Kind? {
        problem {
            $0.certificates = [CertificateSource(chain: Authority.file(chain), key: Authority.file(key))]
        }?.kind
    }

    @Test func `files are told apart by what is wrong with them`() {
        #expect(problem(chain: "server.pem", key: "server.key") == nil)
        #expect(problem(chain: "none.pem", key: "server.key") == .missing)
        #expect(problem(chain: "server.pem", key: "none.key") == .missing)
        #expect(problem(chain: "", key: "server.key") == .unreadable("it is not a file"))
        #expect(problem(chain: "empty.pem", key: "server.key") == .noCertificate)
        #expect(problem(chain: "broken.pem", key: "server.key") == .brokenCertificate)
        #expect(problem(chain: "server.pem", key: "empty.pem") == .brokenKey)
        #expect(problem(chain: "server.pem", key: "encrypted.key") == .encryptedKey)
        #expect(problem(chain: "server.pem", key: "client.key") == .keyMismatch)
        #expect(problem(chain: "weak.pem", key: "weak.key") == .weakKey)
        #expect(problem(chain: "expired.pem", key: "expired.key") == .expired(1_609_459_200))
        #expect(problem(chain: "future.pem", key: "future.key") == .notYetValid(4_007_836_800))
        #expect(problem { $0.authorities = [Authority.file("empty.pem")] }?.kind == .noAuthority)
        #expect(problem { $0.authorities = [Authority.file("broken.pem")] }?.kind == .brokenCertificate)
        #expect(problem { $0.revocations = Authority.file("empty.pem") }?.kind == .brokenRevocations)
        #expect(problem { $0.revocations = Authority.file("broken-crl.pem") }?.kind == .brokenRevocations)
    }

    @Test func `settings are told apart by what is wrong with them`() {
        #expect(problem { $0.authorities = [] }?.kind == .noAuthorities)
        #expect(problem { $0.certificates = [] }?.kind == .noServerCertificate)
        #expect(problem { ($0.minVersion, $0.maxVersion) = (.tls13, .tls12) }?.kind == .minAboveMax)
        #expect(problem { $0.maxVersion = .tls11 }?.kind == .minAboveMax)
        #expect(problem { $0.alpn = [""] }?.kind == .badProtocols)
        #expect(problem { $0.alpn = [String(repeating: "a", count: 256)] }?.kind == .badProtocols)
        #expect(throws: TLSProblem.self) { try clientContext { $0.authorities = .sources([]) } }
        #expect(throws: TLSProblem.self) { try clientContext("none") }
        #expect(throws: TLSProblem.self) { try clientContext { $0.alpn = [""] } }
    }

    @Test func `a problem names the file, the owner and a way out`() throws {
        let expired = try #require(problem { $0.certificates = [Authority.certificate("expired")] })
        #expect(expired.sentence.hasSuffix("expired.pem expired on 2021-01-01 00:00:00 UTC"))
        #expect(expired.fix == "renew it" && expired.owner == "Gateway a/b")
        let setting = try #require(problem { $0.authorities = [] })
        #expect(setting.sentence.hasPrefix("Gateway a/b: client certificates are asked for"))
    }

    @Test func `dates are those of the calendar`() {
        let table: [(Int64, String)] = [
            (0, "1970-01-01 00:00:00 UTC"), (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"), (-1, "1969-12-31 23:59:59 UTC"),
            (1_798_761_599, "2026-12-31 23:59:59 UTC"), (Int64.min, "an unknown date"),
        ]
        for (seconds, text) in table { #expect(UTCDate(seconds).description == text) }
    }

    @Test func `texts of resources and a loader of the caller are sources too`() throws {
        let files = try TLSServerSettings(certificates: [
            CertificateSource(
                chain: .text(name: "Secret a/b tls.crt", text("server.pem")),
                key: .text(name: "Secret a/b tls.key", text("server.key")))
        ])
        let context = try TLSServerContext(files, keys: try #require(ticketKeys))
        let facts = try #require(context.certificates.first)
        #expect(facts.subject == "CN=server,O=Test" && facts.names.addresses == ["127.0.0.1"])
        #expect(facts.names.dns == ["localhost", "*.example.com"] && facts.serial.count >= 16)
        #expect(facts.notBefore == 1_577_836_800 && facts.chain.description == "Secret a/b tls.crt")
        #expect(context.identity == "spiffe://cluster.local/ns/a/sa/server")
        var asked: [String] = []
        let settings = TLSServerSettings(certificates: [Authority.certificate("server")])
        #expect(throws: TLSProblem(.tooLarge)) {
            try TLSServerContext(settings, keys: try #require(ticketKeys)) { (source) throws(TLSProblem) -> [UInt8] in
                asked.append(source.description)
                throw TLSProblem(.tooLarge)
            }
        }
        #expect(asked.count == 1)
    }

    private func text(_ name: String) throws -> String {
        String(decoding: try PEMLoader.load(Authority.file(name)), as: UTF8.self)
    }

    @Test func `every fault has a label and a sentence of its own`() {
        #expect(Set(TLSFault.allCases.map { "\($0.label)" }).count == TLSFault.allCases.count)
        #expect(Set(TLSFault.allCases.map { "\($0.sentence)" }).count == TLSFault.allCases.count)
    }

    @Test func `base64 is the standard's`() {
        for (text, expected) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            #expect(Base64.encode(Array(text.utf8)) == expected)
        }
    }
}
