import Foundation
import Istio
import Plan
import TLS
import Testing

@testable import Control

@Suite("From settings to TLS contexts", .enabled(if: Certificates.canIssue, "needs openssl"))
struct ContextBuilderTests {
    let certificates: Certificates
    let now = Int64(Date().timeIntervalSince1970)

    init() throws {
        certificates = try Certificates()
        try certificates.issue("a")
        try certificates.issue("b")
    }

    private func state(_ result: ContextBuilder.Result, _ name: String) -> ContextStatus.State? {
        result.report.statuses.first { $0.owner.contains("n/\(name),") }?.state
    }

    @Test("good files serve, and what they hold is known")
    func good() throws {
        var builder = ContextBuilder()
        let a = certificates.server("a")
        let result = builder.build(.of([a], clients: [certificates.client("c", authority: "b")]))
        #expect(result.contexts.servers[a] != nil)
        #expect(result.contexts.clients.count == 1)
        #expect(result.diagnostics.isEmpty)
        #expect(result.report.renewed.isEmpty)
        #expect(result.report.files == Set(["a.pem", "a.key", "b.pem"].map(certificates.file)))
        let status = try #require(result.report.statuses.first { $0.side == .server })
        #expect(status.state == .serving)
        #expect(status.certificates.first?.names.dns == ["a.example"])
        let next = try #require(result.report.nextChange)
        #expect(abs(next - (now + 23 * 86_400)) < 86_400, "seven days before it expires")
    }

