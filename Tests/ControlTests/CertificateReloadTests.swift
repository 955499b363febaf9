import Compile
import Foundation
import Loop
import Plan
import TLS
import Testing

@testable import Control

@Suite("Certificates that change while they serve", .enabled(if: Certificates.canIssue, "needs openssl"))
struct CertificateReloadTests {
    let certificates: Certificates

    init() throws {
        certificates = try Certificates()
        try certificates.issue("a")
        try certificates.issue("b")
    }

    /// The compiler, which has these settings for chains of the first listener as well.
    private func compiling(_ servers: [TLSServerSettings]) -> GenerationBuilder.Compiling {
        { resources, proxy in
            var compiled = Compiler.compile(resources, proxy: proxy)
            for settings in servers {
                compiled.plan.listeners[0].chains.append(
                    ChainSpec(name: settings.name, transport: .tls, tls: settings, action: .http(routes: 0)))
            }
            return compiled
        }
    }

    /// A gateway whose listener has a chain with TLS for each of these settings, and a watcher of their files.
    private func bench(_ servers: [TLSServerSettings]) throws -> Bench {
        try Bench(
            Bench.yaml(address: "10.0.0.1"),
            compile: compiling(servers),
            prepare: { controller, loop in
                let watcher = try FileWatcher { [unowned controller] in controller.certificatesChanged() }
                try #require(watcher.attach(to: loop))
                controller.onCertificateFiles = { watcher.watch($0) }
            })
    }

    /// Turns the loop for a while in which nothing should happen.
    private func rest(_ bench: Bench) { for _ in 0..<30 { bench.loop.turn(waitMilliseconds: 10) } }

    @Test("a renewed pair makes a generation, and only its own server has another context")
    func renewal() throws {
        let (a, b) = (certificates.server("a"), certificates.server("b"))
        let bench = try bench([a, b])
        defer { bench.end() }
        #expect(bench.turn { bench.host.published.count == 1 })
        rest(bench)
        try certificates.issue("a")
        #expect(bench.turn { bench.host.published.count >= 2 })
        rest(bench)
        let contexts = bench.host.published.map(\.contexts)
        #expect(contexts.last?.servers[a] !== contexts.first?.servers[a])
        #expect(contexts.last?.servers[b] === contexts.first?.servers[b])
        #expect(bench.log.last?.contains("(certificates changed): certificates: 1 taken up (\(a.name))") == true)
        #expect(bench.controller.report.certificates.owners(.serving).count == 2)
    }

    @Test("the same contents again make no generation and no line")
    func noise() throws {
        let bench = try bench([certificates.server("a")])
        defer { bench.end() }
        #expect(bench.turn { bench.host.published.count == 1 })
        rest(bench)
        let (lines, looks) = (bench.log.count, bench.controller.report.looks)
        try certificates.copy("a.pem", to: "a.pem")
        try certificates.folder.write("beside.txt", "x")
        rest(bench)
        #expect(bench.host.published.count == 1)
        #expect(bench.controller.report.looks == looks)
        #expect(bench.log.count == lines)
    }

    @Test("a broken renewal is told once and serves on; the file that follows repairs it")
    func broken() throws {
        let a = certificates.server("a")
        let bench = try bench([a])
        defer { bench.end() }
        #expect(bench.turn { bench.host.published.count == 1 })
        rest(bench)
        try certificates.copy("b.pem", to: "a.pem")
        #expect(bench.turn { bench.controller.report.certificates.owners(.stale) == [a.name] })
        #expect(bench.host.published.count == 1)
        #expect(bench.controller.report.diagnostics.hasErrors)
        #expect(
            bench.log.last?.contains("generation 1 stays (certificates changed): nothing changed; TLS stale") == true)
        #expect(bench.log.count { $0.contains("is not the certificate's") } == 1)
        try certificates.copy("b.key", to: "a.key")
        #expect(bench.turn { bench.host.published.count == 2 })
        #expect(!bench.controller.report.diagnostics.hasErrors)
    }

    @Test("a file that was missing opens its server when it comes")
    func missing() throws {
        let c = certificates.server("c")
        let bench = try bench([c])
        defer { bench.end() }
        #expect(bench.turn { bench.host.published.count == 1 })
        #expect(bench.host.published[0].contexts.servers.isEmpty)
        #expect(bench.log.contains { $0.contains("TLS quarantined: \(c.name)") })
        rest(bench)
        try certificates.issue("c")
        #expect(bench.turn { bench.host.published.last?.contexts.servers[c] != nil })
        #expect(bench.controller.report.certificates.owners(.serving) == [c.name])
        #expect(bench.log.last?.contains("certificates: 1 taken up (\(c.name))") == true)
    }

    @Test("a check reads certificates, and names the line that wants them")
    func check() throws {
        let folder = try TemporaryFolder()
        try folder.write("a.yaml", Bench.yaml(address: "10.0.0.1"))
        let compile = compiling([certificates.server("a", line: 4), certificates.server("c", line: 9)])
        let found = Control.load(directory: folder.path, buildsContexts: true, compile: compile).diagnostics
        #expect(found.hasErrors)
        #expect(found.contains { $0.description.hasPrefix("gateway.yaml:9: error: Gateway n/c, server https: ") })
        #expect(!found.contains { $0.location.line == 4 })
        // Other verbs work without the files.
        #expect(!Control.load(directory: folder.path, compile: compile).diagnostics.hasErrors)
    }

    @Test("a Secret's swap of ..data is noticed")
    func swap() throws {
        func mount(_ version: String, _ name: String) throws {
            try certificates.folder.write("secret/..\(version)/tls.crt", certificates.text("\(name).pem"))
            try certificates.folder.write("secret/..\(version)/tls.key", certificates.text("\(name).key"))
            try certificates.folder.link("secret/..data_tmp", to: "..\(version)")
            #expect(rename(certificates.file("secret/..data_tmp"), certificates.file("secret/..data")) == 0)
        }
        try mount("1", "a")
        try certificates.folder.link("secret/tls.crt", to: "..data/tls.crt")
        try certificates.folder.link("secret/tls.key", to: "..data/tls.key")
        var settings = certificates.server("a")
        settings.certificates = [
            CertificateSource(
                chain: .file(certificates.file("secret/tls.crt")), key: .file(certificates.file("secret/tls.key")))
        ]
        let bench = try bench([settings])
        defer { bench.end() }
        #expect(bench.turn { bench.host.published.count == 1 })
        rest(bench)
        for (version, name) in [("2", "b"), ("3", "a")] {
            let count = bench.host.published.count
            try mount(version, name)
            #expect(bench.turn { bench.host.published.count == count + 1 })
            #expect(bench.controller.report.certificates.statuses.first?.certificates.first?.subject == "CN=\(name)")
        }
    }
}