    @Test("a bad file closes its server alone, and says where and what to do")
    func bad() throws {
        var builder = ContextBuilder()
        let (a, b) = (certificates.server("a", line: 4), certificates.server("b", line: 9))
        try certificates.folder.remove("a.key")
        let client = certificates.client("c", authority: "nothing")
        let result = builder.build(.of([a, b], clients: [client]))
        #expect(result.contexts.servers[a] == nil)
        #expect(result.contexts.servers[b] != nil)
        #expect(state(result, "a") == .quarantined)
        #expect(state(result, "b") == .serving)
        let lines = result.diagnostics.map(\.description).sorted()
        try #require(lines.count == 2)
        #expect(
            lines[0]
                == "gateway.yaml:4: error: Gateway n/a, server https: \(certificates.file("a.key")) does not exist: "
                + "connections to it are closed (create it, or correct the path)")
        #expect(lines[1].hasPrefix("rule.yaml:7: error: outbound|443||c: "))
        #expect(lines[1].contains("answered with 503"))
        // What is not there is watched too.
        #expect(result.report.files.contains(certificates.file("a.key")))
    }

    @Test("settings and contents that stay keep their context, wherever they stand")
    func unchanged() throws {
        var builder = ContextBuilder()
        let (a, b) = (certificates.server("a"), certificates.server("b"))
        let first = builder.build(.of([a, b]))
        let moved = certificates.server("a", line: 80)
        let second = builder.build(.of([moved]))
        #expect(second.contexts.servers[moved] === first.contexts.servers[a])
        #expect(second.report.statuses.map(\.origin) == ["gateway.yaml:80"])
        #expect(second.report.renewed.isEmpty)
        #expect(!builder.haveFilesChanged())
        // b was not in the last plan: nothing is kept of it.
        let third = builder.build(.of([moved, b]))
        #expect(third.contexts.servers[b] !== first.contexts.servers[b])
    }

    @Test("a renewed file gives a new context, and leaves the others alone")
    func renewed() throws {
        var builder = ContextBuilder()
        let (a, b) = (certificates.server("a"), certificates.server("b"))
        let first = builder.build(.of([a, b]))
        try certificates.issue("a")
        #expect(builder.haveFilesChanged())
        let second = builder.build(.of([a, b]))
        #expect(second.contexts.servers[a] !== first.contexts.servers[a])
        #expect(second.contexts.servers[b] === first.contexts.servers[b])
        #expect(second.report.renewed == [a.name])
        #expect(second.report.changes == "certificates: 1 taken up (\(a.name))")
        #expect(!second.contexts.isSame(as: first.contexts))
        #expect(builder.build(.of([a, b])).contexts.isSame(as: second.contexts))
    }

    @Test("a broken renewal keeps the context of before, and the old contents bring it back to life")
    func stale() throws {
        var builder = ContextBuilder()
        let (a, b) = (certificates.server("a"), certificates.server("b"))
        let first = builder.build(.of([a, b]))
        try certificates.copy("a.pem", to: "kept.pem")
        try certificates.folder.write("a.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        let second = builder.build(.of([a, b]))
        #expect(second.contexts.isSame(as: first.contexts))
        #expect(state(second, "a") == .stale)
        #expect(second.report.statuses.first { $0.state == .stale }?.certificates.first?.subject == "CN=a")
        let finding = try #require(second.diagnostics.first)
        #expect(finding.severity == .error)
        #expect(finding.message.hasSuffix("what it held before goes on serving"))
        // It stays so through other builds.
        #expect(builder.build(.of([a, b])).contexts.isSame(as: first.contexts))
        try certificates.copy("kept.pem", to: "a.pem")
        let third = builder.build(.of([a, b]))
        #expect(third.contexts.isSame(as: first.contexts))
        #expect(state(third, "a") == .serving)
        #expect(third.diagnostics.isEmpty)
    }

    @Test("a new certificate whose key is still the old one waits for its key")
    func halfWritten() throws {
        var builder = ContextBuilder()
        let a = certificates.server("a")
        let first = builder.build(.of([a]))
        try certificates.copy("b.pem", to: "a.pem")
        let second = builder.build(.of([a]))
        #expect(second.contexts.isSame(as: first.contexts))
        #expect(second.report.statuses.first?.problem?.kind == .keyMismatch)
        try certificates.copy("b.key", to: "a.key")
        let third = builder.build(.of([a]))
        #expect(state(third, "a") == .serving)
        #expect(third.report.statuses.first?.certificates.first?.subject == "CN=b")
    }

    @Test("an expired certificate is not taken up; one that expires while it serves goes on, with a warning")
    func expiry() throws {
        let a = certificates.server("a")
        var late = ContextBuilder()
        let refused = late.build(.of([a]), now: now + 60 * 86_400)
        #expect(refused.contexts.servers.isEmpty)
        #expect(refused.diagnostics.hasErrors)
        #expect(refused.diagnostics.first?.message.contains("expired on") == true)

        var builder = ContextBuilder()
        let first = builder.build(.of([a]), now: now)
        let soon = builder.build(.of([a]), now: now + 25 * 86_400)
        #expect(soon.diagnostics.map(\.severity) == [.warning])
        #expect(soon.diagnostics.first?.message.contains("expires on") == true)
        let over = builder.build(.of([a]), now: now + 60 * 86_400)
        #expect(over.contexts.isSame(as: first.contexts))
        #expect(over.diagnostics.first?.message.contains("expired on") == true)
        #expect(over.report.nextChange == nil)
    }

    @Test("a certificate that is not valid yet is tried again when it is")
    func future() throws {
        var builder = ContextBuilder()
        let result = builder.build(.of([certificates.server("a")]), now: now - 10 * 86_400)
        #expect(result.contexts.servers.isEmpty)
        let next = try #require(result.report.nextChange)
        #expect(abs(next - now) < 120)
    }

    @Test("a Secret's text that breaks keeps the context of the text before")
    func secrets() throws {
        var builder = ContextBuilder()
        func settings(_ chain: String, _ key: String) -> TLSServerSettings {
            TLSServerSettings(
                certificates: [
                    CertificateSource(
                        chain: .text(name: "Secret n/a tls.crt", chain), key: .text(name: "Secret n/a tls.key", key))
                ], name: "Gateway n/a, server https", origin: "gateway.yaml:1")
        }
        let good = settings(try certificates.text("a.pem"), try certificates.text("a.key"))
        let first = builder.build(.of([good]))
        #expect(first.report.files.isEmpty)
        let broken = settings("nonsense", try certificates.text("a.key"))
        let second = builder.build(.of([broken]))
        #expect(second.contexts.servers[broken] === first.contexts.servers[good])
        #expect(state(second, "a") == .stale)
        #expect(second.diagnostics.allSatisfy { !$0.description.contains("PRIVATE") })
        let renewed = settings(try certificates.text("b.pem"), try certificates.text("b.key"))
        let third = builder.build(.of([renewed]))
        #expect(state(third, "a") == .serving)
        #expect(third.contexts.servers[renewed] !== first.contexts.servers[good])
    }

    @Test("what Compile left without certificates is quarantined without a second finding")
    func incomplete() {
        var builder = ContextBuilder()
        let result = builder.build(.of([TLSServerSettings(certificates: [], name: "Gateway n/a, server https")]))
        #expect(result.contexts.servers.isEmpty)
        #expect(state(result, "a") == .quarantined)
        #expect(result.diagnostics.isEmpty)
    }

    @Test("one missing file of many clusters is told once")
    func folded() {
        var builder = ContextBuilder()
        let clients = (0..<50).map { certificates.client("c\($0)", authority: "nothing") }
        let result = builder.build(.of(clients: clients))
        #expect(result.diagnostics.count == 1)
        #expect(result.diagnostics.first?.message.hasSuffix("the same holds for 49 others") == true)
        #expect(result.report.owners(.quarantined).count == 50)
    }
}
